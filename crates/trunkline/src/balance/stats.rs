//! How an instance does right now, kept as atomics that callers write and pickers read.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// How an instance does, as seen from this client.
#[derive(Debug)]
pub struct Stats {
    /// Why it takes no calls; open while no bit is set.
    shut: AtomicU32,
    in_flight: AtomicU32,
    /// The moment of the last sample (upper half: milliseconds since `born`) and the peak-sensitive
    /// mean of latencies then (lower half: microseconds, as the bits of an `f32`). A sample that
    /// is lost because two were stored at once is no harm; a lock would be.
    latency: AtomicU64,
    /// Microseconds plus one; 0 before anything was measured.
    connect: AtomicU32,
    heartbeat: AtomicU32,
    born: Instant,
}

/// Why an instance takes no calls. Several may hold at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(crate) enum Shut {
    /// Its breaker is open.
    Breaker = 1,
    /// It does so much worse than the others that it was put aside for a while.
    Ejected = 2,
    /// There is no connection, and the last dial failed.
    Down = 4,
    /// It said that it is stopping.
    Draining = 8,
    /// It was overloaded and asked to be left alone for a while.
    Resting = 16,
    /// Its connection was lost and is being dialled again.
    Lost = 32,
}

/// Beside the reasons: a call may go through to try, see [`Stats::has_trial`].
const TRIAL: u32 = 1 << 16;
const REASONS: u32 = TRIAL - 1;
/// Reasons for which another instance is better; where there is no other, it will do.
const MILD: u32 = Shut::Ejected as u32 | Shut::Draining as u32 | Shut::Resting as u32 | Shut::Lost as u32;

/// How fast an old latency is forgotten: what is this old weighs 1/e.
const DECAY: Duration = Duration::from_secs(10);

/// What a failure counts as, at least and, unless it took longer, at most.
const FAILURE: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(10));

impl Stats {
    /// Of an instance of which nothing is known yet.
    pub fn new() -> Self {
        Self::born_at(Instant::now())
    }

    /// Of an instance that is known since then.
    pub(crate) fn born_at(born: Instant) -> Self {
        Self {
            shut: AtomicU32::new(0),
            in_flight: AtomicU32::new(0),
            latency: AtomicU64::new(0),
            connect: AtomicU32::new(0),
            heartbeat: AtomicU32::new(0),
            born,
        }
    }

    /// Whether it is able to take calls.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.shut.load(Ordering::Relaxed) & REASONS == 0
    }

    /// Whether it would do where no other is open.
    pub(crate) fn is_nearly_open(&self) -> bool {
        self.shut.load(Ordering::Relaxed) & REASONS & !MILD == 0
    }

    /// Whether its breaker wants one call to try it.
    #[inline]
    pub(crate) fn has_trial(&self) -> bool {
        self.shut.load(Ordering::Relaxed) & TRIAL != 0
    }

    pub(crate) fn set_trial(&self, on: bool) {
        if on {
            self.shut.fetch_or(TRIAL, Ordering::Relaxed);
        } else {
            self.shut.fetch_and(!TRIAL, Ordering::Relaxed);
        }
    }

    /// Calls under way.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Since when it is known.
    pub fn born(&self) -> Instant {
        self.born
    }

    /// How long calls take: a mean that follows a rise at once and a fall slowly, and is forgotten
    /// while there are no calls. None before the first one.
    pub fn latency(&self, now: Instant) -> Option<Duration> {
        let (at, mean) = unpack(self.latency.load(Ordering::Relaxed));
        let age = self.age(now).saturating_sub(at);
        (mean > 0.0).then(|| Duration::from_secs_f32(mean * keep(age) / 1e6))
    }

    /// How long connecting took, the last time.
    pub fn connect_time(&self) -> Option<Duration> {
        measured(&self.connect)
    }

    /// How long the last heartbeat took.
    pub fn heartbeat_time(&self) -> Option<Duration> {
        measured(&self.heartbeat)
    }

    /// A call begins.
    #[inline]
    pub(crate) fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// A call has ended, whatever in.
    #[inline]
    pub(crate) fn end(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// A call took this long.
    #[inline]
    pub(crate) fn took(&self, latency: Duration, now: Instant) {
        let sample = (latency.as_micros() as f32).max(1.0);
        let (at, mean) = unpack(self.latency.load(Ordering::Relaxed));
        let now = self.age(now);
        let keep = if mean == 0.0 { 0.0 } else { keep(now.saturating_sub(at)) };
        // A rise is believed at once: whoever got slow is slow for the next call too.
        let next = if sample > mean * keep { sample } else { mean * keep + sample * (1.0 - keep) };
        self.latency.store(pack(now, next), Ordering::Relaxed);
    }

    /// A call failed after this long, by the instance's fault.
    ///
    /// It counts as a slow one: as twice the mean. An instance that answers errors at once would
    /// look fast otherwise and draw all calls to itself; doubling, it is out of the way after a few
    /// of them, while a failure now and then costs an instance no more than the time in which its
    /// mean falls by half. Calls that fail together, as when a connection is lost, count once: those
    /// that had begun when the mean was last written say nothing new.
    pub(crate) fn failed(&self, latency: Duration, now: Instant) {
        let (at, _) = unpack(self.latency.load(Ordering::Relaxed));
        let begun = self.age(now).saturating_sub(u32::try_from(latency.as_millis()).unwrap_or(u32::MAX));
        let mean = self.latency(now).unwrap_or_default();
        let counts = if begun >= at { (mean * 2).clamp(FAILURE.0, FAILURE.1) } else { mean };
        self.took(latency.max(counts), now);
    }

    pub(crate) fn connected_in(&self, time: Duration) {
        store(&self.connect, time);
    }

    pub(crate) fn heartbeat_in(&self, time: Duration) {
        store(&self.heartbeat, time);
    }

    /// Shuts it for a reason; says whether it was open for that reason before.
    pub(crate) fn shut(&self, why: Shut) -> bool {
        self.shut.fetch_or(why as u32, Ordering::Relaxed) & why as u32 == 0
    }

    /// Takes a reason away; says whether it was there.
    pub(crate) fn open(&self, why: Shut) -> bool {
        self.shut.fetch_and(!(why as u32), Ordering::Relaxed) & why as u32 != 0
    }

    pub(crate) fn is_shut_for(&self, why: Shut) -> bool {
        self.shut.load(Ordering::Relaxed) & why as u32 != 0
    }

    fn age(&self, now: Instant) -> u32 {
        u32::try_from(now.saturating_duration_since(self.born).as_millis()).unwrap_or(u32::MAX)
    }
}

