//! Calls, errors and metadata in every codec, compressed or not, on both sides of the threshold.

use std::marker::PhantomData;

use trunkline::wire::{COMPRESS_THRESHOLD, Status};
use trunkline::{CompressType, Metadata};

use super::{Env, Line};
use crate::check::{Check, During, equal, expect, failure};
use crate::dialect::{Dialect, sized};
use crate::messages::content;

/// A blob of an exact size there and back.
pub(super) async fn call<D: Dialect>(_: PhantomData<D>, env: Env<'_>) -> Check {
    let (line, blob) = (env.connect().await?, sized::<D>(env.step.size)?);
    let reply: D::Blob =
        line.client.service_in(D::SERVICE, D::FORMAT).call("Blob", &blob).await.during("call")?;
    same::<D>(&reply, &blob)?;
    frames(&line, env, Status::Normal)
}

/// The method fails and sets a reply; both arrive, and the response metadata.
pub(super) async fn error<D: Dialect>(_: PhantomData<D>, env: Env<'_>) -> Check {
    let (line, blob) = (env.connect().await?, sized::<D>(env.step.size)?);
    let service = line.client.service_in(D::SERVICE, D::FORMAT);
    let call = service.call::<_, D::Blob>("Fail", &blob).metadata("in-beside", "the error");
    let error = failure("Fail", call.await)?;
    equal("error", error.message(), content::fail_text(D::parts(&blob).0.len()).as_str())?;
    expect(error.is_remote(), || format!("the server answered, yet this is no remote error: {error:?}"))?;
    same::<D>(&error.reply::<D::Format, D::Blob>().during("the reply beside the error")?, &blob)?;
    equal("metadata beside the error", error.metadata().get("out-beside"), Some("the error"))?;
    frames(&line, env, Status::Error)
}

/// What the handler saw and what the caller sees.
pub(super) async fn metadata<D: Dialect>(_: PhantomData<D>, env: Env<'_>) -> Check {
    let long = content::text(2_000);
    let pairs = [
        ("in-plain", "value"),
        ("in-empty", ""),
        ("in-text", "Grüße, 世界 \u{1f680}\nline two"),
        ("in-long", &long),
        ("in-größe", "key"),
        ("in-", "no name"),
        ("report-seen", ""),
    ];
    let (line, blob) = (env.connect().await?, sized::<D>(env.step.size)?);
    let service = line.client.service_in(D::SERVICE, D::FORMAT);
    let mut call = service.call::<_, D::Blob>("Blob", &blob);
    for (name, value) in pairs {
        call = call.metadata(name, value);
    }
    let response = call.response().await.during("call")?;
    same::<D>(&response.value, &blob)?;
    for (name, value) in pairs {
        if let Some(name) = name.strip_prefix("in-") {
            let name = format!("out-{name}");
            equal(&name, response.metadata.get(&name), Some(value))?;
        }
    }
    // The deadline is one pair more: our calls always have one.
    seen(&response.metadata, env, pairs.len() + 1)?;
    frames(&line, env, Status::Normal)
}

/// A small request whose reply is large: it comes uncompressed.
pub(super) async fn generate<D: Dialect>(_: PhantomData<D>, env: Env<'_>) -> Check {
    let line = env.connect().await?;
    let service = line.client.service_in(D::SERVICE, D::FORMAT);
    let reply: D::Blob = service.call("Generate", &D::generate(3_000, 500)).await.during("call")?;
    let (text, data) = match env.step.codec {
        crate::plan::Codec::Raw => (content::bytes(3_500), Vec::new()),
        _ => (content::text(3_000).into_bytes(), content::bytes(500)),
    };
    equal("reply", D::parts(&reply), (&text[..], &data[..]))?;
    let (_, response) = line.tap.last()?;
    equal("compress type of the reply to a small request", response.header.compress(), CompressType::NONE)
}

fn same<D: Dialect>(got: &D::Blob, expected: &D::Blob) -> Check {
    let ((text, data), (expected_text, expected_data)) = (D::parts(got), D::parts(expected));
    expect(text == expected_text, || {
        format!("text of the reply: got {} bytes, expected the {} sent", text.len(), expected_text.len())
    })?;
    expect(data == expected_data, || {
        format!("data of the reply: got {} bytes, expected the {} sent", data.len(), expected_data.len())
    })
}

/// Serialize type, status, and the rule for compression, on what went and came.
fn frames(line: &Line, env: Env<'_>, status: Status) -> Check {
    let (request, response) = line.tap.last()?;
    let compressed = |on: bool| if on { CompressType::GZIP } else { CompressType::NONE };
    equal("status of the request", request.header.status(), Status::Normal)?;
    equal("serialize type of the request", request.header.serialize(), env.step.codec.serialize())?;
    equal("length of the request's payload", request.len, env.step.size)?;
    let expected = compressed(env.step.gzip && request.len > COMPRESS_THRESHOLD);
    equal("compress type of the request", request.header.compress(), expected)?;
    equal("status of the response", response.header.status(), status)?;
    equal("serialize type of the response", response.header.serialize(), env.step.codec.serialize())?;
    let expected = compressed(expected == CompressType::GZIP && response.len > COMPRESS_THRESHOLD);
    equal("compress type of the response", response.header.compress(), expected)
}

/// What the server says about the request's frame.
fn seen(metadata: &Metadata, env: Env<'_>, pairs: usize) -> Check {
    let compressed = env.step.gzip && env.step.size > COMPRESS_THRESHOLD;
    for (name, expected) in [
        ("seen-compress", usize::from(compressed)),
        ("seen-serialize", env.step.codec.serialize().id().into()),
        ("seen-length", env.step.size),
        ("seen-pairs", pairs),
    ] {
        equal(name, metadata.get(name), Some(expected.to_string().as_str()))?;
    }
    Ok(())
}
