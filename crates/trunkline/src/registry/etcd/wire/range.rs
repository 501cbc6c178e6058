//! `KV.Range`: reading keys.

use super::{KeyValue, ResponseHeader};

/// `etcdserverpb.RangeRequest`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RangeRequest {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
    /// The first key behind the range; empty for a single key.
    #[prost(bytes = "vec", tag = "2")]
    range_end: Vec<u8>,
    #[prost(bool, tag = "8")]
    keys_only: bool,
    #[prost(int64, tag = "10")]
    min_mod_revision: i64,
}

impl RangeRequest {
    /// One key.
    pub(crate) fn key(key: &str) -> Self {
        Self { key: key.into(), ..Self::default() }
    }

    /// All keys that begin so.
    pub(crate) fn prefix(prefix: &str) -> Self {
        Self { key: prefix.into(), range_end: end_of_prefix(prefix), ..Self::default() }
    }

    /// Leaves the values out of the answer.
    pub(crate) fn keys_only(self) -> Self {
        Self { keys_only: true, ..self }
    }

    /// Leaves older keys out of the answer, though not out of its count.
    pub(crate) fn changed_since(self, min_mod_revision: i64) -> Self {
        Self { min_mod_revision, ..self }
    }
}

/// `etcdserverpb.RangeResponse`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RangeResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) header: Option<ResponseHeader>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) kvs: Vec<KeyValue>,
    /// How many keys there are in the range, whatever is left out.
    #[prost(int64, tag = "4")]
    pub(crate) count: i64,
}

/// The first key behind all those that begin so.
pub(crate) fn end_of_prefix(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    // To etcd, a zero byte is the end of everything.
    vec![0]
}
