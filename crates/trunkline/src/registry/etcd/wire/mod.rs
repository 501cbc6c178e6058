//! The messages of etcd's v3 API, with its field numbers, as far as they are used here.
//!
//! Fields that are never set and never looked at are left out: absent is their default, and what
//! comes unknown is passed over. Names are etcd's, so that its documentation can be read along.

mod auth;
mod header;
mod key_value;
mod lease;
mod put;
mod range;
#[cfg(test)]
mod tests;
mod txn;
mod watch;

pub(super) use self::auth::{AuthenticateRequest, AuthenticateResponse};
pub(super) use self::header::ResponseHeader;
pub(super) use self::key_value::{Event, EventType, KeyValue};
pub(super) use self::lease::{
    LeaseGrantRequest, LeaseGrantResponse, LeaseKeepAliveRequest, LeaseKeepAliveResponse, LeaseRevokeRequest,
    LeaseRevokeResponse,
};
pub(super) use self::put::{DeleteRangeRequest, PutRequest};
pub(super) use self::range::{RangeRequest, RangeResponse, end_of_prefix};
pub(super) use self::txn::{Compare, ResponseOp, TxnRequest, TxnResponse};
pub(super) use self::watch::{WatchCreateRequest, WatchRequest, WatchResponse};
