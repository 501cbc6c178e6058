//! Where the figures were taken: they mean nothing elsewhere.

use std::{fs, thread};

/// Cores, processor and kernel in one line.
pub(crate) fn describe() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} cores, {}, kernel {}", model.trim_start_matches(['\t', ' ', ':']), kernel.trim())
}
