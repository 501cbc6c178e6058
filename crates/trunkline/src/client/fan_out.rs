//! One call to every instance of a service: broadcast, fork, inform.

use std::borrow::Borrow;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::fail::FailMode;
use super::request::{Request, mapped};
use super::wishes::Wishes;
use crate::call::{Call, Reply};
use crate::error::{Error, ErrorKind};

/// What became of a call at one of the instances it went to.
#[derive(Debug)]
#[non_exhaustive]
pub struct Receipt<R> {
    /// The instance.
    pub address: Arc<str>,
    /// Its reply, or why there is none: of this instance alone.
    pub result: Result<R, Error>,
}

type Sent<'f> = Pin<Box<dyn Future<Output = Result<Reply, Error>> + Send + 'f>>;

impl<'a, A: ?Sized, R, B: Borrow<A>> Request<'a, A, R, B> {
    /// Calls every instance at once and waits for all of them: a receipt for each, also for those
    /// that cannot be reached. Instances that may get no calls at all (inactive, of another group,
    /// filtered) are left out.
    ///
    /// ```no_run
    /// # async fn run(client: &trunkline::Client) -> Result<(), trunkline::Error> {
    /// for receipt in client.service("Cache").call::<_, ()>("Clear", &()).inform().await? {
    ///     if let Err(error) = receipt.result {
    ///         eprintln!("{} was not cleared: {error}", receipt.address);
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// When the argument does not encode, or there is no instance.
    pub async fn inform(self) -> Result<Vec<Receipt<R>>, Error> {
        let mut receipts = Vec::new();
        self.each_of_all(|receipt| {
            receipts.push(receipt);
            None::<()>
        })
        .await?;
        Ok(receipts)
    }

    /// Calls every instance at once: succeeds when all of them have, and fails with the first
    /// failure, which names its instance. The calls that are still under way are given up then.
    ///
    /// # Errors
    /// As said, and as [`inform`](Self::inform).
    pub async fn broadcast(self) -> Result<Vec<Receipt<R>>, Error> {
        let mut receipts = Vec::new();
        let failed = self
            .each_of_all(|Receipt { address, result }| match result {
                Ok(reply) => {
                    receipts.push(Receipt { address, result: Ok(reply) });
                    None
                }
                Err(error) => Some(error),
            })
            .await?;
        match failed {
            Some(error) => Err(error),
            None => Ok(receipts),
        }
    }

    /// Calls every instance at once and takes the first reply; the other calls are given up.
    ///
    /// # Errors
    /// When no instance has replied: the last error, which names its instance. And as
    /// [`inform`](Self::inform).
    pub async fn fork(self) -> Result<Receipt<R>, Error> {
        let mut last = None;
        let first = self
            .each_of_all(|receipt| match receipt.result {
                Ok(_) => Some(receipt),
                Err(error) => {
                    last = Some(error);
                    None
                }
            })
            .await?;
        match (first, last) {
            (Some(receipt), _) => Ok(receipt),
            (None, Some(error)) => Err(error),
            (None, None) => Err(Error::new(ErrorKind::Internal, "no instance was called")),
        }
    }

    /// Sends the call to all, hands on each receipt as it comes, and ends when `enough` says so.
    async fn each_of_all<T>(
        self,
        mut enough: impl FnMut(Receipt<R>) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let client = self.client();
        let map = |error| mapped(client, error);
        let mut call = self.prepare().and_then(|prepared| self.to_call(prepared)).map_err(map)?;
        let addresses = client.instances(&call).await.map_err(map)?;
        let calls: Vec<Call> = addresses.iter().map(|address| to_one(&mut call, address)).collect();
        let sent = calls.into_iter().map(|call| Some(Box::pin(client.run(call)) as Sent<'_>)).collect();
        let mut under_way = UnderWay(sent);
        while let Some((place, result)) = under_way.next().await {
            let address = addresses[place].clone();
            let result = result.and_then(|reply| {
                self.codec.decode(&reply.body.into_bytes()).map_err(|e| self.undecodable(e, Some(&address)))
            });
            let result =
                result.map_err(|e| map(if e.address().is_none() { e.at(address.clone()) } else { e }));
            if let Some(found) = enough(Receipt { address, result }) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// The same call for one instance: each has one attempt, unless the call says otherwise.
fn to_one(call: &mut Call, address: &Arc<str>) -> Call {
    let mut one = call.fork();
    let mut wishes = one.extensions().and_then(|e| e.get::<Wishes>().cloned()).unwrap_or_default();
    wishes.address = Some(address.to_string());
    wishes.mode.get_or_insert(FailMode::Failfast);
    one.extensions_mut().insert(wishes);
    one
}

/// Calls that are polled in the caller's own task, so that they share its context.
struct UnderWay<'f>(Vec<Option<Sent<'f>>>);

impl UnderWay<'_> {
    /// The next one that ends, and its place; none when all have.
    async fn next(&mut self) -> Option<(usize, Result<Reply, Error>)> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, Result<Reply, Error>)>> {
        let mut left = false;
        for (place, slot) in self.0.iter_mut().enumerate() {
            let Some(call) = slot else { continue };
            if let Poll::Ready(result) = call.as_mut().poll(cx) {
                *slot = None;
                return Poll::Ready(Some((place, result)));
            }
            left = true;
        }
        if left { Poll::Pending } else { Poll::Ready(None) }
    }
}
