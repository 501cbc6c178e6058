//! What a registry does on a bad day, and what becomes of those who use it.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use trunkline::registry::{Start, Status, Trust};

use super::{
    Subject, Witness, edit, instance, late, register, soon, texts, until, until_held, until_list, watch,
};

const FIRST: &str = "tcp@10.0.0.1:1?weight=3";
const SECOND: &str = "tcp@10.0.0.2:1";

pub(crate) async fn a_restart_with_data_kept(subject: &impl Subject) {
    let (server, client) = (subject.open(), subject.open());
    let _registrations = [register(&server, "Arith", FIRST).await, register(&server, "Arith", SECOND).await];
    let mut watch = watch(&client, "Arith");
    until_list(&mut watch, soon(subject), &[FIRST, SECOND]).await;
    let witness = Witness::of(&client, "Arith");

    let ttl = subject.settings().ttl;
    for downtime in [Duration::from_millis(500), ttl, ttl * 2] {
        subject.stop().await;
        sleep(downtime).await;
        assert_eq!(texts(&watch.current()), [FIRST, SECOND]);
        subject.start().await;
        until(&mut watch, soon(subject), |s| *s.trust() == Trust::Fresh && s.instances().len() == 2).await;
    }

    // It follows again: what changes now is seen.
    let _third = register(&server, "Arith", "tcp@10.0.0.3:1").await;
    until_list(&mut watch, soon(subject), &[FIRST, SECOND, "tcp@10.0.0.3:1"]).await;
    witness.was_never_empty();
}

pub(crate) async fn a_store_that_lost_everything(subject: &impl Subject) {
    let (server, client) = (subject.open(), subject.open());
    let _registrations = [register(&server, "Arith", FIRST).await, register(&server, "Arith", SECOND).await];
    edit_first(subject, &client).await;
    let mut watch = watch(&client, "Arith");
    until(&mut watch, soon(subject), |s| s.instances().len() == 2).await;
    let witness = Witness::of(&client, "Arith");

    subject.wipe().await;
    let catalog = client.catalog().unwrap();
    let held = until_held(&*catalog, "Arith", soon(subject), |held| held.len() == 2).await;
    assert_eq!(held[0].instance.to_string(), "tcp@10.0.0.1:1?state=inactive&weight=3", "edits survive");
    until(&mut watch, late(subject), |s| *s.trust() == Trust::Fresh && s.instances().len() == 2).await;
    assert_eq!(texts(&watch.current()), ["tcp@10.0.0.1:1?state=inactive&weight=3", SECOND]);
    witness.was_never_empty();
}

pub(crate) async fn a_lost_session(subject: &impl Subject) {
    let (server, client) = (subject.open(), subject.open());
    let registrations = [register(&server, "Arith", FIRST).await, register(&server, "Math", SECOND).await];
    edit_first(subject, &client).await;
    let witnesses = [Witness::of(&client, "Arith"), Witness::of(&client, "Math")];
    until(&mut watch(&client, "Arith"), soon(subject), |s| !s.instances().is_empty()).await;
    until(&mut watch(&client, "Math"), soon(subject), |s| !s.instances().is_empty()).await;

    let mut status = registrations[0].watch();
    status.current();
    subject.expire_sessions().await;
    let catalog = client.catalog().unwrap();
    for service in ["Arith", "Math"] {
        until_held(&*catalog, service, soon(subject), |held| held.len() == 1).await;
    }
    let held = catalog.instances("Arith").await.unwrap();
    assert_eq!(held[0].instance.attributes().get("state"), Some("inactive"), "the edit survives");
    // It was seen, and is over.
    tokio::time::timeout(soon(subject), async {
        while !matches!(status.changed().await, Some(Status::Registered { .. })) {}
    })
    .await
    .unwrap();
    witnesses.iter().for_each(Witness::was_never_empty);
}

pub(crate) async fn a_frozen_registry(subject: &impl Subject) {
    let (server, client) = (subject.open(), subject.open());
    let registration = register(&server, "Arith", FIRST).await;
    let mut watch = watch(&client, "Arith");
    until_list(&mut watch, soon(subject), &[FIRST]).await;
    let witness = Witness::of(&client, "Arith");

    subject.freeze().await;
    sleep(subject.settings().ttl * 3).await;
    // Nobody hung up, and still it is known on both sides.
    assert!(matches!(registration.status(), Status::Lost { .. }), "{registration:?}");
    assert!(matches!(watch.current().trust(), Trust::Stale { .. }), "{:?}", watch.current());
    subject.thaw().await;

    until(&mut watch, late(subject), |s| *s.trust() == Trust::Fresh && texts(s) == [FIRST]).await;
    tokio::time::timeout(soon(subject), registration.registered()).await.unwrap().unwrap();
    sleep(subject.settings().ttl * 2).await;
    let held = client.catalog().unwrap().instances("Arith").await.unwrap();
    assert_eq!(held.len(), 1, "it did not vanish with the old session");
    witness.was_never_empty();
}

