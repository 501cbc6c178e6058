//! A server's layers, router and handlers as the end of a client's call, with no bytes between
//! them. What a caller could see over a connection, it sees here.

use std::sync::Arc;

use bytes::Bytes;
use trunkline_wire::CompressType;

use super::answer::AnswerRules;
use super::dispatch::{DEADLINE_TEXT, panicked};
use super::permit::CatchUnwind;
use super::router::Router;
use super::shared::RouterEnd;
use crate::call::{Body, Call, Reply};
use crate::error::{Error, ErrorKind};
use crate::middleware::{Chain, End, Side};
use crate::transport::BoxFuture;

pub(crate) struct Direct {
    pub(super) router: Arc<Router>,
    pub(super) chain: Chain,
    pub(super) rules: AnswerRules,
    pub(super) inflated: usize,
}

impl Direct {
    /// What arrives: the call without what only its caller knows.
    fn arrived(&self, call: &mut Call) -> Result<Call, Error> {
        let mut arrived = call.fork();
        arrived.extensions = None;
        arrived.idempotent = false;
        let kind = std::mem::replace(&mut arrived.compress, CompressType::NONE);
        if kind != CompressType::NONE {
            let payload = std::mem::take(&mut arrived.body).into_bytes();
            let plain = self.rules.inflate(kind, &payload, self.inflated, |_| true)?;
            arrived.body = Body::from(plain);
        }
        Ok(arrived)
    }

    async fn serve(&self, mut call: Call) -> Result<Reply, Error> {
        let (target, deadline) = (call.target.clone(), call.deadline);
        let end = RouterEnd(self.router.clone());
        // The chain borrows the call, so both lie in one future.
        let serving = CatchUnwind(Box::pin(async { self.chain.run(&mut call, &end).await }));
        let served = match deadline {
            Some(at) => tokio::time::timeout_at(at, serving).await,
            None => Ok(serving.await),
        };
        match served {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(panicked(&target, &*panic)),
            Err(_) => Err(Error::new(ErrorKind::Deadline, DEADLINE_TEXT)),
        }
    }

    /// The error as it is after its way through an answer's metadata.
    fn answered(&self, mut error: Error, call: &Call) -> Error {
        let payload = error.take_reply().map_or_else(Bytes::new, |(_, payload)| payload);
        let mut metadata = std::mem::take(error.metadata_mut());
        error.write_metadata(&self.rules.text(&error), &mut metadata);
        Error::from_answer(metadata, call.format(), payload)
    }
}

impl End for Direct {
    fn side(&self) -> Side {
        Side::Server
    }

    fn call<'a>(&'a self, call: &'a mut Call) -> BoxFuture<'a, Result<Reply, Error>> {
        Box::pin(async move {
            let result = match self.arrived(call) {
                Ok(arrived) => self.serve(arrived).await,
                Err(error) => Err(error),
            };
            match result {
                // Nobody is told what became of a oneway.
                _ if call.oneway => Ok(Reply::default()),
                Ok(reply) => Ok(reply),
                Err(error) => Err(self.answered(error, call)),
            }
        })
    }
}
