//! The calls of one connection that did not end at their first poll: their deadlines, their
//! cancellation, and the queue of those that wait for a place. A table without I/O or clock.

use std::collections::VecDeque;

use slab::Slab;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::arrived::{Arrived, Asked};

pub(crate) struct Running {
    calls: Slab<Entry>,
    queue: VecDeque<Queued>,
    /// Somebody is starting what is queued.
    starting: bool,
    /// The next instant at which something here may be late.
    earliest: Option<Instant>,
    closed: bool,
}

struct Entry {
    asked: Asked,
    deadline: Option<Instant>,
    /// Never cancelled by its connection closing.
    oneway: bool,
    /// Never cancelled at all, so that it keeps its place among the calls in flight to its end.
    lasting: bool,
    task: Option<AbortHandle>,
    /// Distinguishes the calls that use this place one after another.
    generation: u64,
}

/// Names a running call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    index: usize,
    generation: u64,
}

/// A request that waits for a place.
pub(crate) struct Queued {
    pub(crate) arrived: Arrived,
    /// When it is refused.
    pub(crate) until: Instant,
}

impl Entry {
    /// Whom to answer, and what to cancel.
    fn into_cancelled(self) -> (Asked, Option<AbortHandle>) {
        (self.asked, self.task.filter(|_| !self.lasting))
    }
}

impl Running {
    pub(crate) fn new() -> Self {
        Self { calls: Slab::new(), queue: VecDeque::new(), starting: false, earliest: None, closed: false }
    }

    /// Notes a call. `None` when the connection has closed and the call should not go on.
    /// The flag says that the timer has to look again.
    pub(crate) fn insert(
        &mut self,
        asked: Asked,
        deadline: Option<Instant>,
        generation: u64,
    ) -> Option<(Key, bool)> {
        let oneway = asked.header.is_oneway();
        if self.closed && !oneway {
            return None;
        }
        let sooner = self.note(deadline);
        let lasting = asked.names.is_lasting();
        let index = self.calls.insert(Entry { asked, deadline, oneway, lasting, task: None, generation });
        Some((Key { index, generation }, sooner))
    }

    fn note(&mut self, deadline: Option<Instant>) -> bool {
        match (deadline, self.earliest) {
            (Some(new), Some(old)) if new >= old => false,
            (Some(new), _) => {
                self.earliest = Some(new);
                true
            }
            (None, _) => false,
        }
    }

    /// Gives a call the handle by which it is cancelled, and gives it back if the call is not here
    /// any more: it has ended, or is to be cancelled now.
    pub(crate) fn started(&mut self, key: Key, task: AbortHandle) -> Option<AbortHandle> {
        match self.calls.get_mut(key.index) {
            Some(entry) if entry.generation == key.generation => {
                entry.task = Some(task);
                None
            }
            _ => Some(task),
        }
    }

    /// Takes a call out. `None`: it was answered by somebody else, by the timer say.
    pub(crate) fn finish(&mut self, key: Key) -> Option<Asked> {
        let entry = self.calls.get(key.index)?;
        (entry.generation == key.generation).then(|| self.calls.remove(key.index).asked)
    }

    pub(crate) fn enqueue(&mut self, queued: Queued) -> bool {
        let sooner = self.note(Some(queued.until));
        self.queue.push_back(queued);
        sooner
    }

    pub(crate) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Makes the caller the one who starts what is queued. False: there is nothing, or somebody
    /// does it already and will see what the caller saw.
    pub(crate) fn begin_starting(&mut self) -> bool {
        !self.queue.is_empty() && !std::mem::replace(&mut self.starting, true)
    }

    /// The next request to start; none ends what [`begin_starting`](Self::begin_starting) began.
    pub(crate) fn next_to_start(&mut self, is_full: impl FnOnce() -> bool) -> Option<Queued> {
        let next = if is_full() { None } else { self.queue.pop_front() };
        self.starting = next.is_some();
        next
    }

    pub(crate) fn earliest(&self) -> Option<Instant> {
        self.earliest
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.calls.is_empty() && self.queue.is_empty()
    }

    /// Takes out what is late: calls to cancel and answer, and requests that never got a place.
    pub(crate) fn expire(&mut self, now: Instant) -> (Vec<(Asked, Option<AbortHandle>)>, Vec<Queued>) {
        if self.earliest.is_none_or(|at| at > now) {
            return (Vec::new(), Vec::new());
        }
        let is_late = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let late: Vec<_> =
            self.calls.iter().filter(|(_, e)| is_late(e.deadline)).map(|(index, _)| index).collect();
        let late = late.into_iter().map(|index| self.calls.remove(index).into_cancelled()).collect();
        let (waiting, refused): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut self.queue).into_iter().partition(|q| q.until > now);
        self.queue = waiting;
        let calls = self.calls.iter().filter_map(|(_, e)| e.deadline);
        self.earliest = calls.chain(self.queue.iter().map(|q| q.until)).min();
        (late, refused.into())
    }

    /// The time is up: everything is taken out.
    pub(crate) fn cut(&mut self) -> (Vec<(Asked, Option<AbortHandle>)>, VecDeque<Queued>) {
        self.closed = true;
        let calls = self.calls.drain().map(Entry::into_cancelled).collect();
        (calls, std::mem::take(&mut self.queue))
    }

    /// The connection is gone: what to cancel. Oneways go on, and what lasts.
    pub(crate) fn close(&mut self) -> Vec<AbortHandle> {
        self.closed = true;
        self.queue.retain(|q| q.arrived.message.header().is_oneway());
        let goes_on = |entry: &Entry| entry.oneway || entry.lasting;
        let gone: Vec<_> = self.calls.iter().filter(|(_, e)| !goes_on(e)).map(|(index, _)| index).collect();
        gone.into_iter().filter_map(|index| self.calls.remove(index).task).collect()
    }

    /// How many calls are under way or wait.
    pub(crate) fn len(&self) -> usize {
        self.calls.len() + self.queue.len()
    }
}
