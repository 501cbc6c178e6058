//! Keeps what is registered in the registry: one task, for as long as anything is registered,
//! holds a session, compares what should stand there with what it reads back, and mends it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::backoff::{Backoff, chance};
use super::node::{Action, Mine, News, Node};
use super::unbroken::unbroken;
use crate::error::{Error, ErrorKind};
use crate::registry::registrar::{CLOSED_WITHIN, Progress};
use crate::registry::{Instance, Session, Sessions, Settings, Status, Swap};

/// The longest that one operation may take, and the longest that a session may take to open.
const LONGEST_OPERATION: Duration = Duration::from_secs(5);
const LONGEST_OPENING: Duration = Duration::from_secs(10);
/// How often an entry is read again because it changed between reading and writing.
const MOST_CONFLICTS: usize = 8;
/// How often what stands beside the entries is put back.
const UPHOLD: Duration = Duration::from_secs(60);

/// Service and address.
type Key = (Arc<str>, Arc<str>);

/// What is registered in one registry, and the task that keeps it there.
pub(crate) struct Writer {
    registry: Arc<str>,
    sessions: Arc<dyn Sessions>,
    settings: Settings,
    table: Mutex<Table>,
    /// Told when something is registered or withdrawn.
    woken: Notify,
}

#[derive(Default)]
struct Table {
    rows: BTreeMap<Key, Row>,
    mine: Mine,
    /// What could not be deleted in time and would live as long as the session: whoever withdrew
    /// it was told so, and it is tried further.
    leftovers: BTreeMap<Key, Instance>,
    is_running: bool,
}

/// One entry.
struct Row {
    node: Node,
    progress: watch::Sender<Progress>,
    /// Whether it has to be looked at now.
    is_due: bool,
    /// Until when its deletion is tried, once it is being withdrawn.
    closing: Option<Instant>,
    /// What went wrong last.
    failure: Option<Arc<str>>,
}

/// What a task does that has done its work.
enum Next {
    Work,
    Wait,
    End,
}

/// The right to one row: dropping it withdraws the instance.
pub(crate) struct Ticket {
    writer: Arc<Writer>,
    key: Key,
    progress: watch::Receiver<Progress>,
}

impl Writer {
    pub(crate) fn new(registry: Arc<str>, sessions: Arc<dyn Sessions>, settings: Settings) -> Arc<Self> {
        Arc::new(Self { registry, sessions, settings, table: Mutex::default(), woken: Notify::new() })
    }

