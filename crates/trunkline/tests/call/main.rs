//! Calls between a server and a client: one file per behaviour.

mod basic;
mod error_reply;
