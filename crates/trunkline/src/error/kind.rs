//! The words for what went wrong: what kind, whose fault, how far the call came.

use std::fmt;

/// What kind of failure an [`Error`](super::Error) is. One table maps kinds to other worlds' codes.
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
    pub(super) const ALL: [Self; 10] = [
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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Sent {
    /// The request did not leave this process whole.
    No,
    /// The server got it and says that it did not start it.
    NotStarted,
    /// It was sent: the handler may have run.
    Maybe,
}
