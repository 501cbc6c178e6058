//! One attempt of a call: a connection, the request on it, the outcome.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use trunkline_wire::{CompressError, CompressType, EncodeError, Header, Status};

use super::connection::{Connection, Head, NotStarted};
use super::fail::{self, Course};
use super::handle::{Inner, Way};
use super::in_flight::Key;
use super::live::Handle;
use super::outcome::Outcome;
use super::settings::Settings;
use crate::call::{Body, Call, Reply, Via};
use crate::error::{Error, ErrorKind};
use crate::frame::scratch;
use crate::middleware::{End, Side};
use crate::transport::BoxFuture;

/// A request on a connection. Dropping it frees its place.
pub(super) struct Pending {
    connection: Handle,
    key: Key,
    begun: Instant,
    is_waiting: bool,
    /// Somebody wants to know how the instance does: where there is but one, nobody does.
    is_watched: bool,
}

impl Pending {
    #[inline]
    pub(super) fn new(connection: Handle, key: Key, begun: Instant, is_watched: bool) -> Self {
        if is_watched {
            connection.health().stats.begin();
        }
        Self { connection, key, begun, is_waiting: true, is_watched }
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    pub(super) fn begun(&self) -> Instant {
        self.begun
    }

    #[inline]
    pub(super) fn poll(&mut self, cx: &Context<'_>) -> Poll<Outcome> {
        if !self.is_waiting {
            return Poll::Pending;
        }
        let outcome = self.connection.poll(self.key, cx);
        self.is_waiting = outcome.is_pending();
        outcome
    }

    /// Polls for the payload of an answer that needs nothing but decoding, which most do. What else
    /// a call ends in is for [`conclude`](Self::conclude).
    #[inline]
    pub(super) fn poll_payload(&mut self, cx: &Context<'_>) -> Poll<Result<Bytes, Outcome>> {
        match self.poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Outcome::Plain(payload)) => {
                self.succeeded();
                Poll::Ready(Ok(payload))
            }
            Poll::Ready(other) => Poll::Ready(Err(other)),
        }
    }

    #[inline]
    fn succeeded(&self) {
        // The connection has counted it. How long it took is asked where there is a choice.
        if self.is_watched {
            let now = Instant::now();
            self.connection.health().stats.took(now.saturating_duration_since(self.begun), now);
        }
    }

    /// What the caller is told, and what the instance's health is told.
    #[inline]
    pub(super) fn conclude(
        &self,
        outcome: Outcome,
        settings: &Settings,
        names: (&str, &str),
        idempotent: bool,
        tell_address: bool,
    ) -> Result<Reply, Error> {
        if matches!(outcome, Outcome::Written) {
            self.connection.health().was_written();
            return Ok(Reply::default());
        }
        let result = conclude(outcome, &self.connection, settings, names, idempotent, tell_address);
        match &result {
            Ok(_) => self.succeeded(),
            Err(error) => {
                let started = self.is_watched.then_some(self.begun);
                self.connection.health().failed(error, Instant::now(), started);
            }
        }
        result
    }

    fn unwatch(&self) {
        let stats = &self.connection.health().stats;
        stats.end();
        if self.is_waiting {
            // It would have taken longer than this: else a slow one whose answers nobody waits
            // for would never be known to be slow.
            let now = Instant::now();
            let took = now.saturating_duration_since(self.begun);
            if took > stats.latency(now).unwrap_or(LONG) {
                stats.took(took, now);
            }
        }
    }
}

/// A call that was given up sooner than this says nothing of an instance whose latency is unknown.
const LONG: Duration = Duration::from_millis(10);

impl Drop for Pending {
    #[inline]
    fn drop(&mut self) {
        if self.is_waiting {
            self.connection.cancel(self.key);
        }
        if self.is_watched {
            self.unwatch();
        }
    }
}

/// The end of the layers around a call: its fail mode, and the attempts that it makes.
pub(super) struct CallEnd(pub(super) Arc<Inner>);

impl End for CallEnd {
    fn side(&self) -> Side {
        Side::Client
    }

    fn call<'a>(&'a self, call: &'a mut Call) -> BoxFuture<'a, Result<Reply, Error>> {
        Box::pin(fail::run(&self.0, call, None))
    }
}

/// The end of the layers around an attempt.
pub(super) struct AttemptEnd<'c, 'i> {
    pub(super) course: &'c Course<'i>,
    /// Which of the course's attempts this is.
    pub(super) place: usize,
}

impl End for AttemptEnd<'_, '_> {
    fn side(&self) -> Side {
        Side::Client
    }

    fn call<'a>(&'a self, call: &'a mut Call) -> BoxFuture<'a, Result<Reply, Error>> {
        Box::pin(self.send(call))
    }
}

