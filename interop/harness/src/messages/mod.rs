//! What the services speak: one value in four forms, and what is said of its fields.
//!
//! `plain` is Go's own shape, for JSON and MessagePack; `protobuf` and `thrift` are made from the schemas beside
//! the Go peers.

pub(crate) mod canonical;
pub(crate) mod content;
mod everything;
pub(crate) mod plain;
pub(crate) mod protobuf;
pub(crate) mod thrift;

pub(crate) use everything::{Base, Everything, Inner, Ints};
