//! Registries in etcd, against a real etcd that each test starts for itself.
//!
//! Where there is no etcd these tests say so and pass; with CI=true they fail.

#![allow(clippy::unwrap_used, reason = "what a test sets up either works or fails the test")]

// What every back end has to pass is in `suite.rs`; some of its tools are of use here.
#[allow(dead_code, unused_imports, unused_macros, reason = "the suite is run by its own binary")]
#[path = "../registry/suite/mod.rs"]
mod suite;

mod access;
#[allow(dead_code, reason = "shared with the other binary")]
mod proxy;
mod reading;
#[allow(dead_code, reason = "shared with the other binary")]
mod server;
mod writing;

use std::time::Duration;

use trunkline::registry::{Registry, Snapshot, Watch};

/// Waits for a list that a test wants, and says what there was instead.
async fn list(watch: &mut Watch, wanted: &[&str]) -> Snapshot {
    list_within(watch, Duration::from_secs(20), wanted).await
}

async fn list_within(watch: &mut Watch, limit: Duration, wanted: &[&str]) -> Snapshot {
    let mut last = watch.current();
    let found = tokio::time::timeout(limit, async {
        while texts(&last) != wanted {
            last = watch.changed().await.expect("the registry is followed");
        }
    });
    match found.await {
        Ok(()) => last,
        Err(_) => panic!("expected {wanted:?} within {limit:?}, found {:?}", watch.current()),
    }
}

fn texts(snapshot: &Snapshot) -> Vec<String> {
    snapshot.instances().iter().map(ToString::to_string).collect()
}

/// Follows a service, believing the registry at once.
fn follow(url: &str, service: &str) -> Watch {
    Registry::open(url).unwrap().resolver().unwrap().watch(service)
}
