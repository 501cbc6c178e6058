//! The measured stretch of a run: warm-up before it, CPU clocks read at both ends.

use std::{
    sync::atomic::{AtomicU8, Ordering},
    time::{Duration, Instant},
};

use nix::{
    time::{ClockId, clock_getcpuclockid},
    unistd::Pid,
};

use crate::Result;

/// Tells the callers whether what they do counts.
#[derive(Debug, Default)]
pub(crate) struct Window {
    phase: AtomicU8,
}

impl Window {
    /// Where the run is.
    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            WARMING => Phase::Warming,
            MEASURING => Phase::Measuring,
            _ => Phase::Over,
        }
    }

    /// Lets the callers warm up, measures for so long, and tells them to stop.
    ///
    /// # Errors
    /// The server's CPU clock cannot be read: the process is gone.
    pub(crate) async fn pass(
        &self,
        warmup: Duration,
        length: Duration,
        server: Option<i32>,
    ) -> Result<Spent> {
        let clocks = Clocks::of(server)?;
        tokio::time::sleep(warmup).await;
        let before = clocks.read();
        self.phase.store(MEASURING, Ordering::Relaxed);
        tokio::time::sleep(length).await;
        self.phase.store(OVER, Ordering::Relaxed);
        let after = clocks.read();
        Ok(after?.since(&before?))
    }
}

/// What a run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Calls are made, nothing counts.
    Warming,
    /// A call that ends now counts.
    Measuring,
    /// Callers stop.
    Over,
}

/// Time that went by, and CPU time that each side took of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spent {
    /// By the wall clock.
    pub(crate) wall: Duration,
    /// CPU of this process.
    pub(crate) client: Duration,
    /// CPU of the server, if its process id is known.
    pub(crate) server: Option<Duration>,
}

/// The CPU clocks of both processes; unlike `/proc/<pid>/stat` they count in nanoseconds.
struct Clocks {
    server: Option<ClockId>,
}

impl Clocks {
    fn of(server: Option<i32>) -> Result<Self> {
        let server = server.map(|pid| clock_getcpuclockid(Pid::from_raw(pid))).transpose()?;
        Ok(Self { server })
    }

    fn read(&self) -> Result<Reading> {
        Ok(Reading {
            at: Instant::now(),
            client: ClockId::CLOCK_PROCESS_CPUTIME_ID.now()?.into(),
            server: self.server.map(|clock| clock.now().map(Duration::from)).transpose()?,
        })
    }
}

struct Reading {
    at: Instant,
    client: Duration,
    server: Option<Duration>,
}

impl Reading {
    fn since(&self, before: &Self) -> Spent {
        Spent {
            wall: self.at - before.at,
            client: self.client - before.client,
            server: self.server.zip(before.server).map(|(now, then)| now - then),
        }
    }
}

const WARMING: u8 = 0;
const MEASURING: u8 = 1;
const OVER: u8 = 2;
