//! What is registered, and how it stands with each: the rows that the writing task works through.
//! It is behind the writer's lock, so it says what is news and leaves it to the writer to log it.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;

use super::node::{Mine, Node};
use crate::registry::registrar::Progress;
use crate::registry::{Instance, Status};

/// Service and address.
pub(super) type Key = (Arc<str>, Arc<str>);

#[derive(Default)]
pub(super) struct Table {
    pub(super) rows: BTreeMap<Key, Row>,
    pub(super) mine: Mine,
    /// What could not be deleted in time and would live as long as the session: whoever withdrew
    /// it was told so, and it is tried further.
    pub(super) leftovers: BTreeMap<Key, Instance>,
    pub(super) is_running: bool,
}

/// One entry.
pub(super) struct Row {
    pub(super) node: Node,
    pub(super) progress: watch::Sender<Progress>,
    /// Whether it has to be looked at now.
    pub(super) is_due: bool,
    /// Until when its deletion is tried, once it is being withdrawn.
    pub(super) closing: Option<Instant>,
    /// What went wrong last.
    pub(super) failure: Option<Arc<str>>,
}

/// What a task does that has done its work.
pub(super) enum Next {
    Work,
    Wait,
    End,
}

impl Table {
    /// A new row, which is due.
    pub(super) fn add(&mut self, key: &Key, instance: Instance) -> watch::Receiver<Progress> {
        let start = Progress { status: Status::Registering { why: None }, left_behind: None };
        let (sender, progress) = watch::channel(start);
        let row =
            Row { node: Node::new(instance), progress: sender, is_due: true, closing: None, failure: None };
        self.leftovers.remove(key);
        self.rows.insert(key.clone(), row);
        progress
    }

    /// Whether nothing is left to do; then the task ends, and the next to register starts another.
    pub(super) fn is_done(&mut self) -> bool {
        self.is_running = !self.rows.is_empty();
        if !self.is_running {
            // The session went, and they with it.
            self.leftovers.clear();
        }
        !self.is_running
    }

    /// What came up while work was done.
    pub(super) fn what_is_next(&self) -> Next {
        if self.rows.is_empty() {
            Next::End
        } else if self.rows.values().any(|row| row.is_due || row.closing.is_some()) {
            Next::Work
        } else {
            Next::Wait
        }
    }

    pub(super) fn services(&self) -> Vec<Arc<str>> {
        let mut services: Vec<Arc<str>> = self.rows.keys().map(|key| key.0.clone()).collect();
        services.dedup();
        services
    }

    pub(super) fn instance(&self, key: &Key) -> Option<Instance> {
        self.rows.get(key).map(|row| row.node.instance().clone())
    }

    pub(super) fn due(&self) -> Vec<Key> {
        let due = self.rows.iter().filter(|(_, row)| row.is_due && row.closing.is_none());
        due.map(|(key, _)| key.clone()).collect()
    }

    pub(super) fn all_due(&mut self) {
        self.rows.values_mut().for_each(|row| row.is_due = true);
    }

    pub(super) fn closing(&self) -> Vec<(Key, Instant)> {
        self.rows.iter().filter_map(|(key, row)| Some((key.clone(), row.closing?))).collect()
    }

    pub(super) fn first_to_give_up(&self) -> Option<Instant> {
        self.rows.values().filter_map(|row| row.closing).min()
    }

    /// An entry stands as it should; `written` if it was written just now. Returns whether that is
    /// news.
    pub(super) fn stands(&mut self, key: &Key, written: Option<&Instance>) -> bool {
        let Some(row) = self.rows.get_mut(key) else {
            return false;
        };
        row.is_due = false;
        row.failure = None;
        if let Some(instance) = written {
            row.node.written(instance.attributes().clone());
        }
        row.progress.send_if_modified(|progress| {
            let is_news = !progress.status.is_registered();
            if is_news {
                progress.status = Status::Registered { since: Instant::now() };
            }
            is_news
        })
    }

    /// An operation on an entry failed. It stands where it stood; the session tells if it is lost.
    /// Returns whether that is news.
    pub(super) fn failed(&mut self, key: &Key, why: &Arc<str>) -> bool {
        let Some(row) = self.rows.get_mut(key) else {
            return false;
        };
        row.note(why);
        row.failure.replace(why.clone()).as_ref() != Some(why)
    }

    /// The session is lost, or none could be opened. Returns how many entries that concerns, if it
    /// is news.
    pub(super) fn lost(&mut self, why: &Arc<str>, was_open: bool) -> Option<usize> {
        let now = Instant::now();
        let mut is_news = was_open;
        for row in self.rows.values_mut() {
            row.is_due = true;
            is_news |= row.failure.replace(why.clone()).is_none();
            row.note(why);
            row.progress.send_if_modified(|progress| {
                let is_news = progress.status.is_registered();
                if is_news {
                    progress.status = Status::Lost { why: why.clone(), since: now };
                }
                is_news
            });
        }
        Some(self.rows.len()).filter(|count| is_news && *count > 0)
    }

    /// A registration is over. Returns whether there was one.
    pub(super) fn closed(&mut self, key: &Key, left_behind: Option<Arc<str>>) -> bool {
        let Some(row) = self.rows.remove(key) else {
            return false;
        };
        if left_behind.is_some() {
            self.leftovers.insert(key.clone(), row.node.instance().clone());
        }
        // In one go with the removal: no other registration of this key may come in between.
        row.progress.send_replace(Progress { status: Status::Closed, left_behind });
        true
    }
}

impl Row {
    /// Says why it is not registered yet.
    fn note(&self, why: &Arc<str>) {
        self.progress.send_if_modified(|progress| match &mut progress.status {
            Status::Registering { why: known } if known.as_ref() != Some(why) => {
                *known = Some(why.clone());
                true
            }
            _ => false,
        });
    }
}
