//! Reading: a service's keys are listed, and watched from the next revision on.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::wire::{
    Event, EventType, KeyValue, RangeRequest, RangeResponse, WatchCreateRequest, WatchResponse,
};
use super::{Etcd, layout};
use crate::error::Error;
use crate::registry::{Instance, Report, Source};
use crate::transport::BoxFuture;

/// How often the registry is asked whether the watch has missed something.
const PROBE: Duration = Duration::from_secs(30);

/// How long the watch may then take to deliver what is missing.
const DELIVERY: Duration = Duration::from_secs(3);

const WATCHING: &str = "watching";

impl Source for Etcd {
    fn follow<'a>(&'a self, service: &'a str, report: &'a Report) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.follow_keys(service, report))
    }
}

impl Etcd {
    async fn follow_keys(&self, service: &str, report: &Report) -> Result<(), Error> {
        let prefix = self.layout.instances(service)?;
        let (listed, member) = self
            .cluster
            .call_member("listing", |client| {
                let prefix = &*prefix;
                Box::pin(async move { client.range(RangeRequest::prefix(prefix)).await })
            })
            .await?;
        let mut view = View::new(prefix, &listed);
        report.list(view.instances());

        let watch = WatchCreateRequest {
            // What changed between the list and the watch is delivered.
            start_revision: view.revision + 1,
            progress_notify: true,
            fragment: true,
            ..WatchCreateRequest::prefix(&view.prefix)
        };
        let open = member.client.watch(watch);
        let mut stream = self.cluster.ask(&member, WATCHING, open).await?;
        let mut next_probe = Instant::now() + PROBE;
        let mut missing = false;
        loop {
            tokio::select! {
                message = stream.message() => {
                    let message = match message {
                        Ok(Some(message)) => message,
                        Ok(None) => {
                            self.cluster.leave(&member).await;
                            return Err(self.cluster.ended(&member, WATCHING, "has closed the stream"));
                        }
                        Err(e) => return self.cluster.ask(&member, WATCHING, async { Err(e) }).await,
                    };
                    if let Err(why) = view.take(&message) {
                        return Err(self.cluster.ended(&member, WATCHING, &why));
                    }
                    if !message.events.is_empty() {
                        report.list(view.instances());
                    }
                    (missing, next_probe) = (false, Instant::now() + PROBE);
                }
                () = sleep_until(next_probe) => {
                    if missing {
                        self.cluster.leave(&member).await;
                        let why = "does not deliver changes to the watch";
                        return Err(self.cluster.ended(&member, WATCHING, why));
                    }
                    let newer = RangeRequest::prefix(&view.prefix)
                        .changed_since(view.revision + 1)
                        .keys_only();
                    let probe = member.client.range(newer);
                    let probe = self.cluster.ask(&member, WATCHING, probe).await?;
                    missing = view.misses(&probe);
                    next_probe = Instant::now() + if missing { DELIVERY } else { PROBE };
                }
            }
        }
    }
}

/// What stands below a prefix, as far as it is known.
struct View {
    prefix: String,
    /// The revision of the last change that is in here.
    revision: i64,
    /// By key; none where it is no instance.
    entries: BTreeMap<Vec<u8>, Option<Instance>>,
}

impl View {
    fn new(prefix: String, listed: &RangeResponse) -> Self {
        let revision = listed.header.as_ref().map_or(0, |header| header.revision);
        let mut view = Self { prefix, revision, entries: BTreeMap::new() };
        for kv in &listed.kvs {
            view.put(kv);
        }
        view
    }

    fn instances(&self) -> impl Iterator<Item = Instance> {
        self.entries.values().flatten().cloned()
    }

    /// Takes what the watch says.
    fn take(&mut self, message: &WatchResponse) -> Result<(), String> {
        if message.compact_revision != 0 {
            return Err(format!(
                "has compacted its history up to revision {}, so what happened since {} is unknown",
                message.compact_revision, self.revision
            ));
        }
        if message.canceled {
            return Err(format!("has cancelled the watch: {}", message.cancel_reason));
        }
        // A store that was wiped begins anew, and would be silent until it has caught up.
        if message.header.as_ref().is_some_and(|header| header.revision < self.revision) {
            return Err("knows less than was listed: its store was replaced, or it has fallen behind".into());
        }
        for event in &message.events {
            self.apply(event);
        }
        Ok(())
    }

    fn apply(&mut self, event: &Event) {
        let Some(kv) = &event.kv else { return };
        match event.r#type() {
            EventType::Put => self.put(kv),
            EventType::Delete => {
                self.entries.remove(&kv.key);
            }
        }
        self.revision = self.revision.max(kv.mod_revision);
    }

    fn put(&mut self, kv: &KeyValue) {
        let instance = layout::decode(&self.prefix, &kv.key, &kv.value);
        if instance.is_none() {
            tracing::debug!(key = %String::from_utf8_lossy(&kv.key), "the key stands for no instance");
        }
        self.entries.insert(kv.key.clone(), instance);
    }

    /// Whether the registry has changes that are not in here. The count is that of all keys, the
    /// keys are those that changed since.
    fn misses(&self, probe: &RangeResponse) -> bool {
        !probe.kvs.is_empty()
            || usize::try_from(probe.count) != Ok(self.entries.len())
            || probe.header.as_ref().is_some_and(|header| header.revision < self.revision)
    }
}
