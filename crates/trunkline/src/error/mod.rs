//! What a call ends in when it does not end in a reply.
//!
//! An [`Error`] answers four questions without anybody matching on text: what kind is it
//! ([`Error::kind`]), whose fault was it ([`Error::fault`]), may the call have run
//! ([`Error::sent`]), and is it safe to try again ([`Error::is_retryable`]). It is one word
//! wide, so that `Result<T, Error>` stays small on the path that succeeds.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use trunkline_wire::{Metadata, SerializeType};

use crate::explain::Explanation;

mod answer;
mod kind;

pub use kind::{ErrorKind, Fault, Sent};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What a call ends in when it does not end in a reply.
///
/// ```
/// use trunkline::{Error, ErrorKind, Sent};
///
/// let error = Error::new(ErrorKind::Unavailable, "connection refused").at("tcp@127.0.0.1:8972").not_sent();
/// assert_eq!(error.kind(), ErrorKind::Unavailable);
/// assert_eq!(error.sent(), Sent::No);
/// assert!(error.is_retryable());
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    service: Option<Arc<str>>,
    method: Option<Arc<str>>,
    address: Option<Arc<str>>,
    remote: bool,
    sent: Sent,
    idempotent: bool,
    code: Option<String>,
    details: Option<String>,
    retry_after: Option<Duration>,
    metadata: Metadata,
    /// The reply that travels along with an error, as Go's methods send it.
    reply: Option<(SerializeType, Bytes)>,
    /// Answer, then close the connection: what Go does when authentication fails.
    close: bool,
    source: Option<Source>,
    explanation: Option<Box<Explanation>>,
}

impl Error {
    /// An error that arose on this side.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            service: None,
            method: None,
            address: None,
            remote: false,
            sent: Sent::Maybe,
            idempotent: false,
            code: None,
            details: None,
            retry_after: None,
            metadata: Metadata::new(),
            reply: None,
            close: false,
            source: None,
            explanation: None,
        }))
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The text, without the place where it happened.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Who has to change something.
    pub fn fault(&self) -> Fault {
        match self.0.kind {
            ErrorKind::Invalid
            | ErrorKind::Unauthenticated
            | ErrorKind::Denied
            | ErrorKind::NotFound
            | ErrorKind::Cancelled => Fault::Caller,
            ErrorKind::Application | ErrorKind::Overloaded | ErrorKind::Internal => Fault::Server,
            ErrorKind::Unavailable | ErrorKind::Deadline => Fault::Network,
        }
    }

    /// Whether the far end answered with this error, rather than this side finding it.
    pub fn is_remote(&self) -> bool {
        self.0.remote
    }

    /// How far the call came.
    pub fn sent(&self) -> Sent {
        self.0.sent
    }

    /// Whether trying again cannot do the work twice: the call was not sent or not started, or
    /// its method is idempotent and the failure may pass.
    pub fn is_retryable(&self) -> bool {
        match self.0.kind {
            ErrorKind::Overloaded => self.0.sent != Sent::Maybe || self.0.idempotent,
            ErrorKind::Unavailable => self.0.sent != Sent::Maybe || self.0.idempotent,
            ErrorKind::Application => self.0.retry_after.is_some() && self.0.idempotent,
            _ => false,
        }
    }

    /// Whether another attempt would get the same answer, whoever is asked.
    pub(crate) fn is_final(&self) -> bool {
        match self.0.kind {
            ErrorKind::Unavailable | ErrorKind::Overloaded | ErrorKind::Deadline => false,
            ErrorKind::Application => self.0.retry_after.is_none(),
            _ => true,
        }
    }

    /// How long the far end asks to wait before trying again.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The application's code, where the handler gave one.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The details as they travelled: JSON text.
    pub fn raw_details(&self) -> Option<&str> {
        self.0.details.as_deref()
    }

    /// The details, if the handler's error type can be read from them.
    #[cfg(feature = "json")]
    pub fn details<E: serde::de::DeserializeOwned>(&self) -> Option<E> {
        use crate::codec::{Decode, Json};
        Json::decode(&Bytes::copy_from_slice(self.0.details.as_deref()?.as_bytes())).ok()
    }

    /// The service that was called.
    pub fn service(&self) -> Option<&str> {
        self.0.service.as_deref()
    }

    /// The method that was called.
    pub fn method(&self) -> Option<&str> {
        self.0.method.as_deref()
    }

    /// The address of the far end.
    pub fn address(&self) -> Option<&str> {
        self.0.address.as_deref()
    }

    pub(crate) fn shared_address(&self) -> Option<Arc<str>> {
        self.0.address.clone()
    }

    /// The metadata of the answer.
    pub fn metadata(&self) -> &Metadata {
        &self.0.metadata
    }

    /// The payload of the reply that came along with the error, and its format.
    pub fn raw_reply(&self) -> Option<(SerializeType, &Bytes)> {
        self.0.reply.as_ref().map(|(format, bytes)| (*format, bytes))
    }

    /// The reply that came along with the error, decoded by the format `F`.
    ///
    /// # Errors
    /// When there is none, when it came in another format, or when it does not decode.
    pub fn reply<F, R>(&self) -> Result<R, Self>
    where
        F: crate::codec::Decode<R>,
    {
        let Some((format, bytes)) = &self.0.reply else {
            return Err(Self::new(ErrorKind::Internal, "no reply came along with this error"));
        };
        if *format != F::TYPE {
            let text = format!("the reply beside the error is {format}, not {}", F::NAME);
            return Err(Self::new(ErrorKind::Internal, text));
        }
        F::decode(bytes).map_err(|e| Self::new(ErrorKind::Internal, e.to_string()).with_source(e))
    }

    /// Whether the server closes the connection after this answer.
    pub fn closes_connection(&self) -> bool {
        self.0.close
    }

    /// Sets the kind.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Replaces the text.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.0.message = message.into();
        self
    }

    /// Names the service and method.
    #[must_use]
    pub fn of(mut self, service: &str, method: &str) -> Self {
        self.0.service = Some(Arc::from(service));
        self.0.method = Some(Arc::from(method));
        self
    }

    /// Names the far end's address.
    #[must_use]
    pub fn at(mut self, address: impl Into<Arc<str>>) -> Self {
        self.0.address = Some(address.into());
        self
    }

    /// Says that the request did not leave this process.
    #[must_use]
    pub fn not_sent(mut self) -> Self {
        self.0.sent = Sent::No;
        self
    }

    /// Says that the server did not start the call.
    #[must_use]
    pub fn not_started(mut self) -> Self {
        self.0.sent = Sent::NotStarted;
        self
    }

    /// Sets the application's code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// Sets the details, as JSON text.
    #[must_use]
    pub fn with_raw_details(mut self, json: impl Into<String>) -> Self {
        self.0.details = Some(json.into());
        self
    }

    /// Asks the caller to wait this long before it tries again.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Sets the metadata that travels with the answer.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.0.metadata = metadata;
        self
    }

    /// Answers, then closes the connection.
    #[must_use]
    pub fn then_close(mut self) -> Self {
        self.0.close = true;
        self
    }

    /// Keeps the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn with_reply(mut self, format: SerializeType, payload: Bytes) -> Self {
        self.0.reply = Some((format, payload));
        self
    }

    /// How the call went: instances, attempts, and why it ended; none on an error that no client's
    /// call ended in.
    pub fn explanation(&self) -> Option<&Explanation> {
        self.0.explanation.as_deref()
    }

    pub(crate) fn explained(mut self, explanation: Explanation) -> Self {
        self.0.explanation = Some(Box::new(explanation));
        self
    }

    pub(crate) fn idempotent(mut self, idempotent: bool) -> Self {
        self.0.idempotent = idempotent;
        self
    }

    pub(crate) fn remote(mut self) -> Self {
        self.0.remote = true;
        self
    }

    pub(crate) fn take_reply(&mut self) -> Option<(SerializeType, Bytes)> {
        self.0.reply.take()
    }

    pub(crate) fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.0.metadata
    }
}

