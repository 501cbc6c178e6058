//! The messages in protobuf, after `interop/go/schema/interop.proto`.

use std::collections::{BTreeMap, HashMap};

use trunkline::types::{Duration, Time};

use super::{Base, Everything as Plain, Inner as PlainInner, Ints as PlainInts};

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Pick {
    #[prost(int32, tag = "1")]
    pub(crate) variant: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Blob {
    #[prost(string, tag = "1")]
    pub(crate) text: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) data: Vec<u8>,
}

/// A [`Blob`] of a later version.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct BlobPlus {
    #[prost(string, tag = "1")]
    pub(crate) text: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) data: Vec<u8>,
    #[prost(string, tag = "99")]
    pub(crate) later: String,
    #[prost(uint64, tag = "100")]
    pub(crate) number: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Generate {
    #[prost(int32, tag = "1")]
    pub(crate) text_len: i32,
    #[prost(int32, tag = "2")]
    pub(crate) data_len: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Inner {
    #[prost(int64, tag = "1")]
    id: i64,
    #[prost(string, tag = "2")]
    label: String,
    #[prost(double, repeated, tag = "3")]
    scores: Vec<f64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Ints {
    #[prost(sint32, tag = "1")]
    i8: i32,
    #[prost(uint32, tag = "2")]
    u8: u32,
    #[prost(sint32, tag = "3")]
    i16: i32,
    #[prost(uint32, tag = "4")]
    u16: u32,
    #[prost(int32, tag = "5")]
    i32: i32,
    #[prost(fixed32, tag = "6")]
    u32: u32,
    #[prost(sint64, tag = "7")]
    min64: i64,
    #[prost(sfixed64, tag = "8")]
    max64: i64,
    #[prost(uint64, tag = "9")]
    u64: u64,
    #[prost(int64, tag = "10")]
    int: i64,
    #[prost(fixed64, tag = "11")]
    uint: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct StringList {
    #[prost(string, repeated, tag = "1")]
    items: Vec<String>,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Timestamp {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Everything {
    #[prost(int64, tag = "1")]
    user_id: i64,
    #[prost(string, tag = "2")]
    trace_id: String,
    #[prost(uint32, tag = "3")]
    shard: u32,
    #[prost(message, optional, tag = "4")]
    nil_ref: Option<Inner>,
    #[prost(message, optional, tag = "5")]
    set_ref: Option<Inner>,
    #[prost(int32, repeated, tag = "6")]
    nil_list: Vec<i32>,
    #[prost(int32, repeated, tag = "7")]
    list: Vec<i32>,
    #[prost(string, repeated, tag = "8")]
    empty_list: Vec<String>,
    #[prost(bytes = "vec", tag = "9")]
    fixed: Vec<u8>,
    #[prost(bytes = "vec", tag = "10")]
    data: Vec<u8>,
    #[prost(message, optional, tag = "11")]
    created: Option<Timestamp>,
    #[prost(map = "string, int64", tag = "12")]
    counts: HashMap<String, i64>,
    #[prost(map = "int64, string", tag = "13")]
    names: HashMap<i64, String>,
    #[prost(map = "uint32, uint64", tag = "14")]
    masks: HashMap<u32, u64>,
    #[prost(string, tag = "15")]
    note: String,
    #[prost(message, repeated, tag = "16")]
    nested: Vec<StringList>,
    #[prost(message, repeated, tag = "17")]
    items: Vec<Inner>,
    #[prost(message, optional, tag = "18")]
    ints: Option<Ints>,
    #[prost(float, repeated, tag = "19")]
    f32: Vec<f32>,
    #[prost(double, repeated, tag = "20")]
    f64: Vec<f64>,
    #[prost(bool, tag = "21")]
    flag: bool,
    #[prost(string, tag = "22")]
    text: String,
    #[prost(string, tag = "23")]
    empty: String,
    #[prost(int64, tag = "24")]
    wait: i64,
    #[prost(string, tag = "25")]
    http_url: String,
    #[prost(string, tag = "26")]
    nickname: String,
    #[prost(int64, optional, tag = "27")]
    opt_int: Option<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Made {
    #[prost(message, optional, tag = "1")]
    pub(crate) value: Option<Everything>,
    #[prost(map = "string, string", tag = "2")]
    pub(crate) fields: HashMap<String, String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Checked {
    #[prost(string, repeated, tag = "1")]
    pub(crate) differ: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub(crate) detail: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Floats {
    #[prost(float, repeated, tag = "1")]
    pub(crate) f32: Vec<f32>,
    #[prost(double, repeated, tag = "2")]
    pub(crate) f64: Vec<f64>,
}

impl From<Plain> for Everything {
    fn from(plain: Plain) -> Self {
        Self {
            user_id: plain.user_id,
            trace_id: plain.base.trace_id,
            shard: plain.base.shard.into(),
            nil_ref: plain.nil_ref.map(Into::into),
            set_ref: plain.set_ref.map(Into::into),
            nil_list: plain.nil_list.unwrap_or_default(),
            list: plain.list.unwrap_or_default(),
            empty_list: plain.empty_list.unwrap_or_default(),
            fixed: plain.fixed.to_vec(),
            data: plain.data.unwrap_or_default().to_vec(),
            created: Some(Timestamp {
                seconds: plain.created.unix_seconds(),
                nanos: plain.created.subsec_nanos() as i32,
            }),
            counts: plain.counts.unwrap_or_default().into_iter().collect(),
            names: plain.names.unwrap_or_default().into_iter().collect(),
            masks: plain.masks.unwrap_or_default().into_iter().collect(),
            note: plain.note,
            nested: plain.nested.unwrap_or_default().into_iter().map(|items| StringList { items }).collect(),
            items: plain.items.unwrap_or_default().into_iter().map(Into::into).collect(),
            ints: Some(plain.ints.into()),
            f32: plain.f32.unwrap_or_default(),
            f64: plain.f64.unwrap_or_default(),
            flag: plain.flag,
            text: plain.text,
            empty: plain.empty,
            wait: plain.wait.as_nanos(),
            http_url: plain.http_url,
            nickname: plain.nickname,
            opt_int: plain.opt_int,
        }
    }
}

impl From<Everything> for Plain {
    fn from(message: Everything) -> Self {
        let mut fixed = [0; 4];
        let known = message.fixed.len().min(4);
        fixed[..known].copy_from_slice(&message.fixed[..known]);
        let created =
            message.created.and_then(|at| Time::from_unix(at.seconds, u32::try_from(at.nanos).ok()?));
        Self {
            user_id: message.user_id,
            base: Base { trace_id: message.trace_id, shard: message.shard as u16 },
            nil_ref: message.nil_ref.map(Into::into),
            set_ref: message.set_ref.map(Into::into),
            nil_list: Some(message.nil_list),
            list: Some(message.list),
            empty_list: Some(message.empty_list),
            fixed,
            data: Some(message.data.into()),
            created: created.unwrap_or_default(),
            counts: Some(BTreeMap::from_iter(message.counts)),
            names: Some(BTreeMap::from_iter(message.names)),
            masks: Some(BTreeMap::from_iter(message.masks)),
            note: message.note,
            nested: Some(message.nested.into_iter().map(|list| list.items).collect()),
            items: Some(message.items.into_iter().map(Into::into).collect()),
            ints: message.ints.unwrap_or_default().into(),
            f32: Some(message.f32),
            f64: Some(message.f64),
            flag: message.flag,
            text: message.text,
            empty: message.empty,
            wait: Duration::from_nanos(message.wait),
            http_url: message.http_url,
            nickname: message.nickname,
            opt_int: message.opt_int,
        }
    }
}

impl From<PlainInner> for Inner {
    fn from(plain: PlainInner) -> Self {
        Self { id: plain.id, label: plain.label, scores: plain.scores.unwrap_or_default() }
    }
}

impl From<Inner> for PlainInner {
    fn from(message: Inner) -> Self {
        Self { id: message.id, label: message.label, scores: Some(message.scores) }
    }
}

impl From<PlainInts> for Ints {
    fn from(plain: PlainInts) -> Self {
        let PlainInts { i8, u8, i16, u16, i32, u32, min64, max64, u64, int, uint } = plain;
        Self {
            i8: i8.into(),
            u8: u8.into(),
            i16: i16.into(),
            u16: u16.into(),
            i32,
            u32,
            min64,
            max64,
            u64,
            int,
            uint,
        }
    }
}

impl From<Ints> for PlainInts {
    fn from(message: Ints) -> Self {
        let Ints { i8, u8, i16, u16, i32, u32, min64, max64, u64, int, uint } = message;
        // As the Go peer does: the sender never had more bits than these.
        let (i8, u8, i16, u16) = (i8 as i8, u8 as u8, i16 as i16, u16 as u16);
        Self { i8, u8, i16, u16, i32, u32, min64, max64, u64, int, uint }
    }
}
