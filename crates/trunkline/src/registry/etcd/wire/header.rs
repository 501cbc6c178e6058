//! What stands at the head of every answer.

/// `etcdserverpb.ResponseHeader`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ResponseHeader {
    /// The revision of the store when the answer was made.
    #[prost(int64, tag = "3")]
    pub(crate) revision: i64,
}
