//! `KV.Txn`: some operations if all comparisons hold, others if not.

use super::{DeleteRangeRequest, PutRequest, RangeRequest, RangeResponse};

/// `etcdserverpb.TxnRequest`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TxnRequest {
    #[prost(message, repeated, tag = "1")]
    pub(crate) compare: Vec<Compare>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) success: Vec<RequestOp>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) failure: Vec<RequestOp>,
}

/// `etcdserverpb.TxnResponse`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TxnResponse {
    /// Whether the comparisons held.
    #[prost(bool, tag = "2")]
    pub(crate) succeeded: bool,
    /// The answers, in the order of the operations.
    #[prost(message, repeated, tag = "3")]
    pub(crate) responses: Vec<ResponseOp>,
}

/// `etcdserverpb.Compare`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Compare {
    #[prost(enumeration = "CompareResult", tag = "1")]
    result: i32,
    #[prost(enumeration = "CompareTarget", tag = "2")]
    target: i32,
    #[prost(bytes = "vec", tag = "3")]
    key: Vec<u8>,
    #[prost(oneof = "TargetUnion", tags = "5, 6")]
    target_union: Option<TargetUnion>,
}

impl Compare {
    /// The key does not exist: keys that do were created at a revision.
    pub(crate) fn is_absent(key: &str) -> Self {
        Self::equal(key, CompareTarget::Create, TargetUnion::CreateRevision(0))
    }

    /// The key was changed last at this revision.
    pub(crate) fn is_of_revision(key: &str, revision: i64) -> Self {
        Self::equal(key, CompareTarget::Mod, TargetUnion::ModRevision(revision))
    }

    fn equal(key: &str, target: CompareTarget, value: TargetUnion) -> Self {
        Self {
            result: CompareResult::Equal.into(),
            target: target.into(),
            key: key.into(),
            target_union: Some(value),
        }
    }
}

/// What a key is compared with.
#[derive(Clone, PartialEq, prost::Oneof)]
enum TargetUnion {
    #[prost(int64, tag = "5")]
    CreateRevision(i64),
    #[prost(int64, tag = "6")]
    ModRevision(i64),
}

/// `etcdserverpb.Compare.CompareResult`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
enum CompareResult {
    Equal = 0,
}

/// `etcdserverpb.Compare.CompareTarget`; 0 is the version of a key, which is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
enum CompareTarget {
    Version = 0,
    Create = 1,
    Mod = 2,
}

/// `etcdserverpb.RequestOp`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RequestOp {
    #[prost(oneof = "Operation", tags = "1, 2, 3")]
    request: Option<Operation>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Operation {
    #[prost(message, tag = "1")]
    Range(RangeRequest),
    #[prost(message, tag = "2")]
    Put(PutRequest),
    #[prost(message, tag = "3")]
    DeleteRange(DeleteRangeRequest),
}

impl From<RangeRequest> for RequestOp {
    fn from(range: RangeRequest) -> Self {
        Self { request: Some(Operation::Range(range)) }
    }
}

impl From<PutRequest> for RequestOp {
    fn from(put: PutRequest) -> Self {
        Self { request: Some(Operation::Put(put)) }
    }
}

impl From<DeleteRangeRequest> for RequestOp {
    fn from(delete: DeleteRangeRequest) -> Self {
        Self { request: Some(Operation::DeleteRange(delete)) }
    }
}

/// `etcdserverpb.ResponseOp`, whose answers to writing and deleting say nothing of use.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ResponseOp {
    #[prost(message, optional, tag = "1")]
    pub(crate) range: Option<RangeResponse>,
}

impl ResponseOp {
    /// Whether something was read, and nothing found.
    pub(crate) fn found_nothing(&self) -> bool {
        self.range.as_ref().is_some_and(|range| range.kvs.is_empty())
    }
}
