//! A fleet under load, on a clock that only the simulation moves: calls arrive, are picked for,
//! queue at instances with four hands, and end. The same seed gives the same log, line by line.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fmt::Write;
use std::time::Duration;

use tokio::time::Instant;

use super::super::testbed::Fleet;
use super::super::*;

/// What every simulation begins from; shown with each failure.
pub(super) const SEED: u64 = 20_240_607;
pub(super) const INSTANCES: usize = 100;
pub(super) const CALLS: usize = 10_000;

/// How an instance behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Nature {
    /// Takes 10 ms in the mean, exponentially distributed above 5 ms.
    Healthy,
    /// The same, so many times slower.
    Slow(u32),
    /// Answers an error after a tenth of a millisecond.
    Lying,
    /// Refuses connections: is shut as soon as a call has found out.
    Dead,
}

/// What becomes of failed calls' times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Failures {
    /// They count as slow.
    AsSlow,
    /// They count as the time they took.
    AsTheyAre,
}

/// A fleet and its load.
pub(super) struct Simulation {
    pub(super) fleet: Fleet,
    pub(super) natures: Vec<Nature>,
    pub(super) failures: Failures,
    /// Calls for each second.
    pub(super) rate: f64,
    pub(super) seed: u64,
}

/// What came out.
pub(super) struct Outcome {
    /// Calls for each instance.
    pub(super) counts: Vec<usize>,
    /// Of the calls that ended well, from arrival to end, sorted.
    latencies: Vec<Duration>,
    pub(super) failed: usize,
    pub(super) log: String,
}

/// Calls that an instance works on at a time.
const HANDS: usize = 4;

#[derive(Default)]
struct Queue {
    busy: usize,
    /// When each waiting call arrived.
    waiting: VecDeque<Instant>,
}

impl Simulation {
    /// A fleet of healthy instances at 2,000 calls a second.
    pub(super) fn new() -> Self {
        Self {
            fleet: Fleet::new(INSTANCES).seeded(SEED),
            natures: vec![Nature::Healthy; INSTANCES],
            failures: Failures::AsSlow,
            rate: 2_000.0,
            seed: SEED,
        }
    }

    pub(super) fn with(mut self, place: usize, nature: Nature) -> Self {
        self.natures[place] = nature;
        self
    }

    /// Runs it; what happens to instances must not depend on the balancer's chance, and does not.
    pub(super) fn run(mut self, balancer: &dyn Balancer) -> Outcome {
        let picker = balancer.picker(&self.fleet.candidates, None);
        let world = Random::seeded(self.seed ^ 0x5eed);
        let begun = self.fleet.now;
        let mut arrival = begun;
        let mut ends: BinaryHeap<Reverse<(Instant, usize, usize, Instant)>> = BinaryHeap::new();
        let mut queues: Vec<Queue> = (0..self.natures.len()).map(|_| Queue::default()).collect();
        let mut outcome = Outcome {
            counts: vec![0; self.natures.len()],
            latencies: Vec::new(),
            failed: 0,
            log: String::new(),
        };

        for call in 0..CALLS {
            arrival += exponential(&world, Duration::from_secs_f64(1.0 / self.rate));
            while ends.peek().is_some_and(|Reverse((at, ..))| *at <= arrival) {
                let Some(Reverse((at, _, place, since))) = ends.pop() else { break };
                self.end(at, place, since, &world, &mut queues, &mut ends, &mut outcome);
            }
            self.fleet.now = arrival;
            let key = (world.next() % 1_000).to_string();
            let place = self.fleet.pick_by(&*picker, "Arith", "Mul", Some(key.as_bytes()));
            let place = place.expect("somebody is open");
            outcome.counts[place] += 1;
            let _ = writeln!(outcome.log, "{:?} call {call} to {place}", arrival - begun);
            if self.natures[place] == Nature::Dead {
                outcome.failed += 1;
                self.fleet.close(place);
                continue;
            }
            self.fleet.candidates[place].stats.begin();
            queues[place].waiting.push_back(arrival);
            self.work(arrival, place, &world, &mut queues[place], &mut ends);
        }
        while let Some(Reverse((at, _, place, since))) = ends.pop() {
            self.end(at, place, since, &world, &mut queues, &mut ends, &mut outcome);
        }
        outcome.latencies.sort();
        outcome
    }

    /// Idle hands take what waits.
    fn work(
        &self,
        now: Instant,
        place: usize,
        world: &Random,
        queue: &mut Queue,
        ends: &mut BinaryHeap<Reverse<(Instant, usize, usize, Instant)>>,
    ) {
        while queue.busy < HANDS {
            let Some(since) = queue.waiting.pop_front() else { return };
            queue.busy += 1;
            let order = ends.len();
            ends.push(Reverse((now + self.service_time(place, world), order, place, since)));
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one loop")]
    fn end(
        &mut self,
        now: Instant,
        place: usize,
        since: Instant,
        world: &Random,
        queues: &mut [Queue],
        ends: &mut BinaryHeap<Reverse<(Instant, usize, usize, Instant)>>,
        outcome: &mut Outcome,
    ) {
        let stats = &self.fleet.candidates[place].stats;
        let took = now - since;
        stats.end();
        match (self.natures[place], self.failures) {
            (Nature::Lying, Failures::AsSlow) => stats.failed(took, now),
            _ => stats.took(took, now),
        }
        if self.natures[place] == Nature::Lying {
            outcome.failed += 1;
        } else {
            outcome.latencies.push(took);
        }
        let _ = writeln!(outcome.log, "{place} ended after {took:?}");
        queues[place].busy -= 1;
        self.work(now, place, world, &mut queues[place], ends);
    }

    fn service_time(&self, place: usize, world: &Random) -> Duration {
        let healthy = Duration::from_millis(5) + exponential(world, Duration::from_millis(5));
        match self.natures[place] {
            Nature::Slow(times) => healthy * times,
            Nature::Lying => Duration::from_micros(100),
            Nature::Healthy | Nature::Dead => healthy,
        }
    }
}

impl Outcome {
    /// The latency that so many of a hundred calls stay below.
    pub(super) fn percentile(&self, percent: f64) -> Duration {
        self.latencies
            [((self.latencies.len() as f64 * percent / 100.0) as usize).min(self.latencies.len() - 1)]
    }

    /// How far the counts are from equal shares: for chance alone about the number of instances.
    pub(super) fn chi_square(&self) -> f64 {
        let mean = self.counts.iter().sum::<usize>() as f64 / self.counts.len() as f64;
        self.counts.iter().map(|&count| (count as f64 - mean).powi(2) / mean).sum()
    }
}

fn exponential(random: &Random, mean: Duration) -> Duration {
    mean.mul_f64(-(-random.fraction()).ln_1p())
}
