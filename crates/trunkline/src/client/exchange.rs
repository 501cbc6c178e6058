//! A call under way: a hand-written future that parks its waker in the connection's table and decodes the
//! reply, with no allocation of its own on the short way. Everything else is boxed.

use std::borrow::Borrow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::time::Instant;

use super::attempt::Pending;
use super::fail::{self, Begun};
use super::outcome::Outcome;
use super::request::{Request, mapped};
use crate::call::Reply;
use crate::error::Error;
use crate::transport::BoxFuture;

/// A call under way. Dropping it gives the call up and frees its place.
#[must_use = "futures do nothing unless they are polled"]
pub struct CallFuture<'a, A: ?Sized, R, B>(pub(super) Exchange<'a, A, R, B>);

/// A request and how far it has come. The request stays: an attempt that fails is followed by
/// another, with the argument encoded anew.
pub(super) struct Exchange<'a, A: ?Sized, R, B> {
    pub(super) request: Request<'a, A, R, B>,
    pub(super) state: State<'a>,
}

pub(super) enum State<'a> {
    /// Not polled yet. Goes to `Waiting` on the short way, else to `Boxed`.
    Fresh,
    /// Sent on a connection; the reply wakes us. Goes to `Boxed` when it fails and may be tried
    /// again.
    Waiting {
        pending: Pending,
        deadline: Instant,
        idempotent: bool,
    },
    Boxed(BoxFuture<'a, Result<Reply, Error>>),
    Over,
}

// Nothing here is polled in place: the argument is only borrowed, the boxed future is pinned
// where it lies.
impl<A: ?Sized, R, B> Unpin for CallFuture<'_, A, R, B> {}

impl<A: ?Sized, R, B: Borrow<A>> Exchange<'_, A, R, B> {
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, tell_address: bool) -> Poll<Result<Reply, Error>> {
        let client = self.request.client;
        loop {
            let next = match &mut self.state {
                State::Waiting { pending, .. } => {
                    let Poll::Ready(outcome) = pending.poll(cx) else { return Poll::Pending };
                    match self.ended(outcome, tell_address) {
                        Some(result) => return Poll::Ready(result),
                        None => continue,
                    }
                }
                State::Boxed(future) => {
                    let result = std::task::ready!(future.as_mut().poll(cx));
                    self.state = State::Over;
                    return Poll::Ready(result);
                }
                State::Fresh => match self.request.begin(cx) {
                    Ok(waiting @ State::Waiting { .. }) => {
                        self.state = waiting;
                        return Poll::Pending;
                    }
                    next => next,
                },
                State::Over => panic!("a call was polled after it had ended"),
            };
            match next {
                Ok(state) => self.state = state,
                Err(error) => {
                    self.state = State::Over;
                    return Poll::Ready(Err(mapped(client, error)));
                }
            }
        }
    }

    /// The same for who wants the payload alone: what most calls end in is not made into a `Reply`.
    #[inline]
    fn poll_payload(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Error>> {
        if let State::Waiting { pending, .. } = &mut self.state {
            let ended = match pending.poll_payload(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(payload)) => {
                    self.state = State::Over;
                    return Poll::Ready(Ok(payload));
                }
                Poll::Ready(Err(outcome)) => self.ended(outcome, false),
            };
            if let Some(result) = ended {
                return Poll::Ready(result.map(Reply::into_body));
            }
        }
        self.poll(cx, false).map_ok(Reply::into_body)
    }

    /// After an attempt on the short way: what the call ends in, or nothing when it goes on.
    fn ended(&mut self, outcome: Outcome, tell_address: bool) -> Option<Result<Reply, Error>> {
        let Request { client, service, method, .. } = self.request;
        let State::Waiting { pending, deadline, idempotent } = &self.state else { return None };
        let names = (service, method);
        let next = match pending.conclude(outcome, &client.0.settings, names, *idempotent, tell_address) {
            Ok(reply) => {
                self.state = State::Over;
                return Some(Ok(reply));
            }
            Err(error) => {
                let endpoint = Some(pending.connection().health().stats.clone());
                let begun = Begun { error, endpoint, at: pending.begun() };
                if begun.error.is_final() {
                    Err(fail::explain_final(&client.0, begun, service, *deadline))
                } else {
                    self.request.go_on(begun, *deadline)
                }
            }
        };
        match next {
            Ok(state) => {
                self.state = state;
                None
            }
            Err(error) => {
                self.state = State::Over;
                Some(Err(mapped(client, error)))
            }
        }
    }
}

impl<A: ?Sized, R, B: Borrow<A>> Future for CallFuture<'_, A, R, B> {
    type Output = Result<R, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let exchange = &mut self.0;
        let payload = match exchange.poll_payload(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(payload)) => payload,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
        };
        let Exchange { request, .. } = exchange;
        // By hand and at once: each function that it is handed through would move the reply once more.
        Poll::Ready(match request.codec.decode(&payload) {
            Ok(value) => Ok(value),
            Err(cause) => Err(mapped(request.client, request.undecodable(cause, request.client.address()))),
        })
    }
}

impl<A: ?Sized, R, B> fmt::Debug for CallFuture<'_, A, R, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = &self.0.request;
        f.debug_struct("CallFuture")
            .field("service", &request.service)
            .field("method", &request.method)
            .finish_non_exhaustive()
    }
}
