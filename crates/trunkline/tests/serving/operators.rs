use std::time::Duration;

use tokio::time::sleep;
use trunkline::registry::{Registry, Settings, Swap};

use crate::fleet::{ADDRESS, Fleet};

/// Edits the only instance of `Math`, as a console does.
async fn edit(registry: &Registry, key: &str, value: &str) {
    let catalog = registry.catalog().unwrap();
    let entry = catalog.instances("Math").await.unwrap().remove(0);
    let mut attributes = entry.instance.attributes().clone();
    attributes.set(key, value);
    let edited = catalog.edit("Math", entry.instance.address(), &attributes, &entry.version).await;
    assert_eq!(edited.unwrap(), Swap::Done);
}

/// The registry as a process of its own sees it.
fn another_process(fleet: &Fleet) -> Fleet {
    let mut settings = Settings::default();
    settings.ttl = Duration::from_secs(60);
    let registry = fleet.memory.registry().settings(settings);
    Fleet { network: fleet.network.clone(), memory: fleet.memory.clone(), registry }
}

const INACTIVE: &str = "memory@server?state=inactive&weight=3";

#[tokio::test(start_paused = true)]
async fn what_an_operator_says_outlives_renewals_and_the_registrys_losses() {
    let fleet = Fleet::new();
    let server = fleet.run(fleet.math().attributes("weight=3")).await;
    fleet.until("Math", &["memory@server?weight=3"]).await;
    let client = fleet.client().await;
    client.service("Math").call::<_, i64>("Neg", &1).await.unwrap();
    edit(&fleet.registry, "state", "inactive").await;

    // Renewals, for a long time.
    sleep(Duration::from_secs(300)).await;
    assert_eq!(fleet.held("Math").await, [INACTIVE]);
    fleet.memory.faults().expire_sessions();
    fleet.until("Math", &[INACTIVE]).await;
    fleet.memory.faults().wipe();
    fleet.until("Math", &[INACTIVE]).await;
    fleet.memory.faults().stop();
    sleep(Duration::from_secs(120)).await;
    fleet.memory.faults().wipe();
    fleet.memory.faults().start();
    fleet.until("Math", &[INACTIVE]).await;
    let error = client.service("Math").call::<_, i64>("Neg", &1).await.unwrap_err();
    assert!(error.to_string().contains("inactive"), "{error}");

    edit(&fleet.registry, "state", "active").await;
    sleep(Duration::from_secs(30)).await;
    client.service("Math").call::<_, i64>("Neg", &1).await.unwrap();
    server.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_comes_back_from_a_crash_keeps_the_state_and_brings_its_own_weight() {
    let fleet = Fleet::new();
    let before = another_process(&fleet);
    let server = before.run(before.math().attributes("weight=3")).await;
    fleet.until("Math", &["memory@server?weight=3"]).await;
    edit(&fleet.registry, "state", "inactive").await;
    edit(&fleet.registry, "weight", "9").await;
    sleep(Duration::from_secs(30)).await;

    // The process is gone without a word: its entry stays until its time is over.
    fleet.memory.faults().stop();
    drop(server.stop().await);
    sleep(Duration::from_secs(10)).await;
    fleet.memory.faults().start();
    assert_eq!(fleet.held("Math").await, ["memory@server?state=inactive&weight=9"]);

    let after = another_process(&fleet);
    let server = after.run(after.math().attributes("weight=3")).await;
    fleet.until("Math", &[INACTIVE]).await;
    sleep(Duration::from_secs(120)).await;
    assert_eq!(fleet.held("Math").await, [INACTIVE], "when the old session's time is over, too");
    server.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_in_order_takes_the_state_along() {
    let fleet = Fleet::new();
    let before = another_process(&fleet);
    let server = before.run(before.math()).await;
    fleet.until("Math", &[ADDRESS]).await;
    edit(&fleet.registry, "state", "inactive").await;
    assert_eq!(server.stop().await.left_behind, []);
    assert_eq!(fleet.held("Math").await, Vec::<String>::new());

    let after = another_process(&fleet);
    let server = after.run(after.math()).await;
    fleet.until("Math", &[ADDRESS]).await;
    server.stop().await;
}
