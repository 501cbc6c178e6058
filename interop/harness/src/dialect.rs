//! How the same things are said in each codec, for the cases that are played in all of them.

use std::collections::BTreeMap;

use bytes::Bytes;
use trunkline::codec::{Decode, Encode, Json, MsgPack, Protobuf, Raw, Thrift};

use crate::check::{Check, Problem};
use crate::messages::{Everything, Inner, content, plain, protobuf, thrift};

/// Blobs, which every codec can carry.
pub(crate) trait Dialect: Send + Sync + 'static {
    const SERVICE: &'static str;
    const FORMAT: Self::Format;

    type Format: Encode<Self::Blob> + Decode<Self::Blob> + Encode<Self::Generate>;
    type Blob: Send + Sync + 'static;
    type Generate: Send + Sync + 'static;

    fn blob(text: String, data: Vec<u8>) -> Self::Blob;
    fn parts(blob: &Self::Blob) -> (&[u8], &[u8]);
    fn generate(text_len: i32, data_len: i32) -> Self::Generate;

    fn encode(blob: &Self::Blob) -> Check<Vec<u8>> {
        let mut out = Vec::new();
        Self::Format::encode(blob, &mut out)?;
        Ok(out)
    }
}

/// Structs, which all but raw bytes can carry.
pub(crate) trait Structured: Dialect {
    /// The codec cannot tell nil from empty.
    const LOOSE: bool;
    /// The same as [`Dialect::FORMAT`], known to carry structs.
    const STRUCTS: Self::Structs;

    type Structs: Encode<Self::Everything>
        + Decode<Self::Everything>
        + Encode<Self::Pick>
        + Decode<Self::Made>
        + Decode<Self::Checked>
        + Encode<Self::Floats>
        + Decode<Self::Floats>
        + Encode<Self::Later>
        + Decode<Self::Blob>;
    type Everything: From<Everything> + Into<Everything> + Send + Sync + 'static;
    type Pick: Send + Sync + 'static;
    type Made: Send + 'static;
    type Checked: Send + 'static;
    type Floats: Send + Sync + 'static;
    /// A blob of a later version.
    type Later: Send + Sync + 'static;

    fn pick(variant: i32) -> Self::Pick;
    fn made(made: Self::Made) -> (Everything, BTreeMap<String, String>);
    fn checked(checked: Self::Checked) -> Vec<String>;
    fn floats(floats: plain::Floats) -> Self::Floats;
    fn plain_floats(floats: Self::Floats) -> plain::Floats;
    fn later(text: &str, data: &[u8]) -> Self::Later;
}

/// A blob that serializes to exactly `size` bytes.
pub(crate) fn sized<D: Dialect>(size: usize) -> Check<D::Blob> {
    let data = content::bytes((size / 4).min(300));
    let mut len = size.saturating_sub(data.len());
    // The overhead depends on the length of the text only by the width of a length, so a few corrections arrive.
    for _ in 0..8 {
        let blob = D::blob(content::text(len), data.clone());
        let encoded = D::encode(&blob)?.len();
        if encoded == size {
            return Ok(blob);
        }
        len = (len + size).saturating_sub(encoded);
    }
    Err(Problem(format!("no blob serializes to exactly {size} bytes")))
}

pub(crate) struct InRaw;
pub(crate) struct InJson;
pub(crate) struct InMsgPack;
pub(crate) struct InProtobuf;
pub(crate) struct InThrift;

impl Dialect for InRaw {
    const SERVICE: &'static str = "InteropRaw";
    const FORMAT: Raw = Raw;

    type Format = Raw;
    type Blob = Bytes;
    type Generate = Vec<u8>;

    fn blob(text: String, data: Vec<u8>) -> Bytes {
        [text.into_bytes(), data].concat().into()
    }

    fn parts(blob: &Bytes) -> (&[u8], &[u8]) {
        (blob, &[])
    }

    fn generate(text_len: i32, data_len: i32) -> Vec<u8> {
        (text_len + data_len).to_be_bytes().to_vec()
    }
}

