//! A client's instances, its fail modes and its health, against scripted servers, settable
//! registries and whole simulated fleets, all on virtual time.

mod closing;
mod exclusions;
mod fail_modes;
mod faults;
mod fleet;
mod lists;
mod network;
mod repeat;
mod retries;
mod scene;
mod trials;
