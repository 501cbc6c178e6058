//! What came of a run: figures, and the log.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

use crate::error::ErrorKind;
use crate::explain::Exclusion;

/// One call of the load.
#[derive(Clone, Debug)]
pub(super) struct CallRecord {
    pub(super) number: u64,
    pub(super) at: Duration,
    pub(super) took: Duration,
    pub(super) error: Option<ErrorKind>,
}

/// What came of a run.
///
/// `Display` is a summary of a few lines, with the seed that repeats it.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub(super) seed: u64,
    pub(super) took: Duration,
    pub(super) records: Vec<CallRecord>,
    /// Received and executed, by instance.
    pub(super) counts: BTreeMap<String, (u64, u64)>,
    pub(super) exclusions: Exclusions,
    pub(super) log: Vec<String>,
}

/// How the calls of a stretch of time went.
#[derive(Clone, Debug)]
pub struct Figures {
    took: Vec<Duration>,
    errors: BTreeMap<&'static str, u64>,
}

/// Who was kept out of the choice in a run, and why.
#[derive(Clone, Debug, Default)]
pub(super) struct Exclusions {
    /// By the name of the reason: how many at a time at most, and how often it began.
    most: BTreeMap<String, (usize, usize)>,
    now: BTreeMap<String, String>,
}

impl Exclusions {
    /// Takes a look; what is new since the last one, in words.
    pub(super) fn look(&mut self, instances: &[(String, Option<Exclusion>)]) -> Vec<String> {
        let mut news = Vec::new();
        let now: BTreeMap<String, String> =
            instances.iter().filter_map(|(at, why)| Some((at.clone(), name(why.as_ref()?)))).collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (address, why) in &now {
            *counts.entry(why).or_default() += 1;
            if self.now.get(address) != Some(why) {
                self.most.entry(why.clone()).or_default().1 += 1;
                news.push(format!("{address} is kept out: {why}"));
            }
        }
        for (why, count) in counts {
            let most = &mut self.most.entry(why.to_owned()).or_default().0;
            *most = count.max(*most);
        }
        for address in self.now.keys().filter(|address| !now.contains_key(*address)) {
            news.push(format!("{address} is not kept out any more"));
        }
        self.now = now;
        news
    }
}

/// A reason without its particulars.
fn name(why: &Exclusion) -> String {
    let text = format!("{why:?}");
    text.split('(').next().unwrap_or_default().to_owned()
}

impl Outcome {
    /// The figures of all calls.
    pub fn figures(&self) -> Figures {
        self.figures_of(Duration::ZERO..Duration::MAX)
    }

    /// The figures of the calls that began within this stretch of time.
    pub fn figures_of(&self, when: Range<Duration>) -> Figures {
        let mut figures = Figures { took: Vec::new(), errors: BTreeMap::new() };
        for record in self.records.iter().filter(|record| when.contains(&record.at)) {
            figures.took.push(record.took);
            if let Some(kind) = record.error {
                *figures.errors.entry(kind.as_str()).or_default() += 1;
            }
        }
        figures.took.sort_unstable();
        figures
    }

    /// How many calls an instance has got, retries and copies among them.
    pub fn received(&self, instance: &str) -> u64 {
        self.counts.get(instance).map_or(0, |(received, _)| *received)
    }

    /// How many calls an instance has done the work of.
    pub fn executed(&self, instance: &str) -> u64 {
        self.counts.get(instance).map_or(0, |(_, executed)| *executed)
    }

    /// How many calls all instances have got, retries and copies among them.
    pub fn attempts(&self) -> u64 {
        self.counts.values().map(|(received, _)| received).sum()
    }

    /// What an instance has got, of all that was got.
    pub fn share(&self, instance: &str) -> f64 {
        self.received(instance) as f64 / self.attempts().max(1) as f64
    }

    /// How many instances were kept out for this reason at a time, at most.
    pub fn most_at_a_time(&self, why: &Exclusion) -> usize {
        self.exclusions.most.get(&name(why)).map_or(0, |(most, _)| *most)
    }

    /// How often an instance began to be kept out for this reason.
    pub fn times(&self, why: &Exclusion) -> usize {
        self.exclusions.most.get(&name(why)).map_or(0, |(_, times)| *times)
    }

    /// How long the run took, in the time of the simulation.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// What happened, line by line, each with its time in seconds. The same seed gives the same
    /// log.
    pub fn log(&self) -> &[String] {
        &self.log
    }
}

impl Figures {
    /// How many calls there were.
    pub fn calls(&self) -> u64 {
        self.took.len() as u64
    }

    /// How many of them failed.
    pub fn errors(&self) -> u64 {
        self.errors.values().sum()
    }

    /// How many of them failed in this way.
    pub fn errors_of(&self, kind: ErrorKind) -> u64 {
        self.errors.get(kind.as_str()).copied().unwrap_or(0)
    }

    /// The time within which such a share of the calls has ended, well or not: 0.5 is the median,
    /// 1.0 the longest. Zero where there were none.
    pub fn percentile(&self, share: f64) -> Duration {
        let place = (self.took.len() as f64 * share.clamp(0.0, 1.0)).ceil() as usize;
        self.took.get(place.saturating_sub(1)).copied().unwrap_or_default()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let p = |share| self.percentile(share);
        write!(f, "{} calls, {} failed", self.calls(), self.errors())?;
        for (kind, count) in &self.errors {
            write!(f, ", {kind} {count}")?;
        }
        write!(f, "; p50 {:?}, p99 {:?}, longest {:?}", p(0.5), p(0.99), p(1.0))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {} in {:?}", self.seed, self.figures(), self.took)?;
        let busiest = self.counts.values().map(|(received, _)| *received).max().unwrap_or(0);
        writeln!(
            f,
            "{} attempts reached {} instances, {busiest} the busiest",
            self.attempts(),
            self.counts.len()
        )?;
        for (why, (most, times)) in &self.exclusions.most {
            writeln!(f, "{why}: {times} times, {most} instances at a time at most")?;
        }
        Ok(())
    }
}
