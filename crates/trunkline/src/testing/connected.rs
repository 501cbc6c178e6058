//! A server and a client of it over an in-memory network of their own.

use crate::client::{Client, ClientBuilder};
use crate::error::Error;
use crate::server::{RunningServer, ServerBuilder};
use crate::transport::memory::Memory;

/// Where the server listens on its network, on which nobody else is.
const NAME: &str = "memory@test";

/// Runs the server and connects a client with the defaults to it.
///
/// ```
/// use std::time::Duration;
/// use trunkline::{ErrorKind, Failure, Server, testing};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), trunkline::Error> {
/// let server = Server::builder().function("Slow", "Sleep", |s: u64| async move {
///     tokio::time::sleep(Duration::from_secs(s)).await;
///     Ok::<_, Failure>(s)
/// });
/// let (client, running) = testing::connected(server).await?;
///
/// // On paused time these seconds take no time.
/// let slept: u64 = client.service("Slow").call("Sleep", &9).await?;
/// assert_eq!(slept, 9);
/// let error = client.service("Slow").call::<_, u64>("Sleep", &11).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Deadline);
///
/// let report = running.stop().await;
/// assert_eq!(report.cut, 0);
/// # Ok(()) }
/// ```
///
/// # Errors
/// When the builder was given something that cannot be.
pub async fn connected(server: ServerBuilder) -> Result<(Client, RunningServer), Error> {
    connected_with(server, Client::builder()).await
}

/// Runs the server and connects a client of this builder to it.
///
/// ```
/// use trunkline::middleware::Auth;
/// use trunkline::{Client, Server, testing};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), trunkline::Error> {
/// let server = Server::builder()
///     .function("Math", "Neg", |n: i64| async move { trunkline::Result::Ok(-n) })
///     .layer(Auth::bearer(|token: &str| token == "open sesame"));
/// let client = Client::builder().layer(Auth::token("open sesame"));
/// let (client, running) = testing::connected_with(server, client).await?;
/// let answer: i64 = client.service("Math").call("Neg", &5).await?;
/// assert_eq!(answer, -5);
/// # running.stop().await;
/// # Ok(()) }
/// ```
///
/// # Errors
/// When one of the builders was given something that cannot be.
pub async fn connected_with(
    server: ServerBuilder,
    client: ClientBuilder,
) -> Result<(Client, RunningServer), Error> {
    let network = Memory::new();
    let running = server.transport(network.clone()).bind(NAME).await?.spawn();
    let client = client.transport(network).connect(NAME).await?;
    client.ready().await;
    Ok((client, running))
}
