//! What becomes of what a handler said: a reply or an error, encoded.

use std::any::Any;

use trunkline_wire::SerializeType;

use super::endpoint::{Handled, Handler};
use crate::call::{Body, Reply};
use crate::codec::{CodecError, FormatSet, SetError};
use crate::ctx::Ctx;
use crate::error::{Error, ErrorKind};
use crate::failure::IntoFailure;
use crate::frame::scratch;

/// The answer to a call.
pub(super) fn reply<H: Handler>(ctx: &Ctx, handled: Handled<H>) -> Result<Reply, Error> {
    match handled? {
        // Nobody reads the reply of a oneway: it is not encoded.
        Ok(_) if ctx.is_oneway() => Ok(Reply::default()),
        // By reference: it would be moved once more.
        Ok(ref reply) => {
            let body = body::<H>(ctx, reply)?;
            Ok(Reply { metadata: ctx.take_reply_metadata(), body, via: None, explanation: None })
        }
        Err(error) => {
            let (mut error, reply) = error.into_failure().into_parts();
            error.metadata_mut().extend(&ctx.take_reply_metadata());
            if let Some(reply) = reply {
                error = with_reply::<H>(ctx, error, &*reply)?;
            }
            Err(error)
        }
    }
}

fn with_reply<H: Handler>(ctx: &Ctx, error: Error, reply: &(dyn Any + Send)) -> Result<Error, Error> {
    let Some(reply) = reply.downcast_ref::<H::Reply>() else {
        tracing::warn!(
            service = ctx.service(),
            method = ctx.method(),
            expected = std::any::type_name::<H::Reply>(),
            "the reply beside the error is not of the method's reply type; it is left out"
        );
        return Ok(error);
    };
    // As in Go, an error that does not encode its reply is replaced by the encoding's own.
    let body = body::<H>(ctx, reply)?;
    Ok(error.with_reply(ctx.format(), body.into_bytes()))
}

fn body<H: Handler>(ctx: &Ctx, reply: &H::Reply) -> Result<Body, Error> {
    if let Some(shared) = H::shared(reply) {
        return Ok(shared.into());
    }
    let mut out = scratch::take();
    match H::encode(ctx.format(), reply, &mut out) {
        Ok(()) => Ok(out.into()),
        Err(error) => Err(unencodable::<H>(error)),
    }
}

/// Why a reply could not be encoded.
#[cold]
pub(super) fn unencodable<H: Handler>(error: SetError) -> Error {
    match error {
        SetError::Unknown(format) => no_codec(format, H::speaks()),
        SetError::Codec(error) => Error::new(ErrorKind::Internal, error.to_string()).with_source(error),
    }
}

/// Why an argument was not decoded; nothing is known where there was no format for it.
#[cold]
pub(super) fn undecodable<C: FormatSet>(ctx: &Ctx, error: Option<CodecError>) -> Error {
    match error {
        None => no_codec(ctx.format(), C::NAMES),
        Some(error) => Error::new(ErrorKind::Invalid, codec_text(&error)).with_source(error),
    }
}

/// Go's text, exactly; what the service does speak goes to the log of the one who looks.
fn no_codec(format: SerializeType, spoken: &[&str]) -> Error {
    let text = format!("can not find codec for {}", format.id());
    tracing::debug!(%format, spoken = spoken.join(", "), "a request came in a format the service does not speak");
    Error::new(ErrorKind::Invalid, text)
}

/// Go answers an empty payload with a bare `EOF`; clients may look for it.
fn codec_text(error: &CodecError) -> String {
    match error.text() {
        text @ ("EOF" | "unexpected EOF") => text.to_owned(),
        _ => error.to_string(),
    }
}
