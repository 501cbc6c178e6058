//! What all connections of one server share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::admission::Admission;
use super::answer::AnswerRules;
use super::endpoint;
use super::limits::ServerLimits;
use super::router::Router;
use crate::budget::ByteBudget;
use crate::call::{Call, Reply};
use crate::error::Error;
use crate::middleware::{Chain, End, Side};
use crate::transport::BoxFuture;

pub(crate) struct Shared {
    pub(crate) router: Arc<Router>,
    pub(crate) chain: Arc<Chain>,
    pub(crate) limits: ServerLimits,
    pub(crate) budget: ByteBudget,
    pub(crate) rules: AnswerRules,
    pub(crate) admission: Admission,
    pub(crate) draining: AtomicBool,
    /// Pushes are numbered per server, from 1, as in Go.
    pub(crate) pushes: AtomicU64,
    /// Which connection the last long read was of: its place in memory.
    pub(crate) last_read: AtomicUsize,
}

impl Shared {
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    pub(crate) fn next_push(&self) -> u64 {
        self.pushes.fetch_add(1, Ordering::Relaxed)
    }

    /// The call through the layers; routing is the last of them, so that a layer may send it
    /// elsewhere.
    pub(crate) fn layered(&self, mut call: Call) -> BoxFuture<'static, Result<Reply, Error>> {
        let chain = self.chain.clone();
        let end = RouterEnd(self.router.clone());
        Box::pin(async move { chain.run(&mut call, &end).await })
    }
}

pub(crate) struct RouterEnd(pub(crate) Arc<Router>);

impl End for RouterEnd {
    fn side(&self) -> Side {
        Side::Server
    }

    fn knows(&self, call: &Call) -> bool {
        self.0.knows(call.service(), call.method())
    }

    fn call<'a>(&'a self, call: &'a mut Call) -> BoxFuture<'a, Result<Reply, Error>> {
        match self.0.find(call.service().as_bytes(), call.method().as_bytes()) {
            Ok(route) => {
                let mut inner = call.fork();
                inner.charge = call.charge.take();
                inner.idempotent |= route.idempotent;
                endpoint::start(route.endpoint, inner)
            }
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }
}
