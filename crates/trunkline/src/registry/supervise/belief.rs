//! What is believed of a service's list, given what its registry said and when. No clock, no I/O.
//!
//! A registry that restarts, loses its data or its sessions lists too few instances for a while,
//! and its clients would have nobody to call although all servers are well. So a loss that looks
//! like the registry's own is not believed before a grace time: the list became empty; more than
//! seven tenths of at least four went at once; or it comes after an outage. Until then the missing
//! instances are shown still. Additions and edits are believed at once, and so are removals that
//! the registry says are deliberate.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::registry::{Instance, Listing, Snapshot, Trust};

/// Losses this close together are one.
const AT_ONCE: Duration = Duration::from_secs(5);
/// Below this many instances, losing most of them is an ordinary thing.
const FEW: usize = 4;
/// After an outage this long, the registry may come back with less than it had.
const OUTAGE: Duration = Duration::from_secs(2);
/// How long a source that was heard may be away before the list counts as stale.
const PATIENCE: Duration = Duration::from_secs(1);

/// The state of belief in one service's list.
#[derive(Debug)]
pub(crate) struct Belief {
    grace: Duration,
    /// What is published, which follows from all that is below.
    shown: Snapshot,
    condition: Condition,
    /// What the source listed last; until it did, what a file remembers.
    listed: Arc<[Instance]>,
    /// What is shown although the source does not list it, by address.
    held: BTreeMap<String, Held>,
    held_since: Option<Instant>,
    /// Whether the source has ever listed.
    heard: bool,
    /// When a list from a file was taken.
    from_file: Option<Instant>,
    trouble: Option<Trouble>,
    /// Until when losses are suspicious because of an outage.
    settling: Option<Instant>,
    /// When instances were let go, lately.
    gone: VecDeque<Instant>,
}

#[derive(Debug)]
struct Held {
    instance: Instance,
    left: Left,
}

/// How much longer an instance is held.
#[derive(Clone, Copy, Debug)]
enum Left {
    Until(Instant),
    /// The source cannot be heard, so the time stands still.
    Stopped(Duration),
}

#[derive(Debug)]
struct Trouble {
    since: Instant,
    why: Arc<str>,
}

/// Why the list is trusted as it is; changes of it are what is logged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Condition {
    /// Nobody has answered yet.
    Waiting,
    /// Nobody has answered yet, and there is a list from an earlier run.
    FromFile,
    /// The source cannot be heard.
    Silent,
    /// The source lists less than is believed.
    Holding,
    /// The source's list is the list.
    Fresh,
}

/// What came of an event.
#[derive(Debug, Default)]
pub(crate) struct Change {
    /// What is to be published.
    pub(crate) snapshot: Option<Snapshot>,
    /// The condition, where it is another one now.
    pub(crate) condition: Option<Condition>,
    /// Whether the list was not empty before and is now.
    pub(crate) emptied: bool,
}

impl Belief {
    /// Nothing is known. A grace of zero believes the source at once.
    pub(crate) fn new(grace: Duration) -> Self {
        Self {
            grace,
            shown: Snapshot::waiting(),
            condition: Condition::Waiting,
            listed: Arc::new([]),
            held: BTreeMap::new(),
            held_since: None,
            heard: false,
            from_file: None,
            trouble: None,
            settling: None,
            gone: VecDeque::new(),
        }
    }

    /// A list from an earlier run, which counts until the source was heard.
    pub(crate) fn remembered(&mut self, now: Instant, instances: Vec<Instance>) -> Change {
        if !self.heard && !instances.is_empty() {
            self.from_file = Some(now);
            self.listed = instances.into();
        }
        self.conclude(now)
    }

    /// The source said what there is.
    pub(crate) fn listed(&mut self, now: Instant, listing: Listing) -> Change {
        let Listing { instances, deliberate } = listing;
        let list = Snapshot::new(instances, Trust::Fresh).instances().clone();
        let is_first = !std::mem::replace(&mut self.heard, true);
        let after_outage =
            self.trouble.take().is_some_and(|trouble| now.duration_since(trouble.since) >= OUTAGE);
        let is_listed = |address: &str| {
            list.binary_search_by(|instance| instance.address().as_str().cmp(address)).is_ok()
        };
        let missing: Vec<Instance> =
            self.listed.iter().filter(|i| !is_listed(i.address().as_str())).cloned().collect();

        if deliberate || self.grace.is_zero() {
            self.held.clear();
            self.gone.clear();
        } else {
            if after_outage {
                self.settling = Some(now + self.grace);
            }
            self.held.retain(|address, _| !is_listed(address));
            for held in self.held.values_mut() {
                held.left = match held.left {
                    Left::Stopped(_) if after_outage => Left::Until(now + self.grace),
                    Left::Stopped(rest) => Left::Until(now + rest),
                    running @ Left::Until(_) => running,
                };
            }
            if self.is_suspicious(now, is_first, list.is_empty(), missing.len()) {
                let left = Left::Until(now + self.grace);
                self.held.extend(
                    missing
                        .into_iter()
                        .map(|i| (i.address().as_str().to_owned(), Held { instance: i, left })),
                );
            } else {
                self.gone.extend(missing.iter().map(|_| now));
            }
        }
        self.listed = list;
        self.conclude(now)
    }

