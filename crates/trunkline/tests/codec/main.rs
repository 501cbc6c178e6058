//! The formats against what Go writes and reads.

#[cfg(feature = "json")]
mod json;
#[cfg(feature = "msgpack")]
mod msgpack;
mod sample;