/// An error without its explanation: one line, fit for another process.
pub(crate) struct Line<'a>(&'a Inner);

impl Error {
    pub(crate) fn line(&self) -> Line<'_> {
        Line(&self.0)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.line())?;
        match &self.0.explanation {
            // Of an answer that is final the first line says it all.
            Some(explanation) if !explanation.is_plain() => write!(f, "\n{explanation}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let e = self.0;
        f.write_str(&e.message)?;
        let mut place = Vec::with_capacity(3);
        if let (Some(service), Some(method)) = (&e.service, &e.method) {
            place.push(format!("calling {service}.{method}"));
        }
        if let Some(address) = &e.address {
            place.push(format!("at {address}"));
        }
        match e.sent {
            Sent::No => place.push("not sent".to_owned()),
            Sent::NotStarted => place.push("not started".to_owned()),
            Sent::Maybe
                if e.service.is_some() && matches!(e.kind, ErrorKind::Unavailable | ErrorKind::Deadline) =>
            {
                place.push("may have run".to_owned());
            }
            Sent::Maybe => {}
        }
        if place.is_empty() { Ok(()) } else { write!(f, " ({})", place.join(", ")) }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let e = &*self.0;
        let mut s = f.debug_struct("Error");
        s.field("kind", &e.kind).field("message", &e.message).field("sent", &e.sent);
        if let (Some(service), Some(method)) = (&e.service, &e.method) {
            s.field("call", &format_args!("{service}.{method}"));
        }
        if let Some(address) = &e.address {
            s.field("address", address);
        }
        if let Some(code) = &e.code {
            s.field("code", code);
        }
        if let Some(source) = &e.source {
            s.field("source", source);
        }
        s.finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|s| &**s as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_word_wide() {
        assert_eq!(size_of::<Result<(), Error>>(), size_of::<usize>());
    }

    #[test]
    fn what_may_have_run_is_not_retried_unless_idempotent() {
        let lost = || Error::new(ErrorKind::Unavailable, "connection lost");
        assert!(!lost().is_retryable());
        assert!(lost().idempotent(true).is_retryable());
        assert!(lost().not_sent().is_retryable());
    }
}
