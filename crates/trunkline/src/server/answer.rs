//! Answers: a result becomes one response frame, by the rules of the wire.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use trunkline_wire::{
    COMPRESS_THRESHOLD, CompressType, Compressors, EncodeError, FrameEncoder, Header, Metadata, Status,
};

use crate::call::Reply;
use crate::error::{Error, ErrorKind};
use crate::frame::outgoing::LARGE;
use crate::frame::scratch;

/// Turns an error into the text that Go peers see.
pub(crate) type ErrorText = dyn Fn(&Error) -> String + Send + Sync;

/// What answers need besides the result.
pub(crate) struct AnswerRules {
    pub(crate) compressors: Compressors,
    pub(crate) error_text: Option<Box<ErrorText>>,
}

/// A response frame whose payload is sent by reference.
pub(crate) struct LargeAnswer {
    pub(crate) head: Vec<u8>,
    pub(crate) payload: Bytes,
}

impl AnswerRules {
    /// Appends the answer to `out`, or returns it when it is large.
    pub(crate) fn write(
        &self,
        out: &mut Vec<u8>,
        request: Header,
        path: &[u8],
        method: &[u8],
        result: Result<Reply, Error>,
    ) -> Option<LargeAnswer> {
        match result {
            Ok(reply) => self.write_reply(out, request, path, method, reply),
            Err(error) => self.write_error(out, request, path, method, error),
        }
    }

    fn write_reply(
        &self,
        out: &mut Vec<u8>,
        request: Header,
        path: &[u8],
        method: &[u8],
        reply: Reply,
    ) -> Option<LargeAnswer> {
        let mut header = request.response_to();
        let mut body = reply.body;
        if let Some(compressed) = self.compressed(request, body.as_slice()) {
            header = header.with_compress(request.compress());
            body.recycle();
            body = compressed.into();
        }
        if body.as_slice().len() >= LARGE {
            let payload = body.into_bytes();
            let mut head = Vec::with_capacity(128 + reply.metadata.encoded_len());
            let mut frame = FrameEncoder::begin(&mut head, header, path, method);
            frame.block(reply.metadata.encoded());
            return match frame.detached(payload.len()) {
                Ok(()) => Some(LargeAnswer { head, payload }),
                Err(error) => self.write_too_large(out, request, path, method, &error),
            };
        }
        let mut frame = FrameEncoder::begin(out, header, path, method);
        frame.block(reply.metadata.encoded());
        if let Err(error) = frame.payload(body.as_slice()) {
            return self.write_too_large(out, request, path, method, &error);
        }
        body.recycle();
        None
    }

    fn write_too_large(
        &self,
        out: &mut Vec<u8>,
        request: Header,
        path: &[u8],
        method: &[u8],
        error: &EncodeError,
    ) -> Option<LargeAnswer> {
        self.write_error(out, request, path, method, too_large(error))
    }

    fn write_error(
        &self,
        out: &mut Vec<u8>,
        request: Header,
        path: &[u8],
        method: &[u8],
        mut error: Error,
    ) -> Option<LargeAnswer> {
        let payload = error.take_reply().map_or_else(Bytes::new, |(_, payload)| payload);
        let mut metadata = std::mem::replace(error.metadata_mut(), Metadata::new());
        error.write_metadata(&self.text(&error), &mut metadata);
        let mut header = request.response_to().with_status(Status::Error);
        let compressed = self.compressed(request, &payload);
        if compressed.is_some() {
            header = header.with_compress(request.compress());
        }
        let payload = compressed.as_deref().unwrap_or(&payload);
        let mut frame = FrameEncoder::begin(out, header, path, method);
        frame.block(metadata.encoded());
        if let Err(error) = frame.payload(payload) {
            tracing::error!(%error, "an error answer does not fit a frame; the caller gets none");
        }
        None
    }

    /// What callers are told of an error.
    pub(super) fn text<'a>(&self, error: &'a Error) -> Cow<'a, str> {
        let Some(text) = &self.error_text else { return error.message().into() };
        // Users' code, which runs where frames are read: its panic must not end the connection. Nor
        // is the error's own text shown then, for it may have been about to be replaced.
        catch_unwind(AssertUnwindSafe(|| text(error))).map_or_else(
            |_| {
                tracing::error!(%error, "what words errors for callers panicked");
                "the server could not word its error".into()
            },
            Cow::Owned,
        )
    }

    /// The rule of the wire, for replies and for what travels beside errors: the request's compressor, and only
    /// above the threshold.
    fn compressed(&self, request: Header, payload: &[u8]) -> Option<Vec<u8>> {
        let kind = request.compress();
        if kind == CompressType::NONE || payload.len() <= COMPRESS_THRESHOLD {
            return None;
        }
        let mut out = scratch::take();
        let compress = || self.compressors.require(kind).and_then(|c| c.compress(payload, &mut out));
        match catch_unwind(AssertUnwindSafe(compress)) {
            Ok(Ok(())) => Some(out),
            // As in Go, a reply that does not compress goes out plain.
            Ok(Err(error)) => {
                tracing::warn!(%error, "a reply could not be compressed; it is sent plain");
                None
            }
            Err(_) => {
                tracing::error!(?kind, "a compressor panicked; the reply is sent plain");
                None
            }
        }
    }
}

#[cold]
pub(super) fn too_large(error: &EncodeError) -> Error {
    Error::new(ErrorKind::Internal, format!("the reply does not fit a frame: {error}"))
}
