//! Services and clients from `#[trunkline::service]`, errors from `#[derive(Failure)]`: one file per behaviour.

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
