//! Calls between a server and a client: one file per behaviour.

mod events;
mod pair;
mod raw_peer;

mod basic;
mod caller_gone;
mod deadline;
mod error_reply;
mod errors;
mod header;
mod heartbeat;
mod metadata;
mod oneway;
mod runtime_gone;
mod stopping;
