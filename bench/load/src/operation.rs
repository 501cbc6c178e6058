//! The calls that a caller repeats.

use std::{future::Future, sync::Arc};

use bytes::Bytes;

use crate::{BenchmarkMessage, Peer, Result};

/// One call, to be made again and again on one connection.
pub(crate) trait Operation: Clone + Send + Sync + 'static {
    fn call(&self) -> impl Future<Output = Result<()>> + Send;
}

/// The 581-byte message there and back.
#[derive(Clone)]
pub(crate) struct Say<P> {
    pub(crate) peer: P,
    pub(crate) connection: usize,
    /// Each caller has its own, so that callers do not share a reference count.
    pub(crate) message: Arc<BenchmarkMessage>,
}

impl<P: Peer> Operation for Say<P> {
    async fn call(&self) -> Result<()> {
        let answer = self.peer.say(self.connection, &self.message).await?;
        if answer.is_answer() { Ok(()) } else { Err("the answer is not the server's".into()) }
    }
}

/// Bytes there and back.
#[derive(Clone)]
pub(crate) struct Echo<P> {
    pub(crate) peer: P,
    pub(crate) connection: usize,
    pub(crate) payload: Bytes,
}

impl<P: Peer> Operation for Echo<P> {
    async fn call(&self) -> Result<()> {
        let answer = self.peer.echo(self.connection, self.payload.clone()).await?;
        // Comparing a mebibyte would cost as much as moving it: length and ends show a misplaced frame.
        let same = answer.len() == self.payload.len()
            && answer.first() == self.payload.first()
            && answer.last() == self.payload.last();
        if same {
            Ok(())
        } else {
            Err(format!("sent {} bytes, got {}", self.payload.len(), answer.len()).into())
        }
    }
}

/// A call that keeps the server's CPU busy.
#[derive(Clone)]
pub(crate) struct Burn<P> {
    pub(crate) peer: P,
    pub(crate) connection: usize,
    pub(crate) millis: u32,
}

impl<P: Peer> Operation for Burn<P> {
    async fn call(&self) -> Result<()> {
        self.peer.burn(self.connection, self.millis).await
    }
}
