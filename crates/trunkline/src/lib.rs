//! The framework.

pub mod codec;
pub mod types;

#[cfg(all(feature = "macros", feature = "thrift"))]
pub use trunkline_macros::Thrift;
#[cfg(feature = "macros")]
pub use trunkline_macros::message;
