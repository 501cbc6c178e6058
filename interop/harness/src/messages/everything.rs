//! A field for every shape of value that is known to be hard to carry between Go and another language.

use std::collections::BTreeMap;

use bytes::Bytes;
use trunkline::types::{Duration, Time};

/// Go's slices, maps and pointers can be nil: here they are `Option`s, so that nil and empty stay apart.
#[trunkline::message]
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Everything {
    pub(crate) user_id: i64,
    #[message(flatten)]
    pub(crate) base: Base,
    pub(crate) nil_ref: Option<Inner>,
    pub(crate) set_ref: Option<Inner>,
    pub(crate) nil_list: Option<Vec<i32>>,
    pub(crate) list: Option<Vec<i32>>,
    pub(crate) empty_list: Option<Vec<String>>,
    pub(crate) fixed: [u8; 4],
    pub(crate) data: Option<Bytes>,
    pub(crate) created: Time,
    pub(crate) counts: Option<BTreeMap<String, i64>>,
    pub(crate) names: Option<BTreeMap<i64, String>>,
    pub(crate) masks: Option<BTreeMap<u32, u64>>,
    #[message(omit_empty)]
    pub(crate) note: String,
    pub(crate) nested: Option<Vec<Vec<String>>>,
    pub(crate) items: Option<Vec<Inner>>,
    pub(crate) ints: Ints,
    pub(crate) f32: Option<Vec<f32>>,
    pub(crate) f64: Option<Vec<f64>>,
    pub(crate) flag: bool,
    pub(crate) text: String,
    pub(crate) empty: String,
    pub(crate) wait: Duration,
    pub(crate) http_url: String,
    #[message(json = "nick_name", msgpack = "Nick")]
    pub(crate) nickname: String,
    pub(crate) opt_int: Option<i64>,
}

/// Embedded in [`Everything`].
#[trunkline::message]
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Base {
    pub(crate) trace_id: String,
    pub(crate) shard: u16,
}

/// A struct inside of another.
#[trunkline::message]
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Inner {
    pub(crate) id: i64,
    pub(crate) label: String,
    pub(crate) scores: Option<Vec<f64>>,
}

/// Every integer type of Go.
#[trunkline::message]
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ints {
    pub(crate) i8: i8,
    pub(crate) u8: u8,
    pub(crate) i16: i16,
    pub(crate) u16: u16,
    pub(crate) i32: i32,
    pub(crate) u32: u32,
    pub(crate) min64: i64,
    pub(crate) max64: i64,
    pub(crate) u64: u64,
    pub(crate) int: i64,
    pub(crate) uint: u64,
}
