//! A client whose calls go straight into a server's layers and handlers.

use std::sync::Arc;

use crate::client::{Client, ClientBuilder};
use crate::server::ServerBuilder;

/// A client directly on a service, with no transport, no tasks and no frames: a call runs in the
/// caller's own task, through all layers, and ends when the caller's future is dropped.
///
/// Errors are what a caller over a connection would see; panics of handlers are answers, too.
/// What needs a connection is not there: a handler has no peer and no pusher, limits of
/// connections do not apply, and a oneway call runs to its end before `notify` returns.
///
/// ```
/// use trunkline::{ErrorKind, Failure, Server, testing};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), trunkline::Error> {
/// let client = testing::direct(Server::builder().function("Math", "Sqrt", |n: f64| async move {
///     if n < 0.0 { Err(Failure::new("no real root").with_kind(ErrorKind::Invalid)) } else { Ok(n.sqrt()) }
/// }));
/// let root: f64 = client.service("Math").call("Sqrt", &9.0).await?;
/// assert_eq!(root, 3.0);
/// let error = client.service("Math").call::<_, f64>("Sqrt", &-1.0).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Invalid);
/// # Ok(()) }
/// ```
///
/// # Panics
/// When the builder was given something that cannot be.
pub fn direct(server: ServerBuilder) -> Client {
    direct_with(server, Client::builder())
}

/// As [`direct`], with a client of this builder. Its layers and timeouts count; what it says of
/// connections does not.
///
/// # Panics
/// When the server's builder was given something that cannot be.
pub fn direct_with(server: ServerBuilder, client: ClientBuilder) -> Client {
    match server.into_direct() {
        Ok(end) => Client::direct(client, Arc::new(end)),
        Err(error) => panic!("the server cannot be built: {error}"),
    }
}
