//! What programs see of a registry: shared watches, and how it stands with a registration.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::sleep;
use trunkline::Error;
use trunkline::registry::{MemoryRegistry, Registry, Report, Settings, Source, Status, Trust, Watch};
use trunkline::transport::BoxFuture;

use crate::suite::{instance, register, until_list, watch};

/// Counts who follows.
#[derive(Default)]
struct Counting {
    now: AtomicUsize,
    ever: AtomicUsize,
}

impl Source for Counting {
    fn follow<'a>(&'a self, _: &'a str, report: &'a Report) -> BoxFuture<'a, Result<(), Error>> {
        struct Leaving<'a>(&'a AtomicUsize);
        impl Drop for Leaving<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        Box::pin(async {
            self.ever.fetch_add(1, Ordering::SeqCst);
            self.now.fetch_add(1, Ordering::SeqCst);
            let _leaving = Leaving(&self.now);
            report.list([instance("tcp@10.0.0.1:1")]);
            std::future::pending().await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_is_followed_once_however_many_watch_it() {
    let source = Arc::new(Counting::default());
    let registry = Registry::new("counting").reads(source.clone());
    let mut watches: Vec<Watch> = (0..10).map(|_| watch(&registry.clone(), "Arith")).collect();
    until_list(&mut watches[9], Duration::from_secs(1), &["tcp@10.0.0.1:1"]).await;
    assert_eq!(source.now.load(Ordering::SeqCst), 1);
    let other = watch(&registry, "Math");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(source.now.load(Ordering::SeqCst), 2);

    // When nobody watches, nobody follows; who comes later is served again.
    watches.truncate(1);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(source.now.load(Ordering::SeqCst), 2);
    drop((watches, other));
    sleep(Duration::from_secs(1)).await;
    assert_eq!((source.now.load(Ordering::SeqCst), source.ever.load(Ordering::SeqCst)), (0, 2));
    until_list(&mut watch(&registry, "Arith"), Duration::from_secs(1), &["tcp@10.0.0.1:1"]).await;
}

/// Lists once and never says anything again, or never says anything.
struct Mute;

impl Source for Mute {
    fn follow<'a>(&'a self, _: &'a str, _: &'a Report) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_never_lists_is_given_up() {
    let mut watch = watch(&Registry::new("mute").reads(Arc::new(Mute)), "Arith");
    assert_eq!(*watch.current().trust(), Trust::Waiting);
    let snapshot = watch.changed().await.unwrap();
    let Trust::Stale { why, .. } = snapshot.trust() else { panic!("{snapshot:?}") };
    assert!(why.contains("no list within 10 s"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn a_registration_says_how_it_stands() {
    let registry = MemoryRegistry::new();
    registry.faults().stop();
    let registrar = registry.registry().registrar().unwrap();
    let registration = registrar.register("Arith", instance("tcp@10.0.0.1:1")).unwrap();
    let mut status = registration.watch();
    assert_eq!(status.current(), Status::Registering { why: None });
    let Some(Status::Registering { why: Some(why) }) = status.changed().await else {
        panic!("{registration:?}")
    };
    assert!(why.contains("was stopped"), "{why}");

    registry.faults().start();
    assert!(status.changed().await.unwrap().is_registered());
    registry.faults().expire_sessions();
    let Some(Status::Lost { why, .. }) = status.changed().await else { panic!("{registration:?}") };
    assert!(why.contains("does not know the session"), "{why}");
    assert!(status.changed().await.unwrap().is_registered());

    registration.close().await.unwrap();
    assert_eq!(status.changed().await, Some(Status::Closed));
    assert_eq!(status.changed().await, None);
    assert!(registration.registered().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_registered_is_refused_at_once() {
    let registry = MemoryRegistry::new();
    let registrar = registry.registry().registrar().unwrap();
    let refused =
        |service: &str, text: &str| registrar.register(service, instance(text)).unwrap_err().to_string();
    assert!(refused("Arith", "tcp@0.0.0.0:8972").contains("advertise"));
    assert!(refused("Arith", "tcp@10.0.0.1:0").contains("port is 0"));
    let _registration = registrar.register("Arith", instance("tcp@127.0.0.1:1")).expect("memory is local");
    assert!(refused("Arith", "tcp@127.0.0.1:1").contains("is registered already"));

    let far = Registry::new("far").writes(registry.registry().sessions().unwrap());
    let error = far.registrar().unwrap().register("Arith", instance("tcp@127.0.0.1:1")).unwrap_err();
    assert!(error.to_string().contains("`loopback`"), "{error}");
    let mut settings = Settings::default();
    settings.ttl = Duration::from_millis(1);
    let error = far.settings(settings).registrar().unwrap_err();
    assert!(error.to_string().contains("`ttl`"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_instance_can_be_registered_again_once_it_is_withdrawn() {
    let registry = MemoryRegistry::new().registry();
    for round in 0..3 {
        let registration = register(&registry, "Arith", &format!("tcp@10.0.0.1:1?round={round}")).await;
        let held = registry.catalog().unwrap().instances("Arith").await.unwrap();
        assert_eq!(held[0].instance.attributes().get("round"), Some(&*round.to_string()));
        registration.close().await.unwrap();
    }
}
