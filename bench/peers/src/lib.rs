//! What two programs of the comparison share.

pub mod ours;
