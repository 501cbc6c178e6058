//! Services and clients from `#[trunkline::service]`, errors from `#[derive(Failure)]`: one file per behaviour.

#![cfg(all(feature = "macros", feature = "json", feature = "msgpack"))]
#![allow(clippy::unwrap_used)]

mod arith;
mod call;
mod derive;
mod errors;
mod example;
mod formats;
mod hygiene;
mod names;
mod running;
mod shapes;
