//! Calls that the server refuses; the connection goes on.

use std::marker::PhantomData;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use trunkline::wire::{Status, keys};
use trunkline::{Error, ErrorKind, Sent, SerializeType};

use super::{Env, Line};
use crate::check::{Check, During, Problem, equal, expect, failure};
use crate::dialect::Dialect;
use crate::messages::plain::{Nothing, Rich};
use crate::plan::Codec;

/// The fixed text, and nothing beside it.
pub(super) async fn unknown_service<D: Dialect>(_: PhantomData<D>, env: Env<'_>) -> Check {
    let line = env.connect().await?;
    unknown::<D>(&line, "Nowhere", "Blob", "rpcx: can't find service Nowhere").await
}

/// Likewise, for a service of methods and one of functions.
pub(super) async fn unknown_method<D: Dialect>(_: PhantomData<D>, env: Env<'_>) -> Check {
    let line = env.connect().await?;
    unknown::<D>(&line, D::SERVICE, "Nothing", "rpcx: can't find method Nothing").await?;
    unknown::<D>(&line, "InteropFunc", "Nothing", "rpcx: can't find method Nothing").await
}

async fn unknown<D: Dialect>(line: &Line, service: &str, method: &str, text: &str) -> Check {
    let blob = D::blob("x".to_owned(), Vec::new());
    let result = line.client.service_in(service, D::FORMAT).call::<_, D::Blob>(method, &blob).await;
    let error = failure(method, result)?;
    refused(line, &error, text)?;
    equal("kind", error.kind(), ErrorKind::NotFound)?;
    line.alive::<D>().await
}

/// The server says so and goes on.
pub(super) async fn unknown_codec(env: Env<'_>) -> Check {
    let line = env.connect().await?;
    let nine = SerializeType::new(9).ok_or_else(|| Problem("9 is no serialize type".to_owned()))?;
    let call = line.client.raw("Interop", "Blob", nine, Bytes::from_static(b"x"));
    let error = failure("serialize type 9", call.await)?;
    refused(&line, &error, "can not find codec for 9")?;
    equal("kind", error.kind(), ErrorKind::Invalid)?;
    line.alive_in(env.step.codec).await
}

/// A payload that does not decode is an error of that call and of nothing else.
pub(super) async fn bad_args<D: Dialect>(_: PhantomData<D>, env: Env<'_>) -> Check {
    let line = env.connect().await?;
    let garbage: &[&'static [u8]] = match env.step.codec {
        Codec::Raw => return Err(Problem("every payload is right in raw".to_owned())),
        Codec::Json => &[br#"{"Text":5}"#, br#"{"Text":""#, b""],
        Codec::MsgPack => &[b"\xc1", b"\x81\xa4Text\xcb\0\0\0\0\0\0\0\0", b""],
        Codec::Protobuf => &[b"\x0a\xff", b"\xff"],
        Codec::Thrift => &[b"\x0b\0\x01\x7f\xff\xff\xff", b"\x0b", b""],
    };
    for payload in garbage {
        let format = env.step.codec.serialize();
        let call = line.client.raw(D::SERVICE, "Blob", format, Bytes::from_static(payload));
        let error = failure(&format!("payload {}", payload.escape_ascii()), call.await)?;
        let text = error.metadata().get(keys::ERROR).unwrap_or_default().to_owned();
        expect(!text.is_empty(), || format!("the error has no text: {error:?}"))?;
        refused(&line, &error, &text)?;
    }
    line.alive::<D>().await
}

/// The call fails, the connection goes on.
pub(super) async fn panic(env: Env<'_>) -> Check {
    let line = env.connect().await?;
    let interop = line.interop();
    let error = failure("Panic", env.spoken(interop.panic(Nothing {})).await)?;
    expect(error.is_remote(), || format!("no remote error: {error:?}"))?;
    equal("kind", error.kind(), ErrorKind::Internal)?;
    line.alive_in(env.step.codec).await
}

/// Everything that travels beside an error's text, written by the Go package for it.
pub(super) async fn rich_error(env: Env<'_>) -> Check {
    let line = env.connect().await?;
    let rich = |kind: ErrorKind, text: &str| Rich {
        kind: kind.as_str().to_owned(),
        text: text.to_owned(),
        ..Rich::default()
    };
    let mut expected = vec![
        rich(ErrorKind::Application, "plain"),
        Rich {
            code: "user_missing".to_owned(),
            details: r#"{"id":7,"name":"né"}"#.to_owned(),
            ..rich(ErrorKind::NotFound, "no such user – né")
        },
        Rich {
            not_started: true,
            has_retry_after: true,
            retry_after_millis: 1_500,
            ..rich(ErrorKind::Overloaded, "busy")
        },
        Rich { code: "again".to_owned(), has_retry_after: true, ..rich(ErrorKind::Application, "once more") },
    ];
    for kind in [
        ErrorKind::Invalid,
        ErrorKind::Unauthenticated,
        ErrorKind::Denied,
        ErrorKind::Unavailable,
        ErrorKind::Deadline,
        ErrorKind::Cancelled,
        ErrorKind::Internal,
    ] {
        expected.push(rich(kind, &format!("of kind {kind}")));
    }
    for args in expected {
        let interop = line.interop();
        let error = failure(&args.text, env.spoken(interop.rich(args.clone())).await)?;
        told(&error, &args).map_err(|problem| Problem(format!("{}: {}", args.text, problem.0)))?;
    }
    line.alive_in(env.step.codec).await
}

fn told(error: &Error, expected: &Rich) -> Check {
    equal("text", error.message(), expected.text.as_str())?;
    expect(error.is_remote(), || format!("no remote error: {error:?}"))?;
    equal("kind", error.kind().as_str(), expected.kind.as_str())?;
    equal("code", error.code().unwrap_or_default(), expected.code.as_str())?;
    let json = |text: &str| if text.is_empty() { Ok(Value::Null) } else { serde_json::from_str(text) };
    let details = json(error.raw_details().unwrap_or_default()).during("details")?;
    equal("details", details, json(&expected.details)?)?;
    equal("not started", error.sent() == Sent::NotStarted, expected.not_started)?;
    let wait = expected.has_retry_after.then(|| Duration::from_millis(expected.retry_after_millis as u64));
    equal("time to wait", error.retry_after(), wait)
}

/// An error from before the method: a text, an empty payload, told apart from one that arose here.
fn refused(line: &Line, error: &Error, text: &str) -> Check {
    equal("error", error.message(), text)?;
    expect(error.is_remote(), || format!("no remote error: {error:?}"))?;
    let (_, response) = line.tap.last()?;
    equal("status of the response", response.header.status(), Status::Error)?;
    equal("length of the payload beside it", response.len, 0)
}