    /// Whether this loss looks like the registry's own.
    fn is_suspicious(&mut self, now: Instant, is_first: bool, is_empty: bool, missing: usize) -> bool {
        while self.gone.front().is_some_and(|at| now.duration_since(*at) > AT_ONCE) {
            self.gone.pop_front();
        }
        let before = self.listed.len() + self.gone.len();
        let lost = missing + self.gone.len();
        // What a file remembers is old: a source that lists anything knows better.
        let most_went = !is_first && before >= FEW && lost * 10 > before * 7;
        let is_settling = self.settling.is_some_and(|until| now < until);
        is_empty || is_settling || most_went
    }

    /// The source cannot be heard any more.
    pub(crate) fn failed(&mut self, now: Instant, why: &str) -> Change {
        for held in self.held.values_mut() {
            if let Left::Until(at) = held.left {
                held.left = Left::Stopped(at.saturating_duration_since(now));
            }
        }
        match &mut self.trouble {
            Some(trouble) if *trouble.why == *why => {}
            Some(trouble) => trouble.why = why.into(),
            None => self.trouble = Some(Trouble { since: now, why: why.into() }),
        }
        self.conclude(now)
    }

    /// Time passed.
    pub(crate) fn passed(&mut self, now: Instant) -> Change {
        self.conclude(now)
    }

    /// When [`passed`](Self::passed) has to be called next.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let held = self.held.values().filter_map(|held| match held.left {
            Left::Until(at) => Some(at),
            Left::Stopped(_) => None,
        });
        let loud = self.trouble.as_ref().filter(|_| self.condition != Condition::Silent);
        held.chain(loud.map(|trouble| trouble.since + PATIENCE)).min()
    }

    /// Works out what is shown, and whether that is news.
    fn conclude(&mut self, now: Instant) -> Change {
        self.held.retain(|_, held| !matches!(held.left, Left::Until(at) if at <= now));
        self.held_since = (!self.held.is_empty()).then(|| self.held_since.unwrap_or(now));

        let condition = match &self.trouble {
            Some(trouble) if !self.heard || now >= trouble.since + PATIENCE => Condition::Silent,
            // A stream that breaks and is there again within a second is not worth a word.
            Some(_) => self.condition,
            None if !self.heard && self.from_file.is_some() => Condition::FromFile,
            None if !self.heard => Condition::Waiting,
            None if !self.held.is_empty() => Condition::Holding,
            None => Condition::Fresh,
        };
        let list = self.listed.iter().chain(self.held.values().map(|held| &held.instance));
        let shown = Snapshot::new(list.cloned(), self.trust(condition, now));

        let is_same = shown.says_the_same(&self.shown);
        let change = Change {
            snapshot: (!is_same).then(|| shown.clone()),
            condition: (condition != self.condition).then_some(condition),
            emptied: shown.instances().is_empty() && !self.shown.instances().is_empty(),
        };
        self.condition = condition;
        if !is_same {
            self.shown = shown;
        }
        change
    }

    fn trust(&self, condition: Condition, now: Instant) -> Trust {
        match (condition, &self.trouble) {
            (Condition::Waiting, _) => Trust::Waiting,
            (Condition::Fresh, _) => Trust::Fresh,
            (Condition::Silent, Some(trouble)) => {
                Trust::Stale { since: trouble.since, why: trouble.why.clone() }
            }
            (Condition::FromFile, _) | (Condition::Silent, None) => Trust::Stale {
                since: self.from_file.unwrap_or(now),
                why: "it is the list of an earlier run: the registry has not answered yet".into(),
            },
            (Condition::Holding, _) => Trust::Stale {
                since: self.held_since.unwrap_or(now),
                why: "the registry lists fewer instances than it did, which is not believed yet".into(),
            },
        }
    }
}

#[cfg(test)]
mod tests;
