//! The wire format against recorded frames, hostile bytes and generated messages.
#![allow(clippy::unwrap_used, reason = "tests")]

mod decoder;
mod encoder;
mod golden;
#[cfg(feature = "gzip")]
mod gzip;
mod malformed;
mod metadata;
mod metadata_model;
mod round_trip;
