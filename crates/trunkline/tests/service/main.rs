//! Services and clients from `#[trunkline::service]`: one file per behaviour.

mod arith;
