//! What holds for all balancers, and what they do to fleets.

mod fleets;
mod simulation;
mod suite;
