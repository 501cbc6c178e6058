//! How long calls may take, whatever their callers say.

use std::time::Duration;

use tokio::time::Instant;

use super::{Middleware, Next, Side};
use crate::call::{Call, Reply};
use crate::error::{Error, ErrorKind};
use crate::later;

/// Limits the time of every call that passes: the shorter of the call's own limit and this one
/// counts, and inner layers, the handler and its nested calls see it as the deadline.
///
/// When the time is up the rest of the chain is dropped and the call ends in
/// [`ErrorKind::Deadline`], on a server with the text that Go gives, `context deadline
/// exceeded`.
///
/// ```
/// use std::time::Duration;
/// use trunkline::middleware::Timeout;
/// use trunkline::{ErrorKind, Failure, Server, testing};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), trunkline::Error> {
/// let server = Server::builder()
///     .function("Slow", "Sleep", |s: u64| async move {
///         tokio::time::sleep(Duration::from_secs(s)).await;
///         Ok::<_, Failure>(())
///     })
///     .layer(Timeout::new(Duration::from_secs(2)));
/// let (client, running) = testing::connected(server).await?;
/// let slow = client.service("Slow");
/// slow.call::<_, ()>("Sleep", &1).await?;
/// let error = slow.call::<_, ()>("Sleep", &3).await.unwrap_err();
/// assert_eq!((error.kind(), error.message()), (ErrorKind::Deadline, "context deadline exceeded"));
/// # running.stop().await;
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Timeout(Duration);

impl Timeout {
    /// Limits calls to this time.
    pub const fn new(limit: Duration) -> Self {
        Self(limit)
    }
}

impl Middleware for Timeout {
    async fn handle(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Error> {
        let own = later::after(Instant::now(), self.0);
        call.limit_deadline(own);
        let at = call.deadline.map_or(own, |at| at.min(own));
        let side = next.side();
        match tokio::time::timeout_at(at, next.run(call)).await {
            Ok(result) => result,
            Err(_) if side == Side::Server => {
                Err(Error::new(ErrorKind::Deadline, "context deadline exceeded"))
            }
            Err(_) => {
                let text = if own <= at {
                    format!("the call took longer than {:?}", self.0)
                } else {
                    "the call's time was up before an answer came".to_owned()
                };
                Err(Error::new(ErrorKind::Deadline, text).of(call.service(), call.method()))
            }
        }
    }
}
