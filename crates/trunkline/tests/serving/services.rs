use std::time::Duration;

use tokio::time::{Instant, sleep};
use trunkline::registry::Status;
use trunkline::{ErrorKind, Failure, Service};

use crate::fleet::{ADDRESS, Fleet, eventually};

fn echo(name: &'static str) -> Service {
    Service::new(name).function("Echo", |n: i64| async move { Ok::<_, Failure>(n) })
}

#[tokio::test(start_paused = true)]
async fn services_are_registered_as_they_come_and_withdrawn_as_they_go() {
    let fleet = Fleet::new();
    let builder = fleet.math().service(echo("A")).attributes("weight=3&group=a");
    let server = fleet.run(builder.service_attributes("B", "weight=7&zone=x y")).await;
    let handle = server.handle();
    for service in ["A", "Math"] {
        fleet.until(service, &["memory@server?weight=3&group=a"]).await;
    }

    handle.add(echo("B"));
    fleet.until("B", &["memory@server?group=a&weight=7&zone=x+y"]).await;
    let client = fleet.client().await;
    assert_eq!(client.service("B").call::<_, i64>("Echo", &4).await.unwrap(), 4);

    assert!(handle.remove("A"));
    fleet.until("A", &[]).await;
    eventually("two are left", async || handle.registrations().len() == 2).await;
    let services: Vec<_> = handle.registrations().iter().map(|r| r.service.to_string()).collect();
    assert_eq!(services, ["B", "Math"]);
    assert!(handle.registrations().iter().all(|r| r.status.is_registered() && &*r.registry == "memory"));

    // Gone and back before anybody could look.
    handle.remove("B");
    handle.add(echo("B"));
    handle.remove("B");
    handle.add(echo("B"));
    sleep(Duration::from_secs(5)).await;
    fleet.until("B", &["memory@server?group=a&weight=7&zone=x+y"]).await;

    server.stop().await;
    for service in ["A", "B", "Math"] {
        assert_eq!(fleet.held(service).await, Vec::<String>::new(), "{service}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_retires_is_served_until_all_know() {
    let fleet = Fleet::new();
    let server = fleet.run(fleet.math().service(echo("A"))).await;
    fleet.until("A", &[ADDRESS]).await;
    let handle = server.handle().clone();
    let client = fleet.client().await;
    let echoed = async || client.service("A").call::<_, i64>("Echo", &4).to(ADDRESS).await;
    assert_eq!(echoed().await.unwrap(), 4);

    let begun = Instant::now();
    let retiring = tokio::spawn(async move { handle.retire("A").await });
    fleet.until("A", &[]).await;
    sleep(Duration::from_secs(2)).await;
    assert!(server.handle().services().contains(&"A".to_owned()));
    assert_eq!(retiring.await.unwrap(), []);
    assert_eq!(begun.elapsed().as_secs(), 3);
    assert!(!server.handle().services().contains(&"A".to_owned()));
    assert_eq!(fleet.held("Math").await, [ADDRESS]);

    server.handle().add(echo("A"));
    fleet.until("A", &[ADDRESS]).await;
    server.stop().await;
}

#[tokio::test(start_paused = true)]
async fn names_that_registries_cannot_hold_are_refused() {
    let fleet = Fleet::new();
    let error = fleet.math().service(echo("a/b")).bind(ADDRESS).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("`a/b` contains a `/`"), "{error}");

    // One that comes later is served and shown, and holds up nobody.
    let server = fleet.run(fleet.math()).await;
    let handle = server.handle();
    handle.add(echo("a/b"));
    handle.add(echo("C"));
    fleet.until("C", &[ADDRESS]).await;
    let registrations = handle.registrations();
    let refused = registrations.iter().find(|r| &*r.service == "a/b").unwrap();
    let Status::Registering { why: Some(why) } = &refused.status else { panic!("{refused:?}") };
    assert!(why.contains("contains a `/`"), "{why}");
    assert!(handle.is_ready(), "{:?}", handle.why_not_ready());
    handle.remove("a/b");
    eventually("it is not shown any more", async || handle.registrations().len() == 2).await;
    server.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_next_server_at_an_address_waits_for_the_one_before_to_go() {
    let fleet = Fleet::new();
    let first = fleet.run(fleet.math().advertise("memory@public")).await;
    fleet.until("Math", &["memory@public"]).await;
    let second = fleet.math().advertise("memory@public").bind("memory@other").await.unwrap().spawn();
    sleep(Duration::from_secs(3)).await;
    let reasons = second.handle().why_not_ready();
    assert!(reasons[0].contains("is registered already"), "{reasons:?}");

    first.stop().await;
    eventually("the second is registered", async || second.handle().is_ready()).await;
    assert_eq!(fleet.held("Math").await, ["memory@public"]);
    second.stop().await;
    assert_eq!(fleet.held("Math").await, Vec::<String>::new());
}
