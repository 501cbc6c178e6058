//! Types that cross between Go and Rust.
//!
//! | here | Go | MessagePack | JSON |
//! |---|---|---|---|
//! | [`Time`] | `time.Time` | extension -1 | text, RFC 3339 |
//! | [`Duration`] | `time.Duration` | integer, nanoseconds | number, nanoseconds |
//! | [`Decimal`] | a number type with `MarshalText`, `json.Number`, `string` | bin | text |
//! | [`Bytes`] | `[]byte` | bin | text, base64 |
//! | [`Any`] | `any` (`interface{}`) | anything | anything |
//!
//! In a `#[trunkline::message]`, `std::time::SystemTime` and `std::time::Duration` stand for the first two.

mod any;
mod calendar;
mod decimal;
mod duration;
mod time;
pub(crate) mod token;

pub use bytes::Bytes;

pub use any::Any;
pub use decimal::{Decimal, DecimalError};
pub use duration::{Duration, DurationError};
pub use time::{Time, TimeError};
