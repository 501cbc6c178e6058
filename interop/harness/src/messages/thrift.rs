//! The messages in Thrift, after `interop/go/schema/interop.thrift`.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use trunkline::Thrift;
use trunkline::types::Duration;

use super::{Base, Everything as Plain, Inner as PlainInner, Ints as PlainInts};

#[derive(Clone, Debug, Thrift)]
pub(crate) struct Pick {
    #[thrift(1)]
    pub(crate) variant: i32,
}

#[derive(Clone, Debug, PartialEq, Thrift)]
pub(crate) struct Blob {
    #[thrift(1)]
    pub(crate) text: String,
    #[thrift(2)]
    pub(crate) data: Vec<u8>,
}

/// A [`Blob`] of a later version.
#[derive(Clone, Debug, Thrift)]
pub(crate) struct BlobPlus {
    #[thrift(1)]
    pub(crate) text: String,
    #[thrift(99)]
    pub(crate) extra: BTreeMap<String, Vec<Inner>>,
    #[thrift(2)]
    pub(crate) data: Vec<u8>,
}

#[derive(Clone, Debug, Thrift)]
pub(crate) struct Generate {
    #[thrift(1)]
    pub(crate) text_len: i32,
    #[thrift(2)]
    pub(crate) data_len: i32,
}

#[derive(Clone, Debug, Thrift)]
pub(crate) struct Time {
    #[thrift(1)]
    seconds: i64,
    #[thrift(2)]
    nanos: i32,
}

#[derive(Clone, Debug, Default, Thrift)]
pub(crate) struct Inner {
    #[thrift(1)]
    pub(crate) id: i64,
    #[thrift(2)]
    pub(crate) label: String,
    #[thrift(3)]
    pub(crate) scores: Option<Vec<f64>>,
}

#[derive(Clone, Debug, Thrift)]
pub(crate) struct Ints {
    #[thrift(1)]
    s8: i8,
    #[thrift(2)]
    u8: i16,
    #[thrift(3)]
    s16: i16,
    #[thrift(4)]
    u16: i32,
    #[thrift(5)]
    s32: i32,
    #[thrift(6)]
    u32: i64,
    #[thrift(7)]
    min64: i64,
    #[thrift(8)]
    max64: i64,
    #[thrift(9)]
    u64: i64,
    #[thrift(10)]
    word: i64,
    #[thrift(11)]
    uword: i64,
}

#[derive(Clone, Debug, Thrift)]
pub(crate) struct Everything {
    #[thrift(1)]
    user_id: i64,
    #[thrift(2)]
    trace_id: String,
    #[thrift(3)]
    shard: i32,
    #[thrift(4)]
    nil_ref: Option<Inner>,
    #[thrift(5)]
    set_ref: Option<Inner>,
    #[thrift(6)]
    nil_list: Option<Vec<i32>>,
    #[thrift(7)]
    numbers: Option<Vec<i32>>,
    #[thrift(8)]
    empty_list: Option<Vec<String>>,
    #[thrift(9)]
    fixed: Vec<u8>,
    #[thrift(10)]
    data: Option<Bytes>,
    #[thrift(11)]
    created: Time,
    #[thrift(12)]
    counts: Option<BTreeMap<String, i64>>,
    #[thrift(13)]
    names: Option<BTreeMap<i64, String>>,
    #[thrift(14)]
    masks: Option<BTreeMap<i64, i64>>,
    #[thrift(15)]
    note: Option<String>,
    #[thrift(16)]
    nested: Option<Vec<Vec<String>>>,
    #[thrift(17)]
    items: Option<Vec<Inner>>,
    #[thrift(18)]
    ints: Ints,
    #[thrift(19)]
    f32: Option<Vec<f64>>,
    #[thrift(20)]
    f64: Option<Vec<f64>>,
    #[thrift(21)]
    flag: bool,
    #[thrift(22)]
    text: String,
    #[thrift(23)]
    empty: String,
    #[thrift(24)]
    wait: i64,
    #[thrift(25)]
    http_url: String,
    #[thrift(26)]
    nickname: String,
    #[thrift(27)]
    opt_int: Option<i64>,
}

