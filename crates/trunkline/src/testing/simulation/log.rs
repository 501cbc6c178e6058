//! What happens in a run, line by line.

use parking_lot::Mutex;
use tokio::time::Instant;

pub(super) struct Log {
    began: Instant,
    lines: Mutex<Vec<String>>,
}

impl Log {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), lines: Mutex::default() }
    }

    pub(super) fn line(&self, text: &str) {
        let at = self.began.elapsed().as_secs_f64();
        self.lines.lock().push(format!("{at:>9.3} {text}"));
    }

    pub(super) fn began(&self) -> Instant {
        self.began
    }

    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock())
    }
}
