//! The framework.

pub mod codec;
pub mod types;

#[cfg(feature = "macros")]
pub use trunkline_macros::message;
