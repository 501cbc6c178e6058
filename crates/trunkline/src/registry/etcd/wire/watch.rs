//! `Watch.Watch`: any number of watches on one stream.

use super::{Event, ResponseHeader, end_of_prefix};

/// `etcdserverpb.WatchRequest`, of which only the creation of watches is used.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct WatchRequest {
    #[prost(message, optional, tag = "1")]
    create_request: Option<WatchCreateRequest>,
}

impl From<WatchCreateRequest> for WatchRequest {
    fn from(create: WatchCreateRequest) -> Self {
        Self { create_request: Some(create) }
    }
}

/// `etcdserverpb.WatchCreateRequest`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct WatchCreateRequest {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) key: Vec<u8>,
    /// The first key behind the range; empty for a single key.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) range_end: Vec<u8>,
    /// The first revision that is told; 0 for what happens from now on.
    #[prost(int64, tag = "3")]
    pub(crate) start_revision: i64,
    /// A quiet watch says from time to time how far it is.
    #[prost(bool, tag = "4")]
    pub(crate) progress_notify: bool,
    /// Many events at once may come in several messages.
    #[prost(bool, tag = "8")]
    pub(crate) fragment: bool,
}

impl WatchCreateRequest {
    /// One key.
    pub(crate) fn key(key: &str) -> Self {
        Self { key: key.into(), ..Self::default() }
    }

    /// All keys that begin so.
    pub(crate) fn prefix(prefix: &str) -> Self {
        Self { key: prefix.into(), range_end: end_of_prefix(prefix), ..Self::default() }
    }
}

/// `etcdserverpb.WatchResponse`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct WatchResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) header: Option<ResponseHeader>,
    /// This answers the creation of a watch.
    #[prost(bool, tag = "3")]
    pub(crate) created: bool,
    /// The watch is over.
    #[prost(bool, tag = "4")]
    pub(crate) canceled: bool,
    /// Set where the watch wanted history that is gone: how far it is gone.
    #[prost(int64, tag = "5")]
    pub(crate) compact_revision: i64,
    #[prost(string, tag = "6")]
    pub(crate) cancel_reason: String,
    #[prost(message, repeated, tag = "11")]
    pub(crate) events: Vec<Event>,
}