    pub(crate) fn add(self: &Arc<Self>, service: Arc<str>, instance: Instance) -> Result<Ticket, Error> {
        let key: Key = (service, instance.address().as_str().into());
        let mut table = self.table.lock();
        if let Some(row) = table.rows.get(&key) {
            let how = if row.closing.is_some() {
                "is still being withdrawn from"
            } else {
                "is registered already in"
            };
            let text = format!("`{}` at {} {how} `{}`", key.0, key.1, self.registry);
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        let start = Progress { status: Status::Registering { why: None }, left_behind: None };
        let (sender, progress) = watch::channel(start);
        let row =
            Row { node: Node::new(instance), progress: sender, is_due: true, closing: None, failure: None };
        table.leftovers.remove(&key);
        table.rows.insert(key.clone(), row);
        if !std::mem::replace(&mut table.is_running, true) {
            let writer = self.clone();
            tokio::spawn(async move { unbroken(&writer.registry, || writer.clone().run()).await });
        }
        drop(table);
        self.woken.notify_one();
        Ok(Ticket { writer: self.clone(), key, progress })
    }

    /// Ends when nothing is registered any more.
    async fn run(self: Arc<Self>) {
        let mut backoff = Backoff::default();
        while !self.is_done() {
            let opened = Instant::now();
            let (why, served) = match self.open().await {
                Ok(session) => match self.serve(&*session).await {
                    None => {
                        // Nothing lives under it any more; if this fails it expires.
                        let _ = timeout(self.limit(), session.close()).await;
                        continue;
                    }
                    Some(why) => (why, Some(opened.elapsed())),
                },
                Err(why) => (why, None),
            };
            self.lost(&why, served.is_some());
            let pause = backoff.pause(Instant::now(), served);
            self.rest(pause).await;
        }
    }

    /// Whether nothing is left to do; then the task ends, and the next to register starts another.
    fn is_done(&self) -> bool {
        let mut table = self.table.lock();
        table.is_running = !table.rows.is_empty();
        if !table.is_running {
            // The session went, and they with it.
            table.leftovers.clear();
        }
        !table.is_running
    }

    async fn open(&self) -> Result<Arc<dyn Session>, Error> {
        let opening = timeout(LONGEST_OPENING, self.sessions.open(self.settings.ttl));
        let session = tokio::select! {
            opened = opening => opened.unwrap_or_else(|_| Err(late("opening a session", LONGEST_OPENING)))?,
            () = self.give_up() => return Err(Error::new(ErrorKind::Cancelled, "everything was withdrawn")),
        };
        let mut table = self.table.lock();
        table.mine.opened(session.id());
        table.rows.values_mut().for_each(|row| row.is_due = true);
        Ok(session)
    }

    /// Works under a session until it is lost, and returns why; none when nothing is registered
    /// any more.
    async fn serve(&self, session: &dyn Session) -> Option<Error> {
        let mut check = Instant::now() + self.check();
        let mut uphold = Instant::now() + UPHOLD;
        let mut backoff = Backoff::default();
        loop {
            let is_time_to_uphold = uphold <= Instant::now();
            let work = async {
                let withdrawn = self.withdraw(session).await;
                let mended = self.mend(session).await;
                if is_time_to_uphold {
                    self.uphold(session).await;
                }
                withdrawn.and(mended)
            };
            // What is dropped in the middle is read back and done again.
            let worked = tokio::select! {
                biased;
                why = session.lost() => return Some(why),
                worked = work => worked,
                () = self.give_up() => Ok(()),
            };
            self.expire_closing();
            if is_time_to_uphold {
                uphold = Instant::now() + UPHOLD.mul_f64(0.9 + 0.2 * chance());
            }
            let again = match worked {
                Ok(()) => {
                    backoff = Backoff::default();
                    match self.what_is_next() {
                        Next::End => return None,
                        Next::Work => continue,
                        Next::Wait => check,
                    }
                }
                Err(_) => check.min(Instant::now() + backoff.pause(Instant::now(), None)),
            };
            let again = self.first_to_give_up().map_or(again, |at| at.min(again));
            tokio::select! {
                biased;
                why = session.lost() => return Some(why),
                () = self.woken.notified() => {}
                () = session.disturbed() => self.all_due(),
                () = sleep_until(again) => {
                    if check <= Instant::now() {
                        check = Instant::now() + self.check();
                        self.all_due();
                    }
                }
            }
        }
    }

    /// What came up while work was done.
    fn what_is_next(&self) -> Next {
        let table = self.table.lock();
        if table.rows.is_empty() {
            Next::End
        } else if table.rows.values().any(|row| row.is_due || row.closing.is_some()) {
            Next::Work
        } else {
            Next::Wait
        }
    }

    /// Deletes the entries of what is being withdrawn.
    async fn withdraw(&self, session: &dyn Session) -> Result<(), Error> {
        let mut result = Ok(());
        for (key, until) in self.closing() {
            let instance = match self.table.lock().rows.get(&key) {
                Some(row) => row.node.instance().clone(),
                None => continue,
            };
            let left = until.saturating_duration_since(Instant::now()).min(self.limit());
            if left.is_zero() {
                continue;
            }
            let deleted = timeout(left, self.delete(session, &key.0, &instance)).await;
            match deleted.unwrap_or_else(|_| Err(late("deleting the entry", left))) {
                Ok(()) => self.closed(&key, None),
                Err(error) => {
                    self.failed(&key, &error);
                    result = Err(error);
                }
            }
        }
        let leftovers = self.table.lock().leftovers.clone();
        for (key, instance) in leftovers {
            let deleted = timeout(self.limit(), self.delete(session, &key.0, &instance)).await;
            match deleted.unwrap_or_else(|_| Err(late("deleting the entry", self.limit()))) {
                Ok(()) => drop(self.table.lock().leftovers.remove(&key)),
                Err(error) => result = Err(error),
            }
        }
        result
    }

    async fn delete(&self, session: &dyn Session, service: &str, instance: &Instance) -> Result<(), Error> {
        for _ in 0..MOST_CONFLICTS {
            let Some(held) = session.read(service, instance.address()).await? else {
                return Ok(());
            };
            if !Node::may_delete(&held, &self.table.lock().mine) {
                return Ok(());
            }
            if session.delete(service, instance.address(), &held.version).await? == Swap::Done {
                return Ok(());
            }
        }
        Err(quarrel())
    }

    /// Looks at the entries that are due, and writes those that are not as they should be.
    async fn mend(&self, session: &dyn Session) -> Result<(), Error> {
        let mut result = Ok(());
        for key in self.due() {
            let mended = timeout(self.limit(), self.mend_one(session, &key)).await;
            if let Err(error) =
                mended.unwrap_or_else(|_| Err(late("reading and writing the entry", self.limit())))
            {
                self.failed(&key, &error);
                let is_late = error.kind() == ErrorKind::Deadline;
                result = Err(error);
                // The others would be late as well, each after its time.
                if is_late {
                    break;
                }
            }
        }
        result
    }

    async fn mend_one(&self, session: &dyn Session, key: &Key) -> Result<(), Error> {
        let Some(address) = self.table.lock().rows.get(key).map(|row| row.node.instance().address().clone())
        else {
            return Ok(());
        };
        for _ in 0..MOST_CONFLICTS {
            let held = session.read(&key.0, &address).await?;
            let decided = {
                let table = &mut *self.table.lock();
                let row = table.rows.get_mut(key).filter(|row| row.closing.is_none());
                row.map(|row| row.node.decide(held.as_ref(), &table.mine))
            };
            let Some((action, news)) = decided else {
                return Ok(());
            };
            self.tell(key, news, held.as_ref().map(|held| held.attributes.text()));
            let Action::Put(instance, expected) = action else {
                self.stands(key, None);
                return Ok(());
            };
            if session.put(&key.0, &instance, &expected).await? == Swap::Done {
                self.stands(key, Some(&instance));
                return Ok(());
            }
        }
        Err(quarrel())
    }

    async fn uphold(&self, session: &dyn Session) {
        let mut services: Vec<Arc<str>> = self.table.lock().rows.keys().map(|key| key.0.clone()).collect();
        services.dedup();
        let upheld = timeout(self.limit(), session.uphold(&services)).await;
        if let Err(error) = upheld.unwrap_or_else(|_| Err(late("putting back the parents", self.limit()))) {
            tracing::debug!(registry = %self.registry, "what stands beside the entries was not put back: {error}");
        }
    }

    /// Waits, though no longer than what is being withdrawn has time.
    async fn rest(&self, pause: Duration) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.give_up() => {}
        }
        self.expire_closing();
    }

    /// Ends when the time of something that is being withdrawn is over.
    async fn give_up(&self) {
        loop {
            let over = async {
                match self.first_to_give_up() {
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = over => return,
                () = self.woken.notified() => {}
            }
        }
    }

    fn first_to_give_up(&self) -> Option<Instant> {
        self.table.lock().rows.values().filter_map(|row| row.closing).min()
    }

    fn closing(&self) -> Vec<(Key, Instant)> {
        let table = self.table.lock();
        table.rows.iter().filter_map(|(key, row)| Some((key.clone(), row.closing?))).collect()
    }

    fn due(&self) -> Vec<Key> {
        let table = self.table.lock();
        let due = table.rows.iter().filter(|(_, row)| row.is_due && row.closing.is_none());
        due.map(|(key, _)| key.clone()).collect()
    }

    fn all_due(&self) {
        self.table.lock().rows.values_mut().for_each(|row| row.is_due = true);
    }

    /// Gives up on deletions whose time is over.
    fn expire_closing(&self) {
        let now = Instant::now();
        for (key, until) in self.closing() {
            if until <= now {
                let failure = self.table.lock().rows.get(&key).and_then(|row| row.failure.clone());
                self.closed(&key, Some(failure.unwrap_or_else(|| "the registry did not answer".into())));
            }
        }
    }

    /// An entry stands as it should; `written` if it was written just now.
    fn stands(&self, key: &Key, written: Option<&Instance>) {
        let mut table = self.table.lock();
        let Some(row) = table.rows.get_mut(key) else {
            return;
        };
        row.is_due = false;
        row.failure = None;
        if let Some(instance) = written {
            row.node.written(instance.attributes().clone());
        }
        let is_news = row.progress.send_if_modified(|progress| {
            let is_news = !progress.status.is_registered();
            if is_news {
                progress.status = Status::Registered { since: Instant::now() };
            }
            is_news
        });
        if is_news {
            tracing::info!(registry = %self.registry, service = %key.0, address = %key.1, "registered");
        }
    }

    /// An operation on an entry failed. It stands where it stood; the session tells if it is lost.
    fn failed(&self, key: &Key, error: &Error) {
        let why: Arc<str> = error.to_string().into();
        let mut table = self.table.lock();
        let Some(row) = table.rows.get_mut(key) else {
            return;
        };
        row.note(&why);
        if row.failure.as_ref() != Some(&why) {
            tracing::warn!(registry = %self.registry, service = %key.0, address = %key.1, "cannot be kept in the registry, and is tried again: {why}");
            row.failure = Some(why);
        }
    }

    /// The session is lost, or none could be opened.
    fn lost(&self, error: &Error, was_open: bool) {
        let why: Arc<str> = error.to_string().into();
        let now = Instant::now();
        let mut table = self.table.lock();
        let mut is_news = was_open;
        for row in table.rows.values_mut() {
            row.is_due = true;
            is_news |= row.failure.is_none();
            row.failure = Some(why.clone());
            row.note(&why);
            row.progress.send_if_modified(|progress| {
                let is_news = progress.status.is_registered();
                if is_news {
                    progress.status = Status::Lost { why: why.clone(), since: now };
                }
                is_news
            });
        }
        if is_news && !table.rows.is_empty() {
            let entries = table.rows.len();
            tracing::warn!(registry = %self.registry, entries, "no session with the registry, another one is tried: {why}");
        }
    }

    /// A registration is over.
    fn closed(&self, key: &Key, left_behind: Option<Arc<str>>) {
        let mut table = self.table.lock();
        let Some(row) = table.rows.remove(key) else {
            return;
        };
        match &left_behind {
            None => {
                tracing::info!(registry = %self.registry, service = %key.0, address = %key.1, "withdrawn");
            }
            Some(why) => {
                table.leftovers.insert(key.clone(), row.node.instance().clone());
                tracing::warn!(registry = %self.registry, service = %key.0, address = %key.1, "could not be withdrawn: {why}");
            }
        }
        // Under the lock: no other registration of this key may come in between.
        row.progress.send_replace(Progress { status: Status::Closed, left_behind });
        drop(table);
    }

    fn tell(&self, key: &Key, news: Option<News>, attributes: Option<&str>) {
        let (registry, service, address) = (&*self.registry, &*key.0, &*key.1);
        match news {
            None => {}
            Some(News::Edited) => {
                let attributes = attributes.unwrap_or_default();
                tracing::info!(
                    registry,
                    service,
                    address,
                    attributes,
                    "was edited in the registry, which is kept"
                );
            }
            Some(News::Vanished) => {
                tracing::warn!(registry, service, address, "is gone from the registry, and is put back");
            }
            Some(News::Contested) => tracing::warn!(
                registry,
                service,
                address,
                "another process registers the same address, and has the entry: give each process its own"
            ),
        }
    }

    /// How long one operation may take.
    fn limit(&self) -> Duration {
        (self.settings.ttl / 3).clamp(Duration::from_secs(1), LONGEST_OPERATION)
    }

    /// How long until entries are read back: processes that started together drift apart.
    fn check(&self) -> Duration {
        self.settings.check.mul_f64(0.9 + 0.2 * chance())
    }
}

impl Row {
    /// Says why it is not registered yet, or still not again.
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

impl Ticket {
    pub(crate) fn progress(&self) -> &watch::Receiver<Progress> {
        &self.progress
    }

    /// Begins to withdraw the instance.
    pub(crate) fn close(&self) {
        let mut table = self.writer.table.lock();
        // A row that is closed already may have been replaced by another registration's.
        let is_open = self.progress.borrow().status != Status::Closed;
        if let Some(row) = table.rows.get_mut(&self.key).filter(|_| is_open) {
            row.closing.get_or_insert_with(|| Instant::now() + CLOSED_WITHIN);
        }
        drop(table);
        self.writer.woken.notify_one();
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.close();
    }
}

fn late(what: &str, limit: Duration) -> Error {
    Error::new(ErrorKind::Deadline, format!("{what} took longer than {} ms", limit.as_millis()))
}

fn quarrel() -> Error {
    Error::new(ErrorKind::Unavailable, "somebody else changes the entry again and again")
}