#[derive(Clone, Debug, Thrift)]
pub(crate) struct Made {
    #[thrift(1)]
    pub(crate) value: Everything,
    #[thrift(2)]
    pub(crate) fields: HashMap<String, String>,
}

#[derive(Clone, Debug, Thrift)]
pub(crate) struct Checked {
    #[thrift(1)]
    pub(crate) differ: Vec<String>,
    #[thrift(2)]
    pub(crate) detail: Vec<String>,
}

#[derive(Clone, Debug, Thrift)]
pub(crate) struct Floats {
    #[thrift(1)]
    pub(crate) f32: Vec<f64>,
    #[thrift(2)]
    pub(crate) f64: Vec<f64>,
}

/// Thrift has no such type: the double of the same value, and back.
pub(crate) fn wide(list: Vec<f32>) -> Vec<f64> {
    list.into_iter().map(Into::into).collect()
}

pub(crate) fn narrow(list: Vec<f64>) -> Vec<f32> {
    list.into_iter().map(|number| number as f32).collect()
}

impl From<Plain> for Everything {
    fn from(plain: Plain) -> Self {
        Self {
            user_id: plain.user_id,
            trace_id: plain.base.trace_id,
            shard: plain.base.shard.into(),
            nil_ref: plain.nil_ref.map(Into::into),
            set_ref: plain.set_ref.map(Into::into),
            nil_list: plain.nil_list,
            numbers: plain.list,
            empty_list: plain.empty_list,
            fixed: plain.fixed.to_vec(),
            data: plain.data,
            created: Time {
                seconds: plain.created.unix_seconds(),
                nanos: plain.created.subsec_nanos() as i32,
            },
            counts: plain.counts,
            names: plain.names,
            masks: plain.masks.map(|masks| masks.into_iter().map(|(k, v)| (k.into(), v as i64)).collect()),
            note: Some(plain.note).filter(|note| !note.is_empty()),
            nested: plain.nested,
            items: plain.items.map(|items| items.into_iter().map(Into::into).collect()),
            ints: plain.ints.into(),
            f32: plain.f32.map(wide),
            f64: plain.f64,
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
        let nanos = u32::try_from(message.created.nanos).unwrap_or(u32::MAX);
        Self {
            user_id: message.user_id,
            base: Base { trace_id: message.trace_id, shard: message.shard as u16 },
            nil_ref: message.nil_ref.map(Into::into),
            set_ref: message.set_ref.map(Into::into),
            nil_list: message.nil_list,
            list: message.numbers,
            empty_list: message.empty_list,
            fixed,
            data: message.data,
            created: trunkline::types::Time::from_unix(message.created.seconds, nanos).unwrap_or_default(),
            counts: message.counts,
            names: message.names,
            masks: message.masks.map(|masks| masks.into_iter().map(|(k, v)| (k as u32, v as u64)).collect()),
            note: message.note.unwrap_or_default(),
            nested: message.nested,
            items: message.items.map(|items| items.into_iter().map(Into::into).collect()),
            ints: message.ints.into(),
            f32: message.f32.map(narrow),
            f64: message.f64,
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
        Self { id: plain.id, label: plain.label, scores: plain.scores }
    }
}

impl From<Inner> for PlainInner {
    fn from(message: Inner) -> Self {
        Self { id: message.id, label: message.label, scores: message.scores }
    }
}

impl From<PlainInts> for Ints {
    fn from(plain: PlainInts) -> Self {
        Self {
            s8: plain.i8,
            u8: plain.u8.into(),
            s16: plain.i16,
            u16: plain.u16.into(),
            s32: plain.i32,
            u32: plain.u32.into(),
            min64: plain.min64,
            max64: plain.max64,
            u64: plain.u64 as i64,
            word: plain.int,
            uword: plain.uint as i64,
        }
    }
}

impl From<Ints> for PlainInts {
    fn from(message: Ints) -> Self {
        // As the Go peer does: the sender never had more bits than these.
        Self {
            i8: message.s8,
            u8: message.u8 as u8,
            i16: message.s16,
            u16: message.u16 as u16,
            i32: message.s32,
            u32: message.u32 as u32,
            min64: message.min64,
            max64: message.max64,
            u64: message.u64 as u64,
            int: message.word,
            uint: message.uword as u64,
        }
    }
}