impl AttemptEnd<'_, '_> {
    /// Sends the call and waits for its outcome. The body stays shared with the caller's, so that
    /// there can be another attempt.
    pub(super) async fn send(&self, call: &mut Call) -> Result<Reply, Error> {
        let inner = self.course.inner;
        #[cfg_attr(not(feature = "testing"), expect(clippy::infallible_destructuring_match))]
        let fleet = match &inner.way {
            Way::Fleet(fleet) => fleet,
            #[cfg(feature = "testing")]
            Way::Direct(end) => {
                let result = end.call(call).await;
                let (service, method) = (call.service(), call.method());
                return result.map_err(|e| e.of(service, method).idempotent(call.idempotent));
            }
        };
        let (target, idempotent) = (call.target.clone(), call.idempotent);
        let names = (target.service(), target.method());
        let named = |error: Error| error.of(names.0, names.1).idempotent(idempotent);
        let body = call.body.share().into_bytes();
        let mut chosen = self.course.choose(fleet, call, self.place).await.map_err(named)?;
        loop {
            let connection = self.course.connection(&chosen, call.deadline).await.map_err(named)?;
            let now = Instant::now();
            let left = call.deadline.map(|at| at.saturating_duration_since(now));
            if left == Some(Duration::ZERO) {
                let text = "the call's time was up before it could be sent";
                return Err(named(Error::new(ErrorKind::Deadline, text).not_sent()));
            }
            let head = Head {
                header: Header::request(call.format).with_compress(call.compress).with_oneway(call.oneway),
                service: names.0,
                method: names.1,
                metadata: call.metadata.encoded(),
                left: left.filter(|_| !call.oneway),
                deadline: call.deadline,
            };
            let mut outbound = head.with_payload(&body).map_err(|e| named(too_large(e)))?;
            let begun =
                std::future::poll_fn(|cx| Poll::Ready(connection.begin(&mut outbound, cx.waker()))).await;
            match begun {
                Ok(key) => {
                    chosen.unsent = false;
                    let mut pending = Pending::new(connection, key, now, chosen.is_choice);
                    let outcome = std::future::poll_fn(|cx| pending.poll(cx)).await;
                    return pending.conclude(outcome, &inner.settings, names, idempotent, true);
                }
                Err(NotStarted::Closed) => {
                    // The dialling task may not have noticed yet.
                    tokio::task::yield_now().await;
                }
                Err(NotStarted::Full) => {
                    wait_for_room(&connection, call.deadline).await.map_err(named)?;
                }
                Err(error) => return Err(named(not_started(error, connection.address()))),
            }
        }
    }
}

async fn wait_for_room(connection: &Connection, deadline: Option<Instant>) -> Result<(), Error> {
    let overloaded = |text: &'static str| {
        Error::new(ErrorKind::Overloaded, text).at(connection.address().clone()).not_sent()
    };
    let room = connection.room();
    let result = match deadline {
        Some(at) => tokio::time::timeout_at(at, room).await.map_err(|_| {
            overloaded("the connection carried as many calls as it may until the call's time was up")
        })?,
        None => room.await,
    };
    result.map_err(|_| overloaded("too many calls wait for a place on the connection"))
}

/// What the caller is told of a call that came to its end on a connection.
fn conclude(
    outcome: Outcome,
    connection: &Arc<Connection>,
    settings: &Settings,
    (service, method): (&str, &str),
    idempotent: bool,
    tell_address: bool,
) -> Result<Reply, Error> {
    let address = connection.address();
    let place = |error: Error| error.of(service, method).at(address.clone()).idempotent(idempotent);
    match outcome {
        Outcome::Written => Ok(Reply::default()),
        Outcome::Lost { sent } => {
            let error =
                Error::new(ErrorKind::Unavailable, format!("connection lost: {}", connection.reason().text));
            let error = match connection.io_kind() {
                Some(kind) => error.with_source(std::io::Error::from(kind)),
                None => error,
            };
            Err(place(if sent { error } else { error.not_sent() }))
        }
        Outcome::Late => {
            let text = "the call's time was up before an answer came";
            Err(place(Error::new(ErrorKind::Deadline, text)))
        }
        Outcome::Plain(payload) => {
            Ok(Reply { body: payload.into(), via: via(connection, tell_address), ..Reply::default() })
        }
        Outcome::Reply(message) => {
            let header = message.header();
            let (metadata, payload) = message.into_parts();
            let payload = match header.compress() {
                CompressType::NONE => payload,
                kind => settings.compressors.decompress(kind, &payload, settings.limits.inflated).map_err(
                    |e| {
                        place(
                            Error::new(ErrorKind::Internal, format!("the reply does not decompress: {e}"))
                                .with_source(e),
                        )
                    },
                )?,
            };
            if header.status() == Status::Normal {
                let via = via(connection, tell_address);
                return Ok(Reply { metadata, body: Body::from(payload), via, explanation: None });
            }
            Err(place(Error::from_answer(metadata, header.serialize(), payload)))
        }
    }
}

/// Who answered. Most callers do not ask; a counter that all calls share is not touched for them.
fn via(connection: &Arc<Connection>, asked: bool) -> Option<Arc<dyn Via>> {
    asked.then(|| -> Arc<dyn Via> { connection.clone() })
}

pub(super) fn not_started(error: NotStarted, address: &Arc<str>) -> Error {
    let error = match error {
        NotStarted::Closed => Error::new(ErrorKind::Unavailable, "the connection is closed"),
        NotStarted::Full => {
            Error::new(ErrorKind::Overloaded, "the connection carries as many calls as it may")
        }
        NotStarted::Clogged => Error::new(
            ErrorKind::Overloaded,
            "the server reads too slowly: too many bytes wait to be sent to it",
        ),
    };
    error.at(address.clone()).not_sent()
}

pub(super) fn compress(
    settings: &Settings,
    kind: CompressType,
    plain: Vec<u8>,
) -> Result<Vec<u8>, CompressError> {
    let compressor = settings.compressors.require(kind)?;
    let mut out = scratch::take();
    compressor.compress(&plain, &mut out)?;
    scratch::give(plain);
    Ok(out)
}

pub(super) fn too_large(error: EncodeError) -> Error {
    Error::new(ErrorKind::Invalid, error.to_string()).with_source(error).not_sent()
}
