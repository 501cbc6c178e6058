//! What a single call wants otherwise than its client: it travels with the call, so that layers
//! and attempts see the same.

use super::fail::{FailMode, Retries};

#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    /// Calls with one key go to one instance, where the balancer looks at keys.
    pub(crate) key: Option<Vec<u8>>,
    /// The one instance that may take it.
    pub(crate) address: Option<String>,
    pub(crate) mode: Option<FailMode>,
    pub(crate) retries: Option<Retries>,
}

/// Says that the caller wants to know how the call went.
pub(crate) struct Asked;
