//! What every back end has to pass: conformance and chaos, as functions over a `Subject`.
//!
//! A back end runs all of it by `every_back_end!(#[tokio::test] subject().await)` in a file of its
//! own. Time is taken from `Subject::settings`, so that the same stories run on paused time and
//! against a real registry.

mod conformance;
mod contested;
mod outages;
mod witness;

use std::time::Duration;

use trunkline::registry::{Attributes, Catalog, Entry, Instance, Registry, Settings, Snapshot, Swap, Watch};

pub(crate) use conformance::*;
pub(crate) use contested::*;
pub(crate) use outages::*;
pub(crate) use witness::Witness;

/// A registry that the suite may do anything to.
pub(crate) trait Subject: Sync {
    /// Times that suit it: `ttl` and `grace` a few seconds or more, `check` below both.
    fn settings(&self) -> Settings;

    /// The registry as one process opens it: with a session and watches of its own.
    fn open_with(&self, settings: Settings) -> Registry;

    /// Stops it; it keeps what it holds.
    async fn stop(&self);

    /// Starts it again.
    async fn start(&self);

    /// It loses all that it holds, and runs afterwards.
    async fn wipe(&self);

    /// It does not answer any more and does not hang up.
    async fn freeze(&self);

    /// Ends that.
    async fn thaw(&self);

    /// Ends the sessions of everybody, and what lives under them.
    async fn expire_sessions(&self);

    /// Breaks the streams of readers.
    async fn cut_streams(&self);

    /// Puts what is none of ours beside the entries of a service: what no address is, what lies
    /// deeper, what does not parse.
    async fn junk(&self, service: &str);

    /// From now on events get to readers twice, in another order, or not at all, where the registry
    /// may be made to do so.
    fn disorder(&self) {}

    /// One process more.
    fn open(&self) -> Registry {
        self.open_with(self.settings())
    }
}

/// How long anything may take that needs no grace time: an operation, a retry in the first minute,
/// a read-back, a lost session.
pub(crate) fn soon(subject: &impl Subject) -> Duration {
    let settings = subject.settings();
    settings.ttl * 2 + settings.check * 2 + Duration::from_secs(20)
}

/// How long anything may take that does.
pub(crate) fn late(subject: &impl Subject) -> Duration {
    soon(subject) + subject.settings().grace * 2
}

pub(crate) fn instance(text: &str) -> Instance {
    text.parse().unwrap()
}

pub(crate) fn watch(registry: &Registry, service: &str) -> Watch {
    registry.resolver().unwrap().watch(service)
}

/// The list as text, figures of Go servers aside.
pub(crate) fn texts(snapshot: &Snapshot) -> Vec<String> {
    snapshot.instances().iter().map(ToString::to_string).collect()
}

/// Waits until a list is as wanted.
pub(crate) async fn until(
    watch: &mut Watch,
    limit: Duration,
    wanted: impl Fn(&Snapshot) -> bool,
) -> Snapshot {
    let mut snapshot = watch.current();
    let waiting = async {
        while !wanted(&snapshot) {
            snapshot = watch.changed().await.expect("the registry is followed for ever");
        }
    };
    if tokio::time::timeout(limit, waiting).await.is_err() {
        panic!("after {limit:?} the list is still {snapshot:?}");
    }
    snapshot
}

/// Waits until a list is this one.
pub(crate) async fn until_list(watch: &mut Watch, limit: Duration, wanted: &[&str]) {
    until(watch, limit, |snapshot| texts(snapshot) == wanted).await;
}

/// Waits until the registry itself holds what is wanted.
pub(crate) async fn until_held(
    catalog: &dyn Catalog,
    service: &str,
    limit: Duration,
    wanted: impl Fn(&[Entry]) -> bool,
) -> Vec<Entry> {
    let start = tokio::time::Instant::now();
    loop {
        let held = catalog.instances(service).await;
        if let Ok(entries) = &held
            && wanted(entries)
        {
            return held.unwrap();
        }
        assert!(start.elapsed() < limit, "after {limit:?} the registry still holds {held:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Edits the one entry of a service, as a console does.
pub(crate) async fn edit(registry: &Registry, service: &str, change: impl Fn(&mut Attributes)) {
    let catalog = registry.catalog().unwrap();
    for _ in 0..50 {
        let entry = catalog.instances(service).await.unwrap().remove(0);
        let mut attributes = entry.instance.attributes().clone();
        change(&mut attributes);
        let edited = catalog.edit(service, entry.instance.address(), &attributes, &entry.version).await;
        if edited.unwrap() == Swap::Done {
            return;
        }
    }
    panic!("the entry of {service} changes too fast to be edited");
}

/// Runs the whole suite over a subject, as tests of these attributes.
macro_rules! every_back_end {
    (#[$test:meta] $subject:expr) => {
        every_back_end! { @list #[$test] $subject;
            a_registered_instance_is_seen_until_it_is_withdrawn
            edits_are_seen_and_kept
            an_edit_while_the_entry_is_read_back_is_never_lost
            a_deleted_entry_is_put_back
            services_are_told_apart
            names_that_mean_something_elsewhere_are_just_names
            junk_beside_the_entries_is_left_out
            attributes_are_kept_to_the_byte
            what_does_not_parse_spoils_nothing_else
            two_hundred_servers_at_once
            the_catalog_compares_before_it_swaps
            changes_from_the_first_moment_are_seen
            a_restart_with_data_kept
            a_store_that_lost_everything
            a_lost_session
            a_frozen_registry
            streams_that_break_again_and_again
            events_out_of_order
            a_registry_that_is_down_at_the_start
            closing_while_the_registry_is_down
            the_last_instance_goes
            two_processes_with_one_address
            an_operators_state_outlives_a_restart_and_not_a_stop
        }
    };
    (@list #[$test:meta] $subject:expr; $($name:ident)*) => {
        $(
            #[$test]
            async fn $name() {
                crate::suite::$name(&$subject).await;
            }
        )*
    };
}
