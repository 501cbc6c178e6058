//! Registries: what is followed and what is registered, over registries that misbehave.
//!
//! `suite` holds what every back end has to pass; each back end has a file that makes it a
//! `Subject` and runs the suite over it. The other files are about what no back end has to do with.

#![allow(clippy::unwrap_used)]

#[macro_use]
mod suite;

#[cfg(feature = "dns")]
mod dns;
mod last_good;
mod memory;
mod opening;
mod panics;
mod status;
