//! Errors as they travel: Go's text, and beside it what Go peers ignore.

use std::time::Duration;

use bytes::Bytes;
use trunkline_wire::{Metadata, SerializeType, keys};

use super::{Error, ErrorKind, Sent};

impl Error {
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

#[cfg(test)]
mod tests {
    use super::*;

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
