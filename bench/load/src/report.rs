//! What a client run tells, as one line of JSON on standard output.

use serde::{Deserialize, Serialize};

/// The figures of one cell for one peer. Every peer's client prints this, in whatever language.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// Calls that ended well within the window.
    pub calls: u64,
    /// Calls that failed within the window.
    pub errors: u64,
    /// Text of the first error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Calls that the open loop did not start because too many were under way.
    #[serde(default)]
    pub skipped: u64,
    /// Length of the window.
    pub seconds: f64,
    /// Throughput.
    pub calls_per_second: f64,
    /// CPU of the client process for each call.
    pub client_cpu_us: f64,
    /// CPU of the server process for each call.
    pub server_cpu_us: f64,
    /// Median latency.
    pub p50_us: f64,
    /// 99th percentile of the latency.
    pub p99_us: f64,
    /// Throughput of the neighbours, if there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside_per_second: Option<f64>,
}
