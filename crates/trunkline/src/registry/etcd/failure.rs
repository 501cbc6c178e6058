//! How a call to etcd fails.

use std::error::Error as StdError;
use std::fmt;

use tonic::{Code, Status};

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// etcd refuses, or could not be reached.
    Status(Status),
    /// The address or the settings of TLS are of no use.
    Endpoint(tonic::transport::Error),
    /// A renewal is not refused: it is answered with a time to live of zero.
    LeaseGone,
    StreamEnded,
    /// The token that etcd gave out cannot be sent back.
    Token,
}

impl Failure {
    pub(super) fn code(&self) -> Option<Code> {
        match self {
            Self::Status(status) => Some(status.code()),
            _ => None,
        }
    }

    /// Whether etcd says that it has no such lease.
    pub(super) fn is_lease_gone(&self) -> bool {
        match self {
            Self::LeaseGone => true,
            Self::Status(status) => {
                status.code() == Code::NotFound && status.message().contains("lease not found")
            }
            _ => false,
        }
    }

    /// Whether etcd says that its authentication is switched off.
    pub(super) fn is_without_users(&self) -> bool {
        self.code() == Some(Code::FailedPrecondition)
    }

    /// The shortest text that says it; the whole stands in the source.
    pub(super) fn why(&self) -> String {
        let mut text = match self {
            Self::Status(status) => status.message().trim_start_matches("etcdserver: ").to_owned(),
            other => other.to_string(),
        };
        // "Connection refused" is at the bottom of three that say less.
        let mut source = self.source();
        while let Some(cause) = source {
            text = cause.to_string();
            source = cause.source();
        }
        text
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Their sources are this one's source.
            Self::Status(status) => write!(f, "{}: {}", status.code(), status.message()),
            Self::Endpoint(e) => write!(f, "the endpoint is of no use: {e}"),
            Self::LeaseGone => f.write_str("lease not found"),
            Self::StreamEnded => f.write_str("the stream has ended without an answer"),
            Self::Token => f.write_str("the token cannot be sent as metadata"),
        }
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Status(status) => status.source(),
            Self::Endpoint(e) => e.source(),
            Self::LeaseGone | Self::StreamEnded | Self::Token => None,
        }
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<tonic::transport::Error> for Failure {
    fn from(e: tonic::transport::Error) -> Self {
        Self::Endpoint(e)
    }
}
