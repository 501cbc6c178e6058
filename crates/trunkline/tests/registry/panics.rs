//! A back end that panics is a defect, and no reason for a client to freeze or a server to vanish.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use trunkline::Error;
use trunkline::registry::{MemoryRegistry, Registry, Report, Session, Sessions, Source};
use trunkline::transport::BoxFuture;

use crate::suite::{instance, until_list, watch};

/// Panics the first two times.
#[derive(Default)]
struct Flawed(AtomicUsize);

impl Flawed {
    fn trip(&self) {
        assert!(self.0.fetch_add(1, Ordering::SeqCst) >= 2, "a flaw of the back end");
    }
}

impl Source for Flawed {
    fn follow<'a>(&'a self, _: &'a str, report: &'a Report) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async {
            self.trip();
            report.list([instance("tcp@10.0.0.1:1")]);
            std::future::pending().await
        })
    }
}

struct FlawedSessions(Flawed, Arc<dyn Sessions>);

impl Sessions for FlawedSessions {
    fn open(&self, ttl: Duration) -> BoxFuture<'_, Result<Arc<dyn Session>, Error>> {
        Box::pin(async move {
            self.0.trip();
            self.1.open(ttl).await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_panics_is_started_again() {
    let registry = Registry::new("flawed").reads(Arc::new(Flawed::default()));
    until_list(&mut watch(&registry, "Arith"), Duration::from_secs(30), &["tcp@10.0.0.1:1"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_panics_is_started_again() {
    let inner = MemoryRegistry::new().registry().sessions().unwrap();
    let registry = Registry::new("flawed").writes(Arc::new(FlawedSessions(Flawed::default(), inner)));
    let registration = registry.registrar().unwrap().register("Arith", instance("tcp@10.0.0.1:1")).unwrap();
    tokio::time::timeout(Duration::from_secs(30), registration.registered()).await.unwrap().unwrap();
}
