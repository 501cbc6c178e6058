use std::time::Duration;

use tokio::time::sleep;
use trunkline::registry::{MemoryRegistry, Status};
use trunkline::server::ReadyWhen;

use crate::fleet::{ADDRESS, Fleet, eventually, until};

#[tokio::test(start_paused = true)]
async fn one_registry_that_is_down_holds_up_neither_the_server_nor_the_others() {
    let fleet = Fleet::new();
    let other = MemoryRegistry::new();
    other.faults().stop();
    let server = fleet.run(fleet.math().register_with(other.registry())).await;
    fleet.until("Math", &[ADDRESS]).await;
    assert_eq!(fleet.client().await.service("Math").call::<_, i64>("Neg", &1).await.unwrap(), -1);

    let handle = server.handle();
    let statuses: Vec<_> = handle.registrations().into_iter().map(|r| r.status).collect();
    let [Status::Registered { .. }, Status::Registering { why: Some(why) }] = &statuses[..] else {
        panic!("{statuses:?}")
    };
    assert!(why.contains("was stopped by a test"), "{why}");
    let reasons = handle.why_not_ready();
    assert!(reasons[0].starts_with("`Math` at memory@server is not in `memory` yet: "), "{reasons:?}");

    // Tried for ever: it comes up much later.
    sleep(Duration::from_secs(600)).await;
    other.faults().start();
    until(&other.registry(), "Math", &[ADDRESS]).await;
    eventually("the server is ready", async || handle.is_ready()).await;

    // Down again: that is no reason to send calls elsewhere.
    other.faults().stop();
    sleep(Duration::from_secs(60)).await;
    assert!(handle.registrations().iter().any(|r| matches!(r.status, Status::Lost { .. })));
    assert!(handle.is_ready());

    // Only the one that is down is left behind.
    let report = server.stop().await;
    assert_eq!(report.left_behind.len(), 1, "{report:?}");
    assert!((7_900..9_500).contains(&report.took.as_millis()), "5 s and the grace: {report:?}");
    assert_eq!(fleet.held("Math").await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn ready_is_what_was_asked_for() {
    for (when, one_down, both_down) in [
        (ReadyWhen::Everywhere, false, false),
        (ReadyWhen::Anywhere, true, false),
        (ReadyWhen::Serving, true, true),
    ] {
        for (down, expected) in [(1, one_down), (2, both_down)] {
            let (fleet, other) = (Fleet::new(), MemoryRegistry::new());
            other.faults().stop();
            if down == 2 {
                fleet.memory.faults().stop();
            }
            let server = fleet.math().register_with(other.registry()).ready_when(when);
            let server = fleet.run(server).await;
            sleep(Duration::from_secs(5)).await;
            let reasons = server.handle().why_not_ready();
            assert_eq!(server.handle().is_ready(), expected, "{when:?} with {down} down: {reasons:?}");
            assert_eq!(reasons.is_empty(), expected, "{reasons:?}");
            server.stop().await;
        }
    }
}
