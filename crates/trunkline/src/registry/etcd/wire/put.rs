//! Writing and deleting keys, which happens in transactions.

/// `etcdserverpb.PutRequest`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PutRequest {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) value: Vec<u8>,
    /// The lease that the key goes with; 0 for none.
    #[prost(int64, tag = "3")]
    pub(crate) lease: i64,
    /// The key keeps the lease that it has.
    #[prost(bool, tag = "6")]
    pub(crate) ignore_lease: bool,
}

/// `etcdserverpb.DeleteRangeRequest`, of one key.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct DeleteRangeRequest {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) key: Vec<u8>,
}
