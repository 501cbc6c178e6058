use std::time::Duration;

use tokio::time::{Instant, sleep};
use trunkline::server::RunningServer;
use trunkline::transport::memory::Memory;
use trunkline::{Client, ErrorKind, Failure, Sent, Server};

/// Servers at `memory@0` and so on, which answer with their number after so many milliseconds;
/// number 1 refuses.
async fn servers(network: &Memory, delays: &[u64]) -> Vec<RunningServer> {
    let mut servers = Vec::new();
    for (n, delay) in delays.iter().copied().enumerate() {
        let answer = move |(): ()| async move {
            sleep(Duration::from_millis(delay)).await;
            if n == 1 { Err(Failure::new("no")) } else { Ok(n) }
        };
        let server = Server::builder().function("S", "Ask", answer).transport(network.clone());
        servers.push(server.bind(&format!("memory@{n}")).await.unwrap().spawn());
    }
    servers
}

async fn client(network: &Memory, list: &str) -> Client {
    Client::builder().transport(network.clone()).connect(list).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn inform_has_a_receipt_of_each_also_of_the_dead() {
    let network = Memory::new();
    let _servers = servers(&network, &[10, 0]).await;
    let client = client(&network, "memory@0,memory@1,memory@dead,memory@0?weight=1").await;
    let receipts = client.service("S").call::<_, usize>("Ask", &()).inform().await.unwrap();
    let mut ends: Vec<_> = receipts
        .iter()
        .map(|r| (&*r.address, r.result.as_ref().map_err(|e| (e.kind(), e.sent(), e.address()))))
        .collect();
    ends.sort_by_key(|(address, _)| *address);
    assert_eq!(
        ends,
        [
            ("memory@0", Ok(&0)),
            ("memory@1", Err((ErrorKind::Application, Sent::Maybe, Some("memory@1")))),
            ("memory@dead", Err((ErrorKind::Unavailable, Sent::No, Some("memory@dead")))),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn broadcast_fails_with_the_first_failure_and_waits_no_longer() {
    let network = Memory::new();
    let _servers = servers(&network, &[60_000, 10, 0]).await;
    let all = client(&network, "memory@0,memory@1,memory@2").await;
    let begun = Instant::now();
    let error = all.service("S").call::<_, usize>("Ask", &()).broadcast().await.unwrap_err();
    assert_eq!((error.message(), error.address()), ("no", Some("memory@1")));
    assert!(begun.elapsed() < Duration::from_secs(1));

    let good = client(&network, "memory@2,memory@2?weight=2").await;
    let receipts = good.service("S").call::<_, usize>("Ask", &()).broadcast().await.unwrap();
    assert_eq!(receipts.into_iter().map(|r| r.result.unwrap()).collect::<Vec<_>>(), [2]);
}

#[tokio::test(start_paused = true)]
async fn fork_takes_the_first_reply_and_gives_up_the_others() {
    let network = Memory::new();
    let servers = servers(&network, &[60_000, 0, 20]).await;
    let all = client(&network, "memory@0,memory@1,memory@2,memory@dead").await;
    let receipt = all.service("S").call::<_, usize>("Ask", &()).fork().await.unwrap();
    assert_eq!((&*receipt.address, receipt.result.unwrap()), ("memory@2", 2));
    drop(servers);

    let none = client(&network, "memory@1,memory@dead").await;
    let error = none.service("S").call::<_, usize>("Ask", &()).fork().await.unwrap_err();
    assert!(error.address().is_some(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn instances_that_may_get_no_calls_are_left_out() {
    let network = Memory::new();
    let _servers = servers(&network, &[0, 0, 0]).await;
    let all = client(&network, "memory@0,memory@1?state=inactive,memory@2?weight=0").await;
    let receipts = all.service("S").call::<_, usize>("Ask", &()).broadcast().await.unwrap();
    assert_eq!(receipts.len(), 1);
    let none = client(&network, "memory@1?state=inactive").await;
    let error = none.service("S").call::<_, usize>("Ask", &()).inform().await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, Sent::No));
    assert!(error.message().contains("inactive"), "{error}");
}
