//! A client as a tower service of calls.

use std::task::{Context, Poll};

use tower::Service;

use super::handle::Client;
use crate::call::{Call, Reply};
use crate::error::Error;
use crate::transport::BoxFuture;

/// Always ready: what bounds calls is inside, and waits there until the call's deadline.
///
/// ```
/// use tower::Service;
/// use trunkline::{Call, Failure, SerializeType, Server, testing};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), trunkline::Error> {
/// let mut client = testing::direct(
///     Server::builder().function("Math", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) }),
/// );
/// let reply = client.call(Call::to("Math", "Neg", SerializeType::JSON, b"5".to_vec())).await?;
/// assert_eq!(reply.body(), b"-5");
/// # Ok(()) }
/// ```
impl Service<Call> for Client {
    type Response = Reply;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Reply, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let client = self.clone();
        Box::pin(async move { client.send(call).await })
    }
}
