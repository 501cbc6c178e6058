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
use trunkline_wire::{Metadata, SerializeType, keys};

use crate::explain::Explanation;

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

/// What kind of failure an [`Error`] is. One table maps kinds to other worlds' codes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The arguments do not decode, or were refused.
    Invalid,
    /// The caller did not say who it is, or was not believed.
    Unauthenticated,
    /// The caller is known and may not do this.
    Denied,
    /// No such service, method or thing.
    NotFound,
    /// The handler's own error.
    Application,
    /// Refused before it started, because there was too much to do.
    Overloaded,
    /// No instance, no connection, or the server is stopping.
    Unavailable,
    /// Out of time.
    Deadline,
    /// The caller went away.
    Cancelled,
    /// A panic, or a reply that does not encode or decode.
    Internal,
}

impl ErrorKind {
    const ALL: [Self; 10] = [
        Self::Invalid,
        Self::Unauthenticated,
        Self::Denied,
        Self::NotFound,
        Self::Application,
        Self::Overloaded,
        Self::Unavailable,
        Self::Deadline,
        Self::Cancelled,
        Self::Internal,
    ];

    /// The word for this kind in metadata, in logs and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Unauthenticated => "unauthenticated",
            Self::Denied => "denied",
            Self::NotFound => "not_found",
            Self::Application => "application",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::Deadline => "deadline",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }

    /// The kind a word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The HTTP status of this kind.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::Unauthenticated => 401,
            Self::Denied => 403,
            Self::NotFound => 404,
            Self::Overloaded => 429,
            Self::Cancelled => 499,
            Self::Application | Self::Internal => 500,
            Self::Unavailable => 503,
            Self::Deadline => 504,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who has to change something for the call to succeed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fault {
    /// The caller: its arguments, its credentials, its address.
    Caller,
    /// The server: its handler, its load.
    Server,
    /// What lies between them, or the time that was left.
    Network,
}

/// How far a failed call came. "No" and "not started" are promises: the handler has not run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Sent {
    /// The request did not leave this process whole.
    No,
    /// The server got it and says that it did not start it.
    NotStarted,
    /// It was sent: the handler may have run.
    Maybe,
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

    /// Writes the error into the metadata of an answer: Go's text under its key, and beside it
    /// what Go peers ignore.
    pub(crate) fn write_metadata(&self, text: &str, metadata: &mut Metadata) {
        metadata.insert(keys::ERROR, text);
        // A plain application error is what a peer assumes anyway; saying so would cost bytes. But
        // its text may be one that stands for another kind, that of a nested call's error say.
        if self.0.kind != ErrorKind::Application || kind_of_text(text) != ErrorKind::Application {
            metadata.insert(keys::KIND, self.0.kind.as_str());
        }
        if let Some(code) = &self.0.code {
            metadata.insert(keys::CODE, code);
        }
        if let Some(details) = &self.0.details {
            metadata.insert(keys::DETAILS, details);
        }
        if self.0.sent == Sent::NotStarted {
            metadata.insert(keys::STARTED, "0");
        }
        if let Some(wait) = self.0.retry_after {
            metadata.insert(keys::RETRY_AFTER, wait.as_millis().to_string());
        }
    }

    /// Reads an error answer. `format` and `payload` are the reply that came along, if any.
    pub(crate) fn from_answer(metadata: Metadata, format: SerializeType, payload: Bytes) -> Self {
        let mut message = metadata.get(keys::ERROR).unwrap_or_default().to_owned();
        if let Some(java) = metadata.get(keys::JAVA_ERROR_MESSAGE) {
            if !message.is_empty() {
                message.push_str(": ");
            }
            message.push_str(java);
        }
        if message.is_empty() {
            message.push_str("the server answered with an error and no text");
        }
        let kind = match metadata.get(keys::KIND) {
            Some(word) => ErrorKind::parse(word).unwrap_or(ErrorKind::Application),
            None => kind_of_text(&message),
        };
        let mut error = Self::new(kind, message).remote();
        error.0.code = metadata.get(keys::CODE).map(str::to_owned);
        error.0.details = metadata.get(keys::DETAILS).map(str::to_owned);
        error.0.retry_after =
            metadata.get(keys::RETRY_AFTER).and_then(|ms| ms.parse().ok()).map(Duration::from_millis);
        if metadata.get(keys::STARTED) == Some("0") {
            error.0.sent = Sent::NotStarted;
        }
        if !payload.is_empty() {
            error.0.reply = Some((format, payload));
        }
        error.0.metadata = metadata;
        error
    }
}

/// Stock Go servers send text only; these texts are fixed in rpcx and tell the kind.
fn kind_of_text(text: &str) -> ErrorKind {
    if text.starts_with("rpcx: can't find service ") || text.starts_with("rpcx: can't find method ") {
        ErrorKind::NotFound
    } else if text == "context deadline exceeded" {
        ErrorKind::Deadline
    } else if text == "request reached rate limit" {
        ErrorKind::Overloaded
    } else if text.starts_with("[service internal error]: ") {
        ErrorKind::Internal
    } else if text.starts_with("can not find codec for ") {
        ErrorKind::Invalid
    } else {
        ErrorKind::Application
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
            Some(explanation) => write!(f, "\n{explanation}"),
            None => Ok(()),
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
            Sent::Maybe if matches!(e.kind, ErrorKind::Unavailable | ErrorKind::Deadline) => {
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
    fn every_kind_survives_the_wire() {
        for kind in ErrorKind::ALL {
            let sent = Error::new(kind, "text")
                .with_code("c")
                .with_retry_after(Duration::from_millis(7))
                .not_started();
            let mut metadata = Metadata::new();
            sent.write_metadata(sent.message(), &mut metadata);
            let got = Error::from_answer(metadata, SerializeType::JSON, Bytes::new());
            assert_eq!((got.kind(), got.message(), got.code()), (kind, "text", Some("c")));
            assert_eq!((got.sent(), got.retry_after()), (Sent::NotStarted, Some(Duration::from_millis(7))));
            assert!(got.is_remote());
        }
    }

    #[test]
    fn an_error_answer_without_metadata_is_still_an_error() {
        let got = Error::from_answer(Metadata::new(), SerializeType::JSON, Bytes::new());
        assert_eq!(got.kind(), ErrorKind::Application);
        assert!(got.to_string().contains("no text"), "{got}");
    }

    #[test]
    fn what_may_have_run_is_not_retried_unless_idempotent() {
        let lost = || Error::new(ErrorKind::Unavailable, "connection lost");
        assert!(!lost().is_retryable());
        assert!(lost().idempotent(true).is_retryable());
        assert!(lost().not_sent().is_retryable());
    }

    #[test]
    fn texts_of_go_servers_tell_their_kind() {
        for (text, kind) in [
            ("rpcx: can't find service Nope", ErrorKind::NotFound),
            ("rpcx: can't find method Nope", ErrorKind::NotFound),
            ("request reached rate limit", ErrorKind::Overloaded),
            ("boom", ErrorKind::Application),
        ] {
            assert_eq!(kind_of_text(text), kind, "{text}");
        }
    }
}