impl Default for Stats {
    fn default() -> Self {
        Self::new()
    }
}

/// How much of a mean is left after so many milliseconds.
fn keep(milliseconds: u32) -> f32 {
    if milliseconds == 0 { 1.0 } else { (-(milliseconds as f32) / DECAY.as_millis() as f32).exp() }
}

fn pack(at: u32, mean: f32) -> u64 {
    u64::from(at) << 32 | u64::from(mean.to_bits())
}

fn unpack(packed: u64) -> (u32, f32) {
    ((packed >> 32) as u32, f32::from_bits(packed as u32))
}

fn store(cell: &AtomicU32, time: Duration) {
    cell.store(u32::try_from(time.as_micros()).unwrap_or(u32::MAX - 1).saturating_add(1), Ordering::Relaxed);
}

fn measured(cell: &AtomicU32) -> Option<Duration> {
    let stored = cell.load(Ordering::Relaxed);
    (stored > 0).then(|| Duration::from_micros(u64::from(stored) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(stats: &Stats, now: Instant) -> u128 {
        stats.latency(now).map_or(0, |latency| latency.as_millis())
    }

    #[test]
    fn failures_double_the_mean_up_to_a_bound() {
        let begun = Instant::now();
        let stats = Stats::born_at(begun);
        let mut seen = Vec::new();
        for step in 1..=16 {
            let now = begun + Duration::from_millis(step);
            stats.failed(Duration::ZERO, now);
            seen.push(millis(&stats, now));
        }
        assert_eq!(seen[..4], [1, 1, 3, 7], "1, 2, 4, 8, and a moment of forgetting");
        assert!(seen[15] >= 9_990 && seen[15] <= 10_000, "{seen:?}");
    }

    #[test]
    fn failures_at_once_count_once() {
        let begun = Instant::now();
        let stats = Stats::born_at(begun);
        stats.took(Duration::from_millis(10), begun + Duration::from_millis(10));
        let now = begun + Duration::from_millis(50);
        (0..100).for_each(|_| stats.failed(Duration::from_millis(30), now));
        assert!((29..=30).contains(&millis(&stats, now)), "{}", millis(&stats, now));
        let later = now + Duration::from_millis(40);
        (0..100).for_each(|_| stats.failed(Duration::from_millis(30), later));
        assert!((59..=60).contains(&millis(&stats, later)), "{}", millis(&stats, later));
    }

    #[test]
    fn a_rise_is_believed_and_a_fall_takes_time() {
        let begun = Instant::now();
        let stats = Stats::born_at(begun);
        assert_eq!(stats.latency(begun), None);
        for (second, sample, least, most) in
            [(1, 10, 10, 10), (2, 100, 100, 100), (3, 10, 91, 92), (13, 10, 39, 41)]
        {
            let now = begun + Duration::from_secs(second);
            stats.took(Duration::from_millis(sample), now);
            assert!((least..=most).contains(&millis(&stats, now)), "{second}: {}", millis(&stats, now));
        }
    }
}
