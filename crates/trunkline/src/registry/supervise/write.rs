//! Keeps what is registered in the registry: one task, for as long as anything is registered,
//! holds a session, compares what should stand there with what it reads back, and mends it.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::backoff::{Backoff, chance};
use super::node::{Action, News, Node};
use super::table::{Key, Next, Table};
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

/// What is registered in one registry, and the task that keeps it there.
pub(crate) struct Writer {
    registry: Arc<str>,
    sessions: Arc<dyn Sessions>,
    settings: Settings,
    table: Mutex<Table>,
    /// Told when something is registered or withdrawn.
    woken: Notify,
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
        let progress = table.add(&key, instance);
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
        while !self.table.lock().is_done() {
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

    async fn open(&self) -> Result<Arc<dyn Session>, Error> {
        let opening = timeout(LONGEST_OPENING, self.sessions.open(self.settings.ttl));
        let session = tokio::select! {
            opened = opening => opened.unwrap_or_else(|_| Err(late("opening a session", LONGEST_OPENING)))?,
            () = self.give_up() => return Err(Error::new(ErrorKind::Cancelled, "everything was withdrawn")),
        };
        let mut table = self.table.lock();
        table.mine.opened(session.id());
        table.all_due();
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
                    let next = self.table.lock().what_is_next();
                    match next {
                        Next::End => return None,
                        Next::Work => continue,
                        Next::Wait => check,
                    }
                }
                Err(_) => check.min(Instant::now() + backoff.pause(Instant::now(), None)),
            };
            let again = self.table.lock().first_to_give_up().map_or(again, |at| at.min(again));
            tokio::select! {
                biased;
                why = session.lost() => return Some(why),
                () = self.woken.notified() => {}
                () = session.disturbed() => self.table.lock().all_due(),
                () = sleep_until(again) => {
                    if check <= Instant::now() {
                        check = Instant::now() + self.check();
                        self.table.lock().all_due();
                    }
                }
            }
        }
    }

    /// Deletes the entries of what is being withdrawn.
    async fn withdraw(&self, session: &dyn Session) -> Result<(), Error> {
        let mut result = Ok(());
        let closing = self.table.lock().closing();
        for (key, until) in closing {
            let Some(instance) = self.table.lock().instance(&key) else {
                continue;
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
        let due = self.table.lock().due();
        for key in due {
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
        let Some(own) = self.table.lock().instance(key) else {
            return Ok(());
        };
        for _ in 0..MOST_CONFLICTS {
            let held = session.read(&key.0, own.address()).await?;
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
        let services = self.table.lock().services();
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
                let first = self.table.lock().first_to_give_up();
                match first {
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

    /// Gives up on deletions whose time is over.
    fn expire_closing(&self) {
        let now = Instant::now();
        let closing = self.table.lock().closing();
        for (key, until) in closing {
            if until <= now {
                let failure = self.table.lock().rows.get(&key).and_then(|row| row.failure.clone());
                self.closed(&key, Some(failure.unwrap_or_else(|| "the registry did not answer".into())));
            }
        }
    }

    fn stands(&self, key: &Key, written: Option<&Instance>) {
        let is_news = self.table.lock().stands(key, written);
        if is_news {
            tracing::info!(registry = %self.registry, service = %key.0, address = %key.1, "registered");
        }
    }

    fn failed(&self, key: &Key, error: &Error) {
        let why: Arc<str> = error.to_string().into();
        let is_news = self.table.lock().failed(key, &why);
        if is_news {
            let (service, address) = (&*key.0, &*key.1);
            tracing::warn!(registry = %self.registry, service, address, "cannot be kept in the registry, and is tried again: {why}");
        }
    }

    fn lost(&self, error: &Error, was_open: bool) {
        let why: Arc<str> = error.to_string().into();
        let news = self.table.lock().lost(&why, was_open);
        if let Some(entries) = news {
            tracing::warn!(registry = %self.registry, entries, "no session with the registry, another one is tried: {why}");
        }
    }

    fn closed(&self, key: &Key, left_behind: Option<Arc<str>>) {
        let was_there = self.table.lock().closed(key, left_behind.clone());
        let (service, address) = (&*key.0, &*key.1);
        match left_behind.filter(|_| was_there) {
            None if was_there => tracing::info!(registry = %self.registry, service, address, "withdrawn"),
            None => {}
            Some(why) => {
                tracing::warn!(registry = %self.registry, service, address, "could not be withdrawn: {why}");
            }
        }
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
