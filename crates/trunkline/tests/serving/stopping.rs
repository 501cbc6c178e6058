use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep};
use trunkline::transport::Transport;
use trunkline::{Client, Failure};

use crate::fleet::{ADDRESS, Fleet, eventually, math};

#[tokio::test(start_paused = true)]
async fn a_client_sees_a_stop_in_order() {
    let fleet = Fleet::new();
    let slow = fleet.math().function("Slow", "Sleep", |ms: u64| async move {
        sleep(Duration::from_millis(ms)).await;
        Ok::<_, Failure>(ms)
    });
    let server = fleet.run(slow).await;
    fleet.until("Slow", &[ADDRESS]).await;
    let client = fleet.client().await;
    client.ready_for("Slow").await;

    let events = Arc::new(Mutex::new(Vec::new()));
    let note = |what: &'static str| events.lock().push(what);
    let under_way = async {
        let answer = client.service("Slow").call::<_, u64>("Sleep", &5_000).await;
        assert_eq!(answer.unwrap(), 5_000);
        note("the call that was under way is answered");
    };
    let watching = async {
        let mut watch = fleet.registry.resolver().unwrap().watch("Math");
        while watch.current().instances().is_empty() {
            watch.changed().await.unwrap();
        }
        while !watch.current().instances().is_empty() {
            watch.changed().await.unwrap();
        }
        note("it is off the clients' lists");
        assert!(server.handle().is_stopping() && !server.handle().is_ready());

        // Who has not heard of it yet is served, on a new connection, too.
        sleep(Duration::from_millis(2_900)).await;
        let late = Client::builder().transport(fleet.network.clone()).connect(ADDRESS).await.unwrap();
        assert_eq!(late.service("Math").call::<_, i64>("Neg", &1).await.unwrap(), -1);
        note("a new connection is served within the grace time");

        sleep(Duration::from_millis(200)).await;
        assert!(fleet.network.dial("server").await.is_err());
        note("no further connection is accepted");
    };
    let stopping = async {
        sleep(Duration::from_millis(100)).await;
        let begun = Instant::now();
        server.handle().stop();
        eventually("the server is gone", async || server.handle().connections() == 0).await;
        note("all connections are closed");
        assert!(begun.elapsed() < Duration::from_millis(6_000), "{:?}", begun.elapsed());
    };
    tokio::join!(under_way, watching, stopping);
    assert_eq!(
        *events.lock(),
        [
            "it is off the clients' lists",
            "a new connection is served within the grace time",
            "no further connection is accepted",
            "the call that was under way is answered",
            "all connections are closed",
        ]
    );
    let report = server.stop().await;
    assert_eq!((report.cut, report.left_behind.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_client_of_the_registry_fails_no_call_while_its_servers_are_replaced() {
    let fleet = Fleet::new();
    let at = |address: &'static str| {
        let server = fleet.math();
        async move { server.bind(address).await.unwrap().spawn() }
    };
    let mut old = at("memory@0").await;
    fleet.until("Math", &["memory@0"]).await;
    let client = fleet.client().await;
    let calls = {
        let client = client.clone();
        tokio::spawn(async move {
            let mut answers = 0;
            loop {
                match client.service("Math").call::<_, i64>("Neg", &answers).await {
                    Ok(answer) => assert_eq!(answer, -answers),
                    Err(error) => panic!("{error}"),
                }
                answers += 1;
                sleep(Duration::from_millis(3)).await;
                if client.address() == Some("never") {
                    return;
                }
            }
        })
    };
    for address in ["memory@1", "memory@2", "memory@3", "memory@4"] {
        let new = at(address).await;
        eventually("both are there", async || fleet.held("Math").await.len() == 2).await;
        assert_eq!(old.stop().await.left_behind, []);
        old = new;
    }
    assert!(!calls.is_finished(), "{:?}", calls.await);
    calls.abort();
}

#[tokio::test(start_paused = true)]
async fn the_grace_is_as_set_and_nothing_where_nobody_was_told() {
    let seconds = |took: Duration| took.as_millis() / 1_000;

    // Without a registry nobody is told.
    let fleet = Fleet::new();
    let server = fleet.run(math().transport(fleet.network.clone())).await;
    assert_eq!(seconds(server.stop().await.took), 0);

    // Registered: 3 s, or as set.
    for (set, expected) in [(None, 3), (Some(0), 0), (Some(7), 7)] {
        let fleet = Fleet::new();
        let server = match set {
            None => fleet.math(),
            Some(seconds) => fleet.math().grace(Duration::from_secs(seconds)),
        };
        let server = fleet.run(server).await;
        fleet.until("Math", &[ADDRESS]).await;
        assert_eq!(seconds(server.stop().await.took), expected, "{set:?}");
        assert_eq!(fleet.held("Math").await, Vec::<String>::new());
    }

    // The registry was down from the first to the last: there was never anything to withdraw.
    let fleet = Fleet::new();
    fleet.memory.faults().stop();
    let server = fleet.run(fleet.math()).await;
    sleep(Duration::from_secs(20)).await;
    let report = server.stop().await;
    assert!(seconds(report.took) <= 8, "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_withdrawn_is_in_the_report_after_five_seconds() {
    let fleet = Fleet::new();
    let server = fleet.run(fleet.math().attributes("weight=3").grace(Duration::ZERO)).await;
    fleet.until("Math", &["memory@server?weight=3"]).await;
    fleet.memory.faults().freeze();
    let handle = server.handle().clone();
    let report = server.stop().await;
    assert!((4_900..6_000).contains(&report.took.as_millis()), "{report:?}");
    let [left] = &report.left_behind[..] else { panic!("{report:?}") };
    assert_eq!((&*left.service, &*left.registry), ("Math", "memory"));
    assert_eq!(left.instance.to_string(), "memory@server?weight=3");
    assert!(left.why.contains("could not be withdrawn"), "{}", left.why);
    assert!(!handle.is_ready());
}

#[tokio::test(start_paused = true)]
async fn callbacks_run_while_services_are_withdrawn() {
    let fleet = Fleet::new();
    let server = fleet.math().grace(Duration::ZERO).on_stop(|| sleep(Duration::from_secs(2)));
    let server = fleet.run(server).await;
    fleet.until("Math", &[ADDRESS]).await;
    server.handle().stop();
    sleep(Duration::from_millis(500)).await;
    assert_eq!(fleet.held("Math").await, Vec::<String>::new());
    assert!(fleet.network.dial("server").await.is_ok());
    assert_eq!(server.stop().await.took.as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_dropped_is_withdrawn_though_handles_live_on() {
    let fleet = Fleet::new();
    let server = fleet.math().bind(ADDRESS).await.unwrap();
    let handle = server.handle();
    let serving = tokio::spawn(server.serve());
    fleet.until("Math", &[ADDRESS]).await;
    serving.abort();
    fleet.until("Math", &[]).await;
    assert!(!handle.is_ready());
    assert_eq!(handle.registrations(), []);
}
