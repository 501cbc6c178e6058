//! Arguments of other shapes: no structs, structs of another version, structs as arrays, careless JSON.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use bytes::Bytes;
use trunkline::codec::{Decode, Encode, Json, MsgPack};
use trunkline::{Error, SerializeType};

use super::{Env, Line};
use crate::check::{Check, During, equal, failure};
use crate::dialect::Structured;
use crate::messages::content;
use crate::messages::plain::Blob;
use crate::plan::Codec;

/// Numbers, text, lists and maps; a failed function sends no reply.
pub(super) async fn functions(env: Env<'_>) -> Check {
    let line = env.connect().await?;
    for n in [0, 1, -1, 127, -129, 1 << 31, (1 << 53) + 1, i64::MAX] {
        equal("Neg", function::<i64, i64>(env, &line, "Neg", &n).await.during("Neg")?, -n)?;
    }
    for name in ["", "world", "世界", &content::text(70_000)] {
        let greeting: String = function(env, &line, "Greet", &name.to_owned()).await.during("Greet")?;
        equal("Greet", greeting, format!("hello, {name}"))?;
    }
    for numbers in [None, Some(vec![]), Some(vec![1, -2, 1 << 40])] {
        let sum: i64 = function(env, &line, "Sum", &numbers).await.during("Sum")?;
        equal("Sum", sum, numbers.into_iter().flatten().sum::<i64>())?;
    }
    let texts = BTreeMap::from([("", ""), ("a", "x"), ("ü", "世界")]);
    let lengths: BTreeMap<String, i64> = function(env, &line, "Lengths", &texts).await.during("Lengths")?;
    equal("Lengths", lengths, BTreeMap::from([("", 0), ("a", 1), ("ü", 6)].map(|(k, n)| (k.to_owned(), n))))?;
    let error = failure("Refuse", function::<i64, i64>(env, &line, "Refuse", &7).await)?;
    equal("error of Refuse", error.message(), "interop: refused")?;
    equal("reply beside a function's error", error.raw_reply().is_some(), false)
}

async fn function<A, R>(env: Env<'_>, line: &Line, name: &str, args: &A) -> Result<R, Error>
where
    A: Sync,
    Json: Encode<A> + Decode<R>,
    MsgPack: Encode<A> + Decode<R>,
{
    let service = line.client.service("InteropFunc");
    match env.step.codec {
        Codec::Json => service.codec(Json).call(name, args).await,
        _ => service.call(name, args).await,
    }
}

/// A peer of a later version sends a field more.
pub(super) async fn unknown_fields<D: Structured>(_: PhantomData<D>, env: Env<'_>) -> Check {
    let line = env.connect().await?;
    let service = line.client.service_in(D::SERVICE, D::STRUCTS);
    let reply: D::Blob = service.call("Blob", &D::later("known", &[1, 2, 3])).await.during("call")?;
    equal("reply", D::parts(&reply), (&b"known"[..], &[1_u8, 2, 3][..]))
}

/// An older Rust client sends structs as arrays of their fields.
pub(super) async fn array_struct(env: Env<'_>) -> Check {
    let line = env.connect().await?;
    let mut payload = Vec::new();
    MsgPack::encode(&("text", Bytes::from_static(&[1, 2, 3])), &mut payload)?;
    let reply = sent(&line, SerializeType::MSGPACK, payload).await?;
    equal(
        "reply",
        <MsgPack as Decode<Blob>>::decode(&reply)?,
        Blob { text: "text".to_owned(), data: vec![1, 2, 3].into() },
    )
}

/// Names in any case, unknown fields, bytes behind the value, null.
pub(super) async fn json_loose(env: Env<'_>) -> Check {
    let line = env.connect().await?;
    for (payload, text, data) in [
        (r#"{"text":"text","DATA":"AQID"}"#, "text", &[1, 2, 3][..]),
        (r#"{"Unknown":{"a":[1,null]},"Text":"text","Data":"AQID"}"#, "text", &[1, 2, 3]),
        (r#"{"Text":"text","Data":"AQID"} and more"#, "text", &[1, 2, 3]),
        (r#"{"Text":null,"Data":null}"#, "", &[]),
    ] {
        let reply = sent(&line, SerializeType::JSON, payload.as_bytes().to_vec()).await?;
        let expected = Blob { text: text.to_owned(), data: Bytes::copy_from_slice(data) };
        equal("reply", <Json as Decode<Blob>>::decode(&reply)?, expected)?;
    }
    Ok(())
}

/// The reply to a payload that is encoded already.
async fn sent(line: &Line, format: SerializeType, payload: Vec<u8>) -> Check<Bytes> {
    line.client.raw("Interop", "Blob", format, payload.into()).await.during("call")
}