macro_rules! dialects {
    ($($name:ident: $format:ident, $service:literal, $messages:ident, loose $loose:literal;)+) => {$(
        impl Dialect for $name {
            const SERVICE: &'static str = $service;
            const FORMAT: $format = $format;

            type Format = $format;
            type Blob = $messages::Blob;
            type Generate = $messages::Generate;

            fn blob(text: String, data: Vec<u8>) -> Self::Blob {
                $messages::Blob { text, data: data.into() }
            }

            fn parts(blob: &Self::Blob) -> (&[u8], &[u8]) {
                (blob.text.as_bytes(), &blob.data)
            }

            fn generate(text_len: i32, data_len: i32) -> Self::Generate {
                $messages::Generate { text_len, data_len }
            }
        }

        impl Structured for $name {
            const LOOSE: bool = $loose;
            const STRUCTS: $format = $format;

            type Structs = $format;
            type Everything = $messages::Everything;
            type Pick = $messages::Pick;
            type Made = $messages::Made;
            type Checked = $messages::Checked;
            type Floats = $messages::Floats;
            type Later = $messages::BlobPlus;

            fn pick(variant: i32) -> Self::Pick {
                $messages::Pick { variant }
            }

            fn made(made: Self::Made) -> (Everything, BTreeMap<String, String>) {
                made.into()
            }

            fn checked(checked: Self::Checked) -> Vec<String> {
                checked.differ
            }

            fn floats(floats: plain::Floats) -> Self::Floats {
                floats.into()
            }

            fn plain_floats(floats: Self::Floats) -> plain::Floats {
                floats.into()
            }

            fn later(text: &str, data: &[u8]) -> Self::Later {
                $messages::BlobPlus::new(text, data)
            }
        }
    )+};
}

dialects! {
    InJson: Json, "Interop", plain, loose false;
    InMsgPack: MsgPack, "Interop", plain, loose false;
    InProtobuf: Protobuf, "InteropPB", protobuf, loose true;
    InThrift: Thrift, "InteropThrift", thrift, loose false;
}

impl From<plain::Made> for (Everything, BTreeMap<String, String>) {
    fn from(made: plain::Made) -> Self {
        (made.value, made.fields)
    }
}

impl From<protobuf::Made> for (Everything, BTreeMap<String, String>) {
    fn from(made: protobuf::Made) -> Self {
        (made.value.unwrap_or_default().into(), made.fields.into_iter().collect())
    }
}

impl From<thrift::Made> for (Everything, BTreeMap<String, String>) {
    fn from(made: thrift::Made) -> Self {
        (made.value.into(), made.fields.into_iter().collect())
    }
}

impl From<plain::Floats> for protobuf::Floats {
    fn from(plain::Floats { f32, f64 }: plain::Floats) -> Self {
        Self { f32, f64 }
    }
}

impl From<protobuf::Floats> for plain::Floats {
    fn from(protobuf::Floats { f32, f64 }: protobuf::Floats) -> Self {
        Self { f32, f64 }
    }
}

impl From<plain::Floats> for thrift::Floats {
    fn from(plain::Floats { f32, f64 }: plain::Floats) -> Self {
        Self { f32: thrift::wide(f32), f64 }
    }
}

impl From<thrift::Floats> for plain::Floats {
    fn from(thrift::Floats { f32, f64 }: thrift::Floats) -> Self {
        Self { f32: thrift::narrow(f32), f64 }
    }
}

impl plain::BlobPlus {
    fn new(text: &str, data: &[u8]) -> Self {
        let inner = Inner { id: 1, label: "x".to_owned(), scores: Some(vec![1.0]) };
        let extra = BTreeMap::from([("a".to_owned(), Some(vec![inner])), ("b".to_owned(), None)]);
        Self { text: text.to_owned(), extra, data: Bytes::copy_from_slice(data) }
    }
}

impl protobuf::BlobPlus {
    fn new(text: &str, data: &[u8]) -> Self {
        Self { text: text.to_owned(), data: data.to_vec(), later: "later".to_owned(), number: u64::MAX }
    }
}

impl thrift::BlobPlus {
    fn new(text: &str, data: &[u8]) -> Self {
        let inner = thrift::Inner { id: 1, label: "x".to_owned(), scores: Some(vec![1.0]) };
        let extra = BTreeMap::from([("a".to_owned(), vec![inner]), ("b".to_owned(), Vec::new())]);
        Self { text: text.to_owned(), extra, data: data.to_vec() }
    }
}
