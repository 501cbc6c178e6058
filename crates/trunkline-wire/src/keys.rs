//! Names that mean something on the wire: reserved metadata keys and service names.
//!
//! The first group is rpcx's own. Keys that begin with `__trunkline_` are ours: they travel beside rpcx's and stock
//! Go peers ignore them.

/// Response: the error's text. Goes with [`Status::Error`](crate::Status::Error).
pub const ERROR: &str = "__rpcx_error__";
/// Request: an opaque token, by convention the value of an `Authorization` header.
pub const AUTH: &str = "__AUTH";
/// Request: decimal milliseconds left until the caller's deadline when it sent; may be zero or negative.
pub const SERVER_TIMEOUT: &str = "__ServerTimeout";
/// Put into a caller's response metadata: the address that answered. Never on the wire.
pub const SERVER_ADDRESS: &str = "__ServerAddress";
/// `true` while a service alias is in force, for handlers to see. Never on the wire.
pub const ALIAS_APPLIED: &str = "__aliasAppliedKey";
/// In a client's synthetic "connection closed" push: the server's address. Never on the wire.
pub const SERVER: &str = "server";
/// Response: the error's text as Java servers send it; their [`ERROR`] holds a number.
pub const JAVA_ERROR_MESSAGE: &str = "_rpcx_error_message";

/// Response: the kind of error.
pub const KIND: &str = "__trunkline_kind";
/// Response: the application's own error code.
pub const CODE: &str = "__trunkline_code";
/// Response: the error's details, encoded.
pub const DETAILS: &str = "__trunkline_details";
/// Response: `0` when the request was refused before its handler started.
pub const STARTED: &str = "__trunkline_started";
/// Response: milliseconds to wait before trying again.
pub const RETRY_AFTER: &str = "__trunkline_retry_after";
/// Request: how many attempts of this call went before.
pub const ATTEMPT: &str = "__trunkline_attempt";

/// Heartbeat: the sender knows this crate's extensions, such as being told to go elsewhere.
pub const HELLO: &str = "__trunkline_hello";

/// Push: the service path of messages between the two ends' frameworks. Sent only to peers that said [`HELLO`].
pub const CONTROL: &str = "__trunkline";
/// Push, under [`CONTROL`]: the server is stopping, new calls should go elsewhere.
pub const DRAIN: &str = "drain";

/// Request: W3C trace context.
pub const TRACEPARENT: &str = "traceparent";
/// Request: W3C trace state.
pub const TRACESTATE: &str = "tracestate";
/// Request: W3C baggage.
pub const BAGGAGE: &str = "baggage";

/// The service that announces file transfers.
pub const FILE_TRANSFER_SERVICE: &str = "_filetransfer";
/// The service that opens streams.
pub const STREAM_SERVICE: &str = "_streamservice";

/// Whether the value of this metadata key must not be shown: in logs, errors or `Debug` output.
///
/// ```
/// use trunkline_wire::keys;
///
/// assert!(keys::is_secret(b"__AUTH"));
/// assert!(keys::is_secret(b"Authorization"));
/// assert!(!keys::is_secret(b"traceparent"));
/// ```
#[must_use]
pub fn is_secret(key: &[u8]) -> bool {
    key == AUTH.as_bytes()
        || key.eq_ignore_ascii_case(b"authorization")
        || key.eq_ignore_ascii_case(b"proxy-authorization")
        || key.eq_ignore_ascii_case(b"cookie")
}
