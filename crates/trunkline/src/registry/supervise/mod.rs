//! What every back end gets and none has to write: following a source for ever, sharing what is
//! followed, deciding what to believe, keeping a registration in place.
//!
//! Decisions are in pure state machines that are told the time (`belief.rs`, `backoff.rs`,
//! `node.rs`); the tasks around them do the I/O (`follow.rs`, `write.rs`).

mod backoff;
mod belief;
mod follow;
mod node;
mod table;
mod unbroken;
mod write;

pub(super) use follow::Followed;
pub(super) use write::{Ticket, Writer};
