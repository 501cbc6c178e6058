//! Other names for methods.

use std::collections::HashMap;
use std::fmt;

use trunkline_wire::keys;

use super::{Middleware, Next, Side};
use crate::call::{Call, Reply, Target};
use crate::error::Error;

/// Answers calls of one name by the method of another, so that callers need not change at once
/// when a service is renamed.
///
/// Layers before this one and the response carry the names the caller used; layers after it and
/// the handler see the real ones. On a server, handlers of calls under an alias find
/// `__aliasAppliedKey` = `true` in the request's metadata, as in Go; it is never taken from, nor
/// put on, the wire. Aliases of aliases are not followed.
///
/// ```
/// use trunkline::middleware::Alias;
/// use trunkline::{Failure, Server, testing};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), trunkline::Error> {
/// let server = Server::builder()
///     .function("Math", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) })
///     .layer(Alias::new().add(("Numbers", "Negate"), ("Math", "Neg")));
/// let client = testing::direct(server);
/// let answer: i64 = client.service("Numbers").call("Negate", &5).await?;
/// assert_eq!(answer, -5);
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct Alias(HashMap<String, HashMap<String, Target>>);

impl Alias {
    /// No aliases yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls of the service and method `alias` go to `real`.
    #[must_use]
    pub fn add(mut self, alias: (&str, &str), real: (&str, &str)) -> Self {
        self.0
            .entry(alias.0.to_owned())
            .or_default()
            .insert(alias.1.to_owned(), Target::shared(real.0, real.1));
        self
    }
}

impl Middleware for Alias {
    async fn handle(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Error> {
        let server = next.side() == Side::Server;
        if server {
            // The mark is this side's own: a caller cannot set it.
            call.metadata.remove(keys::ALIAS_APPLIED);
        }
        let Some(real) = self.0.get(call.service()).and_then(|methods| methods.get(call.method())) else {
            return next.run(call).await;
        };
        let asked = std::mem::replace(&mut call.target, real.clone());
        if server {
            call.metadata.insert(keys::ALIAS_APPLIED, "true");
        }
        let result = next.run(call).await;
        call.target = asked;
        if server {
            call.metadata.remove(keys::ALIAS_APPLIED);
        }
        result
    }
}

impl fmt::Debug for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = self.0.iter().flat_map(|(service, methods)| {
            methods.iter().map(move |(method, real)| {
                (format!("{service}.{method}"), format!("{}.{}", real.service(), real.method()))
            })
        });
        f.debug_map().entries(pairs).finish()
    }
}
