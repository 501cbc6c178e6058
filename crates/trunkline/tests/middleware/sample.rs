//! The server that the tests call, and layers that they look through.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use trunkline::middleware::{Middleware, Next};
use trunkline::server::ServerBuilder;
use trunkline::{Call, Ctx, Error, Failure, Reply, Server};

/// `Math.Neg`, `Math.Sleep` (milliseconds), `Math.Fail`, and `Meta.Get`, which answers with a
/// pair of the request's metadata.
pub(crate) fn server() -> ServerBuilder {
    Server::builder()
        .function("Math", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) })
        .function("Math", "Sleep", |ms: u64| async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok::<_, Failure>(ms)
        })
        .function("Math", "Fail", |text: String| async move { Err::<(), _>(Failure::new(text)) })
        .function("Meta", "Get", |ctx: Ctx, key: String| async move {
            Ok::<_, Failure>(ctx.metadata().get(&key).map(str::to_owned))
        })
}

/// What happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, text: impl Into<String>) {
        self.0.lock().push(text.into());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock())
    }

    /// A layer that notes when a call comes and goes.
    pub(crate) fn layer(&self, name: &'static str) -> Noting {
        Noting { log: self.clone(), name }
    }
}

pub(crate) struct Noting {
    log: Log,
    name: &'static str,
}

impl Middleware for Noting {
    async fn handle(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Error> {
        self.log.note(format!("{} in {}.{}", self.name, call.service(), call.method()));
        let result = next.run(call).await;
        let end = if result.is_ok() { "ok" } else { "error" };
        self.log.note(format!("{} out {end}", self.name));
        result
    }
}
