//! The framework.

pub mod codec;
