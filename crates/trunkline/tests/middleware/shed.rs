use std::time::Duration;

use trunkline::middleware::LoadShed;
use trunkline::server::ServerBuilder;
use trunkline::{ErrorKind, Failure, Sent, Server, testing};

#[expect(clippy::disallowed_methods, reason = "what makes the runtime late")]
fn server() -> ServerBuilder {
    Server::builder().function("Busy", "Burn", |ms: u64| async move {
        std::thread::sleep(Duration::from_millis(ms));
        Ok::<_, Failure>(())
    })
}

#[tokio::test]
async fn a_process_that_is_late_refuses_calls_and_recovers() {
    let shed = LoadShed::new(Duration::from_millis(50));
    let (client, running) = testing::connected(server().layer(shed)).await.unwrap();
    let busy = client.service("Busy");
    for _ in 0..50 {
        busy.call::<_, ()>("Burn", &0).await.unwrap();
    }
    // One thread: while it burns, the timer cannot ring.
    busy.call::<_, ()>("Burn", &500).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let mut refused = 0;
    for _ in 0..100 {
        if let Err(error) = busy.call::<_, ()>("Burn", &0).await {
            assert_eq!((error.kind(), error.sent()), (ErrorKind::Overloaded, Sent::NotStarted), "{error}");
            assert!(error.retry_after().is_some());
            refused += 1;
        }
    }
    assert!(refused > 0, "it was late by half a second");
    // Not late any more.
    let answered = async {
        while busy.call::<_, ()>("Burn", &0).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), answered).await.expect("it is idle");
    running.stop().await;
}
