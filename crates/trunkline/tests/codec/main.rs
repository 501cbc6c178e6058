//! The formats against what Go writes and reads.

#![allow(clippy::unwrap_used)]

#[cfg(feature = "json")]
mod json;
#[cfg(all(feature = "macros", feature = "json", feature = "msgpack"))]
mod message;
#[cfg(all(feature = "macros", feature = "json", feature = "msgpack"))]
mod message_enum;
#[cfg(feature = "msgpack")]
mod msgpack;
#[cfg(all(feature = "macros", feature = "json", feature = "msgpack"))]
mod random;
mod sample;
#[cfg(all(feature = "macros", feature = "thrift"))]
mod thrift;
#[cfg(all(feature = "json", feature = "msgpack"))]
mod types;
