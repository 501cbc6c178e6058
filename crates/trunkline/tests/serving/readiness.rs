use std::time::Duration;

use tokio::time::sleep;

use crate::fleet::{ADDRESS, Fleet, eventually, math};

#[tokio::test(start_paused = true)]
async fn a_server_is_ready_from_its_registration_to_its_stop() {
    let fleet = Fleet::new();
    fleet.memory.faults().freeze();
    let server = fleet.math().bind(ADDRESS).await.unwrap();
    let handle = server.handle();
    assert_eq!(handle.why_not_ready(), ["the server does not serve yet"]);
    let server = server.spawn();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(handle.why_not_ready(), ["`Math` at memory@server is not in `memory` yet"]);
    fleet.memory.faults().thaw();
    eventually("it is ready", async || handle.is_ready()).await;
    assert_eq!(fleet.held("Math").await, [ADDRESS]);

    handle.stop();
    sleep(Duration::from_millis(100)).await;
    assert_eq!(handle.why_not_ready(), ["the server stops"]);
    assert!(handle.is_stopping());
    server.stop().await;
    assert!(!handle.is_ready());
}

#[tokio::test(start_paused = true)]
async fn without_a_registry_serving_is_enough() {
    let fleet = Fleet::new();
    let server = math().transport(fleet.network.clone()).bind(ADDRESS).await.unwrap();
    assert!(server.advertised().is_empty());
    let handle = server.handle();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.serve_until(async move { drop(ended.await) }));
    eventually("it is ready", async || handle.is_ready()).await;
    assert_eq!(handle.registrations(), []);
    assert!(!handle.is_stopping());
    end.send(()).unwrap();
    serving.await.unwrap();
    assert!(handle.is_stopping() && !handle.is_ready());
}
