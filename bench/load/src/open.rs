//! Open loop: calls start at a fixed rate, whether or not earlier ones have ended.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::runtime::Handle;

use crate::{
    operation::Operation,
    tally::Tally,
    window::{Phase, Window},
};

/// A thread that starts calls; the kernel's timer is finer than the runtime's millisecond.
pub(crate) struct Pace {
    thread: thread::JoinHandle<()>,
    shared: Arc<Shared>,
}

impl Pace {
    /// Starts calls at this rate until the window is over, taking the operations in turn.
    pub(crate) fn start<O: Operation>(operations: Vec<O>, rate: u32, window: &Arc<Window>) -> Self {
        let shared = Arc::new(Shared {
            tally: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            skipped: AtomicUsize::new(0),
            window: Arc::clone(window),
        });
        let handle = Handle::current();
        let thread = thread::spawn({
            let shared = Arc::clone(&shared);
            move || run(&handle, &operations, rate, &shared)
        });
        Self { thread, shared }
    }

    /// Waits for the calls under way, at most so long, and tells what was counted.
    pub(crate) async fn finish(self, patience: Duration) -> (Tally, usize) {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if self.thread.is_finished() && self.shared.in_flight.load(Ordering::Acquire) == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let tally = std::mem::take(&mut *self.shared.tally.lock().unwrap_or_else(PoisonError::into_inner));
        (tally, self.shared.skipped.load(Ordering::Relaxed))
    }
}

struct Shared {
    tally: Mutex<Tally>,
    in_flight: AtomicUsize,
    skipped: AtomicUsize,
    window: Arc<Window>,
}

fn run<O: Operation>(handle: &Handle, operations: &[O], rate: u32, shared: &Arc<Shared>) {
    let start = Instant::now();
    let step = Duration::from_secs(1) / rate;
    for (number, operation) in (0_u32..).zip(operations.iter().cycle()) {
        let due = start + step * number;
        let now = Instant::now();
        if due > now {
            thread::sleep(due - now);
        }
        if shared.window.phase() == Phase::Over {
            return;
        }
        if shared.in_flight.load(Ordering::Relaxed) >= MAX_IN_FLIGHT {
            if shared.window.phase() == Phase::Measuring {
                shared.skipped.fetch_add(1, Ordering::Relaxed);
            }
            continue;
        }
        shared.in_flight.fetch_add(1, Ordering::Relaxed);
        handle.spawn(one(operation.clone(), due, Arc::clone(shared)));
    }
}

async fn one(operation: impl Operation, due: Instant, shared: Arc<Shared>) {
    let measured = shared.window.phase() == Phase::Measuring;
    let outcome = operation.call().await;
    if measured {
        // From when the call was due: a late start is the load's doing, and the caller waits all the same.
        let time = due.elapsed();
        shared.tally.lock().unwrap_or_else(PoisonError::into_inner).record(time, outcome);
    }
    shared.in_flight.fetch_sub(1, Ordering::Release);
}

/// A peer that cannot keep up has calls skipped (and counted) rather than memory filled.
const MAX_IN_FLIGHT: usize = 10_000;
