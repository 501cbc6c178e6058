//! Follows services in a registry: one task for each that is watched, for ever, whatever happens.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::backoff::Backoff;
use super::belief::{Belief, Change, Condition};
use super::unbroken::unbroken;
use crate::chance::Random;
use crate::error::Error;
use crate::registry::last_good::LastGood;
use crate::registry::{Listing, Report, Resolver, Settings, Snapshot, Source, Trust, Watch, name};

/// A source that says nothing for so long after it was asked is asked again.
const FIRST_LIST: Duration = Duration::from_secs(10);

/// A registry that is followed: one watch for each service, shared by all who ask. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Followed(Arc<Inner>);

struct Inner {
    registry: Arc<str>,
    source: Arc<dyn Source>,
    settings: Settings,
    services: Mutex<HashMap<Arc<str>, Arc<Line>>>,
}

/// What is known of one service.
struct Line {
    registry: Arc<str>,
    service: Arc<str>,
    state: Mutex<State>,
    sender: watch::Sender<Snapshot>,
    /// Told when the deadline of the belief may have moved.
    moved: Notify,
    last_good: Option<LastGood>,
}

struct State {
    belief: Belief,
    /// When the attempt that runs brought its first list.
    heard: Option<Instant>,
}

impl Followed {
    pub(crate) fn new(registry: Arc<str>, source: Arc<dyn Source>, settings: Settings) -> Self {
        Self(Arc::new(Inner { registry, source, settings, services: Mutex::default() }))
    }
}

impl Resolver for Followed {
    fn watch(&self, service: &str) -> Watch {
        if let Err(error) = name::check(service) {
            let trust = Trust::Stale { since: Instant::now(), why: error.message().into() };
            return Watch::new(watch::channel(Snapshot::new([], trust)).1);
        }
        let mut services = self.0.services.lock();
        if let Some(line) = services.get(service) {
            return Watch::new(line.sender.subscribe());
        }
        let service: Arc<str> = service.into();
        let (sender, receiver) = watch::channel(Snapshot::waiting());
        let folder = self.0.settings.last_good.as_deref();
        let line = Arc::new(Line {
            registry: self.0.registry.clone(),
            service: service.clone(),
            state: Mutex::new(State { belief: Belief::new(self.0.settings.grace), heard: None }),
            sender,
            moved: Notify::new(),
            last_good: folder.map(|folder| LastGood::new(folder, &service)),
        });
        services.insert(service, line.clone());
        drop(services);
        let followed = self.clone();
        tokio::spawn(async move { unbroken(&line.registry, || followed.clone().run(line.clone())).await });
        Watch::new(receiver)
    }

    fn describe(&self) -> String {
        self.0.registry.to_string()
    }
}

impl Followed {
    /// Ends when nobody watches the service any more.
    async fn run(self, line: Arc<Line>) {
        if let Some(instances) = line.read_last_good().await {
            line.apply(|belief, now| belief.remembered(now, instances));
        }
        tokio::select! {
            biased;
            () = self.unwatched(&line) => {}
            () = line.keep_time() => {}
            () = line.save_last_good() => {}
            () = self.follow(&line) => {}
        }
    }

    async fn unwatched(&self, line: &Line) {
        loop {
            line.sender.closed().await;
            // Whoever asks for the service holds this lock, and finds the line or makes another.
            let mut services = self.0.services.lock();
            if line.sender.receiver_count() == 0 {
                services.remove(&line.service);
                return;
            }
        }
    }

    async fn follow(&self, line: &Arc<Line>) {
        let hearing = line.clone();
        let report = Report::new(move |listing| hearing.listed(listing));
        let mut backoff = Backoff::drawing(Random::for_use(self.0.settings.seed, &line.service));
        loop {
            line.state.lock().heard = None;
            let ended = tokio::select! {
                biased;
                ended = self.0.source.follow(&line.service, &report) => ended,
                () = line.not_heard() => Err(Error::new(
                    crate::error::ErrorKind::Deadline,
                    format!("no list within {} s", FIRST_LIST.as_secs()),
                )),
            };
            let why = match ended {
                Ok(()) => "the registry ended the watch".to_owned(),
                Err(error) => error.to_string(),
            };
            line.apply(|belief, now| belief.failed(now, &why));
            let now = Instant::now();
            let worked_for = line.state.lock().heard.map(|at| now.duration_since(at));
            let pause = backoff.pause(now, worked_for);
            tracing::debug!(registry = %line.registry, service = %line.service, ?pause, "follows again: {why}");
            tokio::time::sleep(pause).await;
        }
    }
}

impl Line {
    fn listed(&self, listing: Listing) {
        self.apply_to(|state, now| {
            state.heard.get_or_insert(now);
            state.belief.listed(now, listing)
        });
    }

    fn apply(&self, event: impl FnOnce(&mut Belief, Instant) -> Change) {
        self.apply_to(|state, now| event(&mut state.belief, now));
    }

    /// Lets something happen and publishes what comes of it, in this order whoever else does the
    /// same.
    fn apply_to(&self, event: impl FnOnce(&mut State, Instant) -> Change) {
        let mut state = self.state.lock();
        let change = event(&mut state, Instant::now());
        if let Some(snapshot) = &change.snapshot {
            if let Some(last_good) = &self.last_good
                && *snapshot.trust() == Trust::Fresh
            {
                last_good.note(snapshot.instances());
            }
            self.sender.send_replace(snapshot.clone());
        }
        drop(state);
        self.tell(&change);
        self.moved.notify_one();
    }

    /// One line in the log for each change of state, none for each failure.
    fn tell(&self, change: &Change) {
        let (registry, service) = (&*self.registry, &*self.service);
        if change.emptied {
            tracing::warn!(registry, service, "the service has no instances any more");
        }
        let Some(condition) = change.condition else {
            return;
        };
        let snapshot = change.snapshot.as_ref();
        let count = snapshot.map_or(0, |snapshot| snapshot.instances().len());
        let why = match snapshot.map(Snapshot::trust) {
            Some(Trust::Stale { why, .. }) => why,
            _ => "",
        };
        match condition {
            Condition::Waiting => {}
            Condition::FromFile => {
                tracing::info!(registry, service, count, "uses the list of an earlier run");
            }
            Condition::Silent => {
                tracing::warn!(
                    registry,
                    service,
                    count,
                    "the registry is not heard, the last list is kept: {why}"
                );
            }
            Condition::Holding => {
                tracing::warn!(registry, service, count, "instances are kept for a grace time: {why}");
            }
            Condition::Fresh => tracing::info!(registry, service, count, "the list is the registry's"),
        }
    }

    /// Lets time pass for the belief, when it has an effect.
    async fn keep_time(&self) {
        loop {
            let deadline = self.state.lock().belief.deadline();
            let due = async {
                match deadline {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = due => self.apply(Belief::passed),
                () = self.moved.notified() => {}
            }
        }
    }

    /// Ends when the attempt that runs has not brought a list in time.
    async fn not_heard(&self) {
        tokio::time::sleep(FIRST_LIST).await;
        if self.state.lock().heard.is_some() {
            std::future::pending::<()>().await;
        }
    }

    async fn read_last_good(&self) -> Option<Vec<crate::registry::Instance>> {
        self.last_good.as_ref()?.read(&self.registry).await
    }

    /// Keeps the file up to date.
    async fn save_last_good(&self) {
        let Some(last_good) = &self.last_good else {
            return std::future::pending().await;
        };
        last_good.keep(&self.registry).await;
    }
}

impl fmt::Debug for Followed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Followed").field("registry", &self.0.registry).finish_non_exhaustive()
    }
}
