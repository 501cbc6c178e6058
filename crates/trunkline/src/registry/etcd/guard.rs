//! Watching the keys of a lease: whoever changes or deletes one of them is noticed at once.
//!
//! Only these keys are watched, one watch each on one stream: the tree above them changes with
//! every server of the fleet.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::Etcd;
use super::client::Watch;
use super::cluster::Member;
use super::lease::Pulse;
use super::wire::{Event, EventType, WatchCreateRequest};
use crate::error::Error;

const GUARDING: &str = "watching the keys of the lease";

/// The pauses between attempts to watch.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The keys of a lease, with the values that it wrote last.
#[derive(Default)]
pub(super) struct Own {
    keys: Mutex<BTreeMap<String, String>>,
    /// There is a new key.
    added: Notify,
    /// Somebody else was at one of the keys, or may have been.
    pub(super) disturbed: Notify,
    /// The lease is gone, as far as a writer was told.
    pub(super) doubted: Notify,
}

impl Own {
    /// Notes what is about to be written, and returns what stood there before.
    pub(super) fn insert(&self, key: &str, value: &str) -> Option<String> {
        let before = self.keys.lock().insert(key.to_owned(), value.to_owned());
        if before.is_none() {
            self.added.notify_one();
        }
        before
    }

    pub(super) fn remove(&self, key: &str) -> Option<String> {
        self.keys.lock().remove(key)
    }

    /// Notes that nothing was written.
    pub(super) fn restore(&self, key: &str, before: Option<String>) {
        let mut keys = self.keys.lock();
        match before {
            Some(value) => keys.insert(key.to_owned(), value),
            None => keys.remove(key),
        };
    }

    fn keys(&self) -> Vec<String> {
        self.keys.lock().keys().cloned().collect()
    }

    /// Whether an event is somebody else's doing.
    fn is_foreign(&self, event: &Event, lease: i64) -> bool {
        let Some(kv) = &event.kv else { return false };
        let keys = self.keys.lock();
        let Some(value) = std::str::from_utf8(&kv.key).ok().and_then(|key| keys.get(key)) else {
            return false;
        };
        event.r#type() == EventType::Delete || kv.lease != lease || kv.value != value.as_bytes()
    }
}

/// Watches the keys until it is aborted. Without it, changes are noticed when the keys are read
/// back, so that its failures are nobody else's concern.
pub(super) async fn watch(etcd: Arc<Etcd>, pulse: Arc<Pulse>, own: Arc<Own>) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let keys = own.keys();
        if keys.is_empty() {
            tokio::select! {
                () = own.added.notified() => {}
                () = own.doubted.notified() => pulse.doubt.notify_one(),
            }
            continue;
        }
        let watched = tokio::select! {
            watched = watch_keys(&etcd, &pulse, &own, keys, &mut pause) => watched,
            () = own.doubted.notified() => {
                pulse.doubt.notify_one();
                continue;
            }
        };
        if let Err(e) = watched {
            tracing::debug!(error = %e, "the keys of the lease are not watched");
        }
        // A connection that breaks may mean that the lease is gone too.
        pulse.doubt.notify_one();
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn watch_keys(
    etcd: &Etcd,
    pulse: &Pulse,
    own: &Own,
    keys: Vec<String>,
    pause: &mut Duration,
) -> Result<(), Error> {
    let mut keys = keys.into_iter();
    let first = keys.next().unwrap_or_default();
    let (mut stream, member) = etcd
        .cluster
        .call_member(GUARDING, |client| {
            let first = &*first;
            Box::pin(async move { client.watch(WatchCreateRequest::key(first)).await })
        })
        .await?;
    let mut watched = vec![first];
    for key in keys {
        add(etcd, &member, &stream, &mut watched, key).await?;
    }
    loop {
        tokio::select! {
            message = stream.message() => {
                let message = match message {
                    Ok(Some(message)) if !message.canceled => message,
                    Ok(Some(message)) => {
                        return Err(etcd.cluster.ended(&member, GUARDING, &message.cancel_reason));
                    }
                    Ok(None) => return Err(etcd.cluster.ended(&member, GUARDING, "has closed the stream")),
                    Err(e) => return etcd.cluster.ask(&member, GUARDING, async { Err(e) }).await,
                };
                *pause = SHORTEST_PAUSE;
                let mut foreign = message.events.iter().filter(|event| own.is_foreign(event, pulse.id));
                // What happened before this key was watched is not told.
                if message.created {
                    own.disturbed.notify_one();
                }
                if let Some(event) = foreign.next() {
                    own.disturbed.notify_one();
                    if event.r#type() == EventType::Delete {
                        pulse.doubt.notify_one();
                    }
                }
            }
            () = own.added.notified() => {
                for key in own.keys() {
                    if !watched.contains(&key) {
                        add(etcd, &member, &stream, &mut watched, key).await?;
                    }
                }
            }
        }
    }
}

async fn add(
    etcd: &Etcd,
    member: &Member,
    stream: &Watch,
    watched: &mut Vec<String>,
    key: String,
) -> Result<(), Error> {
    etcd.cluster.ask(member, GUARDING, stream.add(WatchCreateRequest::key(&key))).await?;
    watched.push(key);
    Ok(())
}
