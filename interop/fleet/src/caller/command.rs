//! The commands, one JSON object a line.

use serde::Deserialize;
use serde_json::Value;

/// A line of standard input; one of the fields after `id` says what is to be done.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Command {
    pub(super) id: Option<Value>,

    pub(super) call: Option<String>,
    pub(super) steady: Option<Steady>,
    #[serde(default)]
    pub(super) stop: bool,
    #[serde(default)]
    pub(super) list: bool,
    pub(super) wait: Option<Wait>,
    pub(super) update: Option<String>,
    pub(super) everywhere: Option<String>,
    /// What only this caller can say: the shortest list it ever had, failed attempts by address.
    #[serde(default)]
    pub(super) seen: bool,

    pub(super) args: Option<Value>,
    #[serde(default)]
    pub(super) each: Vec<Value>,
    #[serde(default)]
    pub(super) n: usize,
    #[serde(default)]
    pub(super) callers: usize,
    #[serde(default)]
    pub(super) timeout_ms: u64,
}

/// Load that goes on beside other commands.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub(super) struct Steady {
    pub(super) callers: usize,
    /// Calls a second by all callers; 0: each as soon as its last has ended.
    pub(super) rate: u32,
    /// `Who` or `Work`.
    pub(super) call: String,
    pub(super) millis: i64,
    pub(super) prefix: String,
    pub(super) seconds: u64,
    pub(super) timeout_ms: u64,
}

/// Lasts until so many servers are listed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wait {
    pub(super) count: usize,
    #[serde(default)]
    pub(super) timeout_ms: u64,
}
