//! Servers that register: what stands in registries, when, and what clients see of it.

#![allow(clippy::unwrap_used, reason = "what a test sets up either works or fails the test")]

mod fleet;

mod addresses;
mod operators;
mod readiness;
mod required;
mod services;
mod several;
mod stopping;