pub(crate) async fn streams_that_break_again_and_again(subject: &impl Subject) {
    let (server, client) = (subject.open(), subject.open());
    let _registration = register(&server, "Arith", FIRST).await;
    let mut watch = watch(&client, "Arith");
    until_list(&mut watch, soon(subject), &[FIRST]).await;
    let witness = Witness::of(&client, "Arith");
    let mut others = Vec::new();
    for n in 0..30 {
        subject.cut_streams().await;
        others.push(register(&server, "Arith", &format!("tcp@10.0.1.{n}:1")).await);
        sleep(Duration::from_millis(100)).await;
        if n % 3 == 2 {
            others.remove(0).close().await.unwrap();
        }
    }
    until(&mut watch, late(subject), |s| s.instances().len() == 21 && *s.trust() == Trust::Fresh).await;
    witness.was_never_empty();
}

pub(crate) async fn events_out_of_order(subject: &impl Subject) {
    let (server, client) = (subject.open(), subject.open());
    let _registration = register(&server, "Arith", FIRST).await;
    let mut watch = watch(&client, "Arith");
    until_list(&mut watch, soon(subject), &[FIRST]).await;
    let witness = Witness::of(&client, "Arith");
    subject.disorder();
    let mut others = Vec::new();
    for n in 0..20 {
        others.push(
            server.registrar().unwrap().register("Arith", instance(&format!("tcp@10.0.1.{n}:1"))).unwrap(),
        );
        if n % 4 == 3 {
            sleep(Duration::from_millis(50)).await;
            others.remove(0).close().await.unwrap();
        }
    }
    until(&mut watch, late(subject), |s| s.instances().len() == 16 && *s.trust() == Trust::Fresh).await;
    witness.was_never_empty();
}

pub(crate) async fn a_registry_that_is_down_at_the_start(subject: &impl Subject) {
    subject.stop().await;
    let (server, client) = (subject.open(), subject.open());
    let registration = server.registrar().unwrap().register("Arith", instance(FIRST)).unwrap();
    registration.ready().await.expect("in the background, nobody waits for it");
    let mut watch = watch(&client, "Arith");

    let mut settings = subject.settings();
    settings.start = Start::Require;
    let strict = subject.open_with(settings);
    let required = strict.registrar().unwrap().register("Math", instance(SECOND)).unwrap();
    let error = required.ready().await.expect_err("it is required and down");
    assert!(error.to_string().contains("is required and failed"), "{error}");
    drop(required);
    assert!(matches!(registration.status(), Status::Registering { why: Some(_) }), "{registration:?}");
    assert!(matches!(watch.current().trust(), Trust::Stale { .. }), "{:?}", watch.current());

    subject.start().await;
    until_list(&mut watch, soon(subject), &[FIRST]).await;
    let required = strict.registrar().unwrap().register("Maths", instance(SECOND)).unwrap();
    required.ready().await.unwrap();
}

pub(crate) async fn closing_while_the_registry_is_down(subject: &impl Subject) {
    let (server, client) = (subject.open(), subject.open());
    let registration = register(&server, "Arith", FIRST).await;
    for is_frozen in [false, true] {
        let other = register(&server, "Math", SECOND).await;
        if is_frozen {
            subject.freeze().await;
        } else {
            subject.stop().await;
        }
        let start = Instant::now();
        let error = other.close().await.expect_err("it cannot be deleted");
        assert!(start.elapsed() < Duration::from_secs(7), "{:?}", start.elapsed());
        assert!(error.to_string().contains("could not be withdrawn"), "{error}");
        assert_eq!(other.close().await.unwrap_err().to_string(), error.to_string());
        assert_eq!(other.status(), Status::Closed);
        subject.start().await;
        subject.thaw().await;
        // What was left behind goes when its time is over: nobody puts it back.
        let catalog = client.catalog().unwrap();
        until_held(&*catalog, "Math", late(subject), |held| held.is_empty()).await;
    }
    tokio::time::timeout(soon(subject), registration.registered()).await.unwrap().unwrap();
    until_list(&mut watch(&client, "Arith"), late(subject), &[FIRST]).await;
}

pub(crate) async fn the_last_instance_goes(subject: &impl Subject) {
    let (server, client) = (subject.open(), subject.open());
    let registration = register(&server, "Arith", FIRST).await;
    let mut watch = watch(&client, "Arith");
    until_list(&mut watch, soon(subject), &[FIRST]).await;
    registration.close().await.unwrap();
    until(&mut watch, late(subject), |s| s.instances().is_empty() && *s.trust() == Trust::Fresh).await;
    let _again = register(&server, "Arith", SECOND).await;
    until_list(&mut watch, soon(subject), &[SECOND]).await;
}

async fn edit_first(subject: &impl Subject, client: &trunkline::registry::Registry) {
    edit(client, "Arith", |attributes| attributes.set("state", "inactive")).await;
    // It is known by the next read-back at the latest.
    sleep(subject.settings().check * 2).await;
}
