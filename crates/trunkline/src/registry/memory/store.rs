//! What the registry holds: entries, the sessions they live under, and the numbered events of what
//! happened to them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::{Error, ErrorKind};
use crate::registry::{Expect, Swap, Version};

/// Readers that are further behind have to list again.
const MOST_EVENTS: usize = 1024;

pub(super) struct Store {
    state: Mutex<State>,
    /// Counts whatever happens, to wake those who wait for it.
    ticks: watch::Sender<u64>,
}

/// What the registry knows.
pub(super) struct State {
    pub(super) condition: Condition,
    /// Another one breaks the streams of readers.
    pub(super) epoch: u64,
    pub(super) revision: i64,
    pub(super) entries: BTreeMap<Key, Value>,
    pub(super) sessions: HashMap<Arc<str>, Lease>,
    pub(super) opened: u64,
    events: VecDeque<Event>,
    pub(super) delivery: Delivery,
}

/// Service and address; the address as text, since anything may stand in a registry.
pub(super) type Key = (String, String);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Up,
    /// It refuses whatever it is asked.
    Down,
    /// It does not answer.
    Frozen,
}

#[derive(Clone)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) owner: Option<Arc<str>>,
    pub(super) revision: i64,
}

pub(super) struct Lease {
    pub(super) ttl: Duration,
    pub(super) until: Instant,
}

/// What happened to one entry.
#[derive(Clone)]
pub(super) struct Event {
    pub(super) revision: i64,
    pub(super) key: Key,
    /// The new value; none when it is gone.
    pub(super) text: Option<String>,
    /// Whether it was deleted, rather than lost with its session.
    pub(super) deliberate: bool,
    is_lost: bool,
    is_doubled: bool,
}

/// How events reach readers.
#[derive(Default)]
pub(super) struct Delivery {
    pub(super) lose: usize,
    pub(super) double: bool,
    pub(super) backwards: bool,
}

impl Store {
    pub(super) fn new() -> Self {
        let state = State {
            condition: Condition::Up,
            epoch: 0,
            revision: 0,
            entries: BTreeMap::new(),
            sessions: HashMap::new(),
            opened: 0,
            events: VecDeque::new(),
            delivery: Delivery::default(),
        };
        Self { state: Mutex::new(state), ticks: watch::channel(0).0 }
    }

    /// The state, with what has expired gone.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock();
        if state.condition == Condition::Up && state.expire(Instant::now()) {
            self.tick();
        }
        state
    }

    /// The state, as it gets to whoever asks over the network: `with` makes the answer.
    pub(super) async fn ask<T>(&self, with: impl FnOnce(&mut State) -> T) -> Result<T, Error> {
        let mut ticks = self.ticks();
        loop {
            let condition = self.state.lock().condition;
            match condition {
                Condition::Up => break,
                Condition::Down => {
                    return Err(Error::new(
                        ErrorKind::Unavailable,
                        "the registry in memory was stopped by a test",
                    ));
                }
                // The store outlives whoever asks, so there will be another tick.
                Condition::Frozen => drop(ticks.changed().await),
            }
        }
        Ok(with(&mut self.lock()))
    }

    /// The same for what changes the state: it wakes whom it concerns.
    pub(super) async fn ask_for<T>(&self, with: impl FnOnce(&mut State) -> T) -> Result<T, Error> {
        let answer = self.ask(with).await;
        self.tick();
        answer
    }

    pub(super) fn ticks(&self) -> watch::Receiver<u64> {
        self.ticks.subscribe()
    }

    pub(super) fn tick(&self) {
        self.ticks.send_modify(|ticks| *ticks += 1);
    }

    /// Changes the state, and wakes whom it concerns.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.tick();
        result
    }
}

impl State {
    pub(super) fn put(&mut self, key: Key, text: &str, owner: Option<Arc<str>>) {
        self.revision += 1;
        let value = Value { text: text.to_owned(), owner, revision: self.revision };
        self.entries.insert(key.clone(), value);
        self.happened(key, Some(text.to_owned()), true);
    }

    pub(super) fn remove(&mut self, key: &Key, deliberate: bool) {
        if self.entries.remove(key).is_some() {
            self.revision += 1;
            self.happened(key.clone(), None, deliberate);
        }
    }

    /// Compares and swaps; `make` changes the state where the entry is as expected.
    pub(super) fn swap(&mut self, key: &Key, expected: &Expect, make: impl FnOnce(&mut Self)) -> Swap {
        let found = self.entries.get(key).map(|value| Version::from(value.revision));
        let is_expected = match expected {
            Expect::Absent => found.is_none(),
            Expect::Version(version) => found.as_ref() == Some(version),
        };
        if !is_expected {
            return Swap::Conflict;
        }
        make(self);
        Swap::Done
    }

    /// Ends a session, and its entries with it.
    pub(super) fn end_session(&mut self, id: &str) {
        self.sessions.remove(id);
        let its: Vec<Key> = self
            .entries
            .iter()
            .filter(|(_, value)| value.owner.as_deref() == Some(id))
            .map(|(key, _)| key.clone())
            .collect();
        for key in its {
            self.remove(&key, false);
        }
    }

    /// The events after a revision, as they are delivered; none when some of them are forgotten.
    pub(super) fn events_after(&self, revision: i64) -> Option<Vec<Event>> {
        let forgotten = self.events.front().map_or(self.revision, |first| first.revision - 1);
        if revision < forgotten {
            return None;
        }
        let mut events = Vec::new();
        for event in self.events.iter().filter(|event| event.revision > revision && !event.is_lost) {
            events.extend(std::iter::repeat_n(event.clone(), if event.is_doubled { 2 } else { 1 }));
        }
        if self.delivery.backwards {
            events.reverse();
        }
        Some(events)
    }

    /// When the next session expires.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.sessions.values().map(|lease| lease.until).min()
    }

    /// Everything is lost, as if the disk were.
    pub(super) fn wipe(&mut self) {
        self.epoch += 1;
        self.revision = 0;
        self.entries.clear();
        self.sessions.clear();
        self.events.clear();
    }

    fn expire(&mut self, now: Instant) -> bool {
        let expired: Vec<Arc<str>> =
            self.sessions.iter().filter(|(_, lease)| lease.until <= now).map(|(id, _)| id.clone()).collect();
        for id in &expired {
            self.end_session(id);
        }
        !expired.is_empty()
    }

    fn happened(&mut self, key: Key, text: Option<String>, deliberate: bool) {
        let is_lost = self.delivery.lose > 0;
        self.delivery.lose -= usize::from(is_lost);
        if self.events.len() == MOST_EVENTS {
            self.events.pop_front();
        }
        let is_doubled = self.delivery.double;
        self.events.push_back(Event { revision: self.revision, key, text, deliberate, is_lost, is_doubled });
    }
}
