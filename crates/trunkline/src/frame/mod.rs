//! The wire format over byte streams: what both ends of a connection share.
//!
//! [`incoming`] reads batches of frames; [`outgoing`] is the queue of frames on their way out, a
//! state machine without I/O; [`link`] joins that queue to a stream and decides who writes.
//! Frames are written whole, and one write carries as many of them as there are.

pub(crate) mod incoming;
pub(crate) mod link;
pub(crate) mod outgoing;
pub(crate) mod scratch;
