//! The formats against what Go writes and reads.

#[cfg(feature = "json")]
mod json;
#[cfg(all(feature = "macros", feature = "json", feature = "msgpack"))]
mod message;
#[cfg(all(feature = "macros", feature = "json", feature = "msgpack"))]
mod message_enum;
#[cfg(feature = "msgpack")]
mod msgpack;
mod sample;
#[cfg(all(feature = "json", feature = "msgpack"))]
mod types;
