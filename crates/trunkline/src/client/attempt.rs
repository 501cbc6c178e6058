//! One attempt of a call: a connection, the request on it, the outcome.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use trunkline_wire::{CompressError, CompressType, EncodeError, Header, Status};

use super::connection::{Connection, Head, NotStarted};
use super::handle::{Inner, Way};
use super::in_flight::{Key, Outcome};
use super::settings::Settings;
use crate::call::{Body, Call, Reply, Via};
use crate::error::{Error, ErrorKind};
use crate::frame::scratch;
use crate::middleware::{End, Side};
use crate::transport::BoxFuture;

/// A request on a connection. Dropping it frees its place.
pub(super) struct Pending {
    connection: Arc<Connection>,
    key: Option<Key>,
}

impl Pending {
    pub(super) fn new(connection: Arc<Connection>, key: Key) -> Self {
        Self { connection, key: Some(key) }
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    #[inline]
    pub(super) fn poll(&mut self, cx: &Context<'_>) -> Poll<Outcome> {
        let Some(key) = self.key else { return Poll::Pending };
        let outcome = self.connection.poll(key, cx);
        if outcome.is_ready() {
            self.key = None;
        }
        outcome
    }
}

impl Future for Pending {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        Self::poll(&mut self, cx)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.connection.cancel(key);
        }
    }
}

/// The end of the layers around a call: the layers around its attempt.
pub(super) struct AttemptsEnd(pub(super) Arc<Inner>);

impl End for AttemptsEnd {
    fn side(&self) -> Side {
        Side::Client
    }

    fn call<'a>(&'a self, call: &'a mut Call) -> BoxFuture<'a, Result<Reply, Error>> {
        if self.0.attempts.is_empty() {
            return Box::pin(attempt(&self.0, call));
        }
        Box::pin(async move {
            let end = AttemptEnd(&self.0);
            self.0.attempts.run(call, &end).await
        })
    }
}

struct AttemptEnd<'i>(&'i Inner);

impl End for AttemptEnd<'_> {
    fn side(&self) -> Side {
        Side::Client
    }

    fn call<'a>(&'a self, call: &'a mut Call) -> BoxFuture<'a, Result<Reply, Error>> {
        Box::pin(attempt(self.0, call))
    }
}

/// Sends the call and waits for its outcome. The body stays shared with the caller's, so that a
/// layer may try again.
pub(super) async fn attempt(inner: &Inner, call: &mut Call) -> Result<Reply, Error> {
    #[cfg_attr(not(feature = "testing"), expect(clippy::infallible_destructuring_match))]
    let endpoint = match &inner.way {
        Way::Endpoint(endpoint) => endpoint,
        #[cfg(feature = "testing")]
        Way::Direct(end) => {
            let result = end.call(call).await;
            let (service, method) = (call.service(), call.method());
            return result.map_err(|e| e.of(service, method).idempotent(call.idempotent));
        }
    };
    let (service, method) = (call.target.clone(), call.idempotent);
    let (names, idempotent) = ((service.service(), service.method()), method);
    let body = call.body.share().into_bytes();
    let named = |error: Error| error.of(names.0, names.1).idempotent(idempotent);
    loop {
        let connection = endpoint.connection(call.deadline).await.map_err(named)?;
        let left = call.deadline.map(|at| at.saturating_duration_since(Instant::now()));
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
        let mut outbound = Some(head.with_payload(&body).map_err(|e| named(too_large(e)))?);
        let begun = std::future::poll_fn(|cx| {
            Poll::Ready(connection.begin(outbound.take().unwrap_or_default(), cx.waker()))
        })
        .await;
        match begun {
            Ok(key) => {
                let mut pending = Pending::new(connection, key);
                let outcome = std::future::poll_fn(|cx| pending.poll(cx)).await;
                return conclude(outcome, &pending.connection, &inner.settings, names, idempotent, true);
            }
            Err(NotStarted::Closed(_)) => {
                // The dialling task may not have noticed yet.
                tokio::task::yield_now().await;
            }
            Err(NotStarted::Full(_)) => {
                wait_for_room(&connection, call.deadline).await.map_err(named)?;
            }
            Err(error) => return Err(named(not_started(&error, connection.address()))),
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

/// The payload of an answer that needs nothing but decoding.
#[inline]
pub(super) fn plain_payload(outcome: Outcome) -> Result<Bytes, Outcome> {
    match outcome {
        Outcome::Reply(message)
            if message.header().status() == Status::Normal
                && message.header().compress() == CompressType::NONE =>
        {
            Ok(message.into_payload())
        }
        other => Err(other),
    }
}

/// What the caller is told of a call that came to its end on a connection.
pub(super) fn conclude(
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
                // Most callers do not ask who answered; a counter that all calls share is not
                // touched for them.
                let via = if tell_address { Some(connection.clone() as Arc<dyn Via>) } else { None };
                return Ok(Reply { metadata, body: Body::from(payload), via });
            }
            Err(place(Error::from_answer(metadata, header.serialize(), payload)))
        }
    }
}

pub(super) fn not_started(error: &NotStarted, address: &Arc<str>) -> Error {
    let error = match error {
        NotStarted::Closed(_) => Error::new(ErrorKind::Unavailable, "the connection is closed"),
        NotStarted::Full(_) => {
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
