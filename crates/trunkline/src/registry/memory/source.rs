//! Reading: a list at a revision, then the events after it.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::store::{Condition, State, Store};
use crate::error::{Error, ErrorKind};
use crate::registry::{Attributes, Instance, Report, Source};
use crate::transport::BoxFuture;

/// How often a reader asks how far it should have come.
const PROGRESS: Duration = Duration::from_secs(1);
/// How long a registry may be silent before its readers give up on the stream.
const SILENCE: Duration = Duration::from_secs(5);

impl Source for Store {
    fn follow<'a>(&'a self, service: &'a str, report: &'a Report) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let mut ticks = self.ticks();
            let (mut list, mut revision, epoch) =
                self.ask(|state| (list_of(state, service), state.revision, state.epoch)).await?;
            report.list(instances(&list));
            let mut heard = Instant::now();
            loop {
                let now = Instant::now();
                // What is frozen may hold sessions whose time is over already.
                let expiry = self.lock().next_expiry().filter(|at| *at > now);
                let next = expiry.unwrap_or(now + PROGRESS).min(now + PROGRESS);
                tokio::select! {
                    biased;
                    _ = ticks.changed() => {}
                    () = sleep_until(next) => {}
                }
                let (condition, now_epoch, events, latest) = {
                    let state = self.lock();
                    (state.condition, state.epoch, state.events_after(revision), state.revision)
                };
                match condition {
                    _ if now_epoch != epoch => return broken("the registry in memory ended the stream"),
                    Condition::Up => heard = Instant::now(),
                    Condition::Down => return broken("the registry in memory was stopped by a test"),
                    Condition::Frozen if heard.elapsed() < SILENCE => continue,
                    Condition::Frozen => return broken("the registry in memory is silent"),
                }
                let Some(events) = events else {
                    return broken("the registry in memory has forgotten what happened next");
                };

                let (mut is_changed, mut deliberate) = (false, true);
                for event in events {
                    if event.revision <= revision {
                        continue;
                    }
                    if event.revision > revision + 1 {
                        return broken("events of the registry in memory are missing");
                    }
                    revision = event.revision;
                    if event.key.0 != service {
                        continue;
                    }
                    is_changed = true;
                    match event.text {
                        Some(text) => drop(list.insert(event.key.1, text)),
                        None => {
                            list.remove(&event.key.1);
                            deliberate &= event.deliberate;
                        }
                    }
                }
                if revision < latest {
                    return broken("events of the registry in memory are missing");
                }
                if is_changed && deliberate {
                    report.list_deliberate(instances(&list));
                } else if is_changed {
                    report.list(instances(&list));
                }
            }
        })
    }
}

/// Address and attributes as they stand there.
type List = BTreeMap<String, String>;

fn list_of(state: &State, service: &str) -> List {
    let its = state.entries.iter().filter(|(key, _)| key.0 == service);
    its.map(|(key, value)| (key.1.clone(), value.text.clone())).collect()
}

fn instances(list: &List) -> Vec<Instance> {
    list.iter()
        .filter_map(|(address, text)| Some(Instance::new(address.parse().ok()?, Attributes::parse(text))))
        .collect()
}

fn broken(why: &'static str) -> Result<(), Error> {
    Err(Error::new(ErrorKind::Unavailable, why))
}
