//! What checks are played with: members and callers of each kind as processes, a real etcd, Go's view of it.
//!
//! Every process is ended by its own id when its value is dropped, whatever went wrong before.

mod etcd;
mod members;
mod process;
mod programs;
mod store;

pub(crate) use etcd::Etcd;
pub(crate) use members::{Member, Place, await_nodes};
pub(crate) use process::Caller;
pub(crate) use programs::{Kind, Programs};
pub(crate) use store::{Store, ask_go};
