//! Refusing some calls while there is more to do than the process can.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::{Middleware, Next, Side};
use crate::call::{Call, Reply};
use crate::error::{Error, ErrorKind};

/// Refuses calls while the runtime is late: when tasks that are ready have to wait for a thread,
/// every call takes longer, and callers give up on work that was done for nothing.
///
/// The lateness is measured, by a timer that should ring every 10 ms. Up to the target nothing is
/// refused; from there on more and more calls are, at twice the target all but one in twenty. A
/// refused call ends in [`ErrorKind::Overloaded`]; it was not started, so that a client with other
/// instances goes there at once, and it carries a hint when to come back.
///
/// ```
/// use std::time::Duration;
/// use trunkline::Server;
/// use trunkline::middleware::LoadShed;
///
/// let server = Server::builder().layer(LoadShed::new(Duration::from_millis(50)));
/// # let _ = server;
/// ```
pub struct LoadShed {
    target: Duration,
    /// The shares of the calls so far, in parts of `WHOLE`: at each whole one a call is refused.
    shares: AtomicU64,
    gauge: Arc<Gauge>,
}

#[derive(Default)]
struct Gauge {
    /// How late the timer was the last few times, the worst of them, in microseconds.
    late: AtomicU64,
    /// Calls since the timer last rang: without any, it is switched off.
    calls: AtomicU32,
    running: AtomicBool,
}

/// How often the lateness is measured.
const EVERY: Duration = Duration::from_millis(10);
/// So many measurements in a row without a call end the measuring.
const IDLE: u32 = 100;
/// When a refused caller should come back.
const COME_BACK: Duration = Duration::from_millis(200);
const WHOLE: u64 = 1 << 32;
/// However late it is, so many calls get through: whether it is still late is seen by work.
const LET_IN: f64 = 0.05;

impl LoadShed {
    /// Refuses from this lateness on.
    pub fn new(target: Duration) -> Self {
        Self {
            target: target.max(Duration::from_millis(1)),
            shares: AtomicU64::new(0),
            gauge: Arc::default(),
        }
    }

    /// How late the runtime is.
    pub fn lateness(&self) -> Duration {
        Duration::from_micros(self.gauge.late.load(Ordering::Relaxed))
    }

    fn refuses(&self) -> bool {
        let share = (refused_share(self.lateness(), self.target) * WHOLE as f64) as u64;
        let before = self.shares.fetch_add(share, Ordering::Relaxed);
        before / WHOLE != before.wrapping_add(share) / WHOLE
    }

    fn measure(&self) {
        self.gauge.calls.fetch_add(1, Ordering::Relaxed);
        if self.gauge.running.swap(true, Ordering::Relaxed) {
            return;
        }
        let gauge = self.gauge.clone();
        tokio::spawn(async move { gauge.run().await });
    }
}

/// Which share of the calls to refuse.
fn refused_share(late: Duration, target: Duration) -> f64 {
    let over = late.as_secs_f64() / target.as_secs_f64() - 1.0;
    over.clamp(0.0, 1.0 - LET_IN)
}

impl Gauge {
    async fn run(&self) {
        let mut idle = 0;
        // The standard clock: a paused one is never late, but the process may be.
        while idle < IDLE {
            let due = std::time::Instant::now() + EVERY;
            tokio::time::sleep(EVERY).await;
            let late = std::time::Instant::now().saturating_duration_since(due).as_micros() as u64;
            // The worst of late is forgotten by an eighth each time: a tenth of a second or so.
            let before = self.late.load(Ordering::Relaxed);
            self.late.store(late.max(before - before / 8), Ordering::Relaxed);
            idle = if self.calls.swap(0, Ordering::Relaxed) == 0 { idle + 1 } else { 0 };
        }
        self.late.store(0, Ordering::Relaxed);
        self.running.store(false, Ordering::Relaxed);
    }
}

impl Middleware for LoadShed {
    async fn handle(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Error> {
        self.measure();
        if self.refuses() {
            let text =
                format!("the process is too busy: its tasks wait {:?} for their turn", self.lateness());
            let error = Error::new(ErrorKind::Overloaded, text).with_retry_after(COME_BACK);
            return Err(match next.side() {
                Side::Server => error.not_started(),
                Side::Client => error.of(call.service(), call.method()).not_sent(),
            });
        }
        next.run(call).await
    }
}

impl fmt::Debug for LoadShed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadShed").field("target", &self.target).field("lateness", &self.lateness()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_is_refused_the_later_it_is() {
        let target = Duration::from_millis(50);
        let shares = [0, 50, 60, 75, 100, 10_000].map(|ms| refused_share(Duration::from_millis(ms), target));
        for (share, expected) in shares.into_iter().zip([0.0, 0.0, 0.2, 0.5, 0.95, 0.95]) {
            assert!((share - expected).abs() < 1e-9, "{shares:?}");
        }
    }
}
