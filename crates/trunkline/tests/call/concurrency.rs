use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use trunkline::server::RunningServer;
use trunkline::transport::memory::Memory;
use trunkline::wire::CompressType;
use trunkline::{Client, Failure, SerializeType, Server};

use crate::pair::{connect, pair, serve, with_server};

#[tokio::test(start_paused = true)]
async fn a_thousand_calls_run_side_by_side_and_end_in_any_order() {
    let pair = with_server(|s| {
        s.function("Slow", "Sleep", |n: u64| async move {
            sleep(Duration::from_millis(2_000 - n)).await;
            Ok::<_, Failure>(n)
        })
    })
    .await;
    let begun = Instant::now();
    let mut calls = JoinSet::new();
    for n in 0..1_000_u64 {
        let client = pair.client.clone();
        calls.spawn(async move {
            assert_eq!(client.service("Slow").call::<_, u64>("Sleep", &n).await.unwrap(), n);
            n
        });
    }
    let mut order = Vec::new();
    while let Some(done) = calls.join_next().await {
        order.push(done.unwrap());
    }
    assert!(order.windows(2).all(|w| w[0] > w[1]), "the last one slept least");
    assert!(begun.elapsed() < Duration::from_millis(2_100), "{:?}", begun.elapsed());
    assert_eq!(pair.server.handle().connections(), 1);
}

/// Every answer belongs to its question, whatever the sizes and whoever writes.
async fn storm(client: &Client, callers: u32, calls: u32) {
    let mut all = JoinSet::new();
    for c in 0..callers {
        let client = client.clone();
        all.spawn(async move {
            for n in 0..calls {
                let len = [0, 3, 100, 5_000, 40_000][((c + n) % 5) as usize];
                let mut payload = vec![(c + n) as u8; len + 8];
                payload[..4].copy_from_slice(&c.to_be_bytes());
                payload[4..8].copy_from_slice(&n.to_be_bytes());
                let payload = Bytes::from(payload);
                let method = if n % 3 == 0 { "Later" } else { "Now" };
                let answer = client.raw("Echo", method, SerializeType::RAW, payload.clone()).await.unwrap();
                assert!(answer == payload, "caller {c}, call {n}");
            }
        });
    }
    while let Some(done) = all.join_next().await {
        done.unwrap();
    }
}

/// An answer may be read before the thread that wrote it has counted it as written.
async fn until_nothing_is_held(server: &RunningServer) {
    let let_go = async {
        while server.handle().held_bytes() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), let_go).await.expect("everything is given back");
}

fn echo() -> trunkline::server::ServerBuilder {
    Server::builder().raw("Echo", "Now", |_, body| async { Ok(body) }).raw("Echo", "Later", |_, body| async {
        tokio::task::yield_now().await;
        Ok(body)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn answers_are_not_mixed_up_in_memory() {
    let pair = pair(echo(), Client::builder()).await;
    storm(&pair.client, 32, 60).await;
    until_nothing_is_held(&pair.server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn answers_are_not_mixed_up_over_tcp() {
    let server = echo().bind("tcp@127.0.0.1:0").await.unwrap().spawn();
    let client = Client::builder().connections(2).connect(server.address()).await.unwrap();
    storm(&client, 32, 60).await;
    assert_eq!(server.handle().connections(), 2);
    until_nothing_is_held(&server).await;
    assert_eq!(server.stop().await.cut, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn compressed_payloads_are_not_mixed_up() {
    let pair = pair(echo(), Client::builder().compress(CompressType::GZIP)).await;
    storm(&pair.client, 32, 30).await;
    until_nothing_is_held(&pair.server).await;
}

#[tokio::test]
async fn calls_take_the_connections_in_turn() {
    let network = Memory::new();
    let server = Server::builder().raw("S", "Who", |ctx, _| async move {
        let pusher = format!("{:p}", ctx.peer().unwrap());
        Ok(pusher.into())
    });
    let server = serve(&network, server).await;
    let client = connect(&network, Client::builder().connections(3)).await;
    client.ready().await;
    let mut served = std::collections::HashMap::new();
    for _ in 0..30 {
        let who = client.raw("S", "Who", SerializeType::RAW, Bytes::new()).await.unwrap();
        *served.entry(who).or_insert(0) += 1;
    }
    assert_eq!(served.into_values().collect::<Vec<_>>(), [10, 10, 10]);
    assert_eq!(server.handle().connections(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn large_and_small_frames_share_a_connection_both_ways() {
    let server = echo().bind("tcp@127.0.0.1:0").await.unwrap().spawn();
    let client = Client::builder().timeout(Duration::from_secs(60)).connect(server.address()).await.unwrap();
    let mut calls = JoinSet::new();
    // Around the sizes at which a payload is no longer copied, and a frame is no longer free.
    let sizes = [0, 1, 32_767, 32_768, 32_769, 65_535, 65_536, 65_537, 300_000, 1 << 20, 5 << 20];
    for round in 0..3_u8 {
        for (n, len) in sizes.into_iter().enumerate() {
            for method in ["Now", "Later"] {
                let client = client.clone();
                let payload: Bytes = (0..len).map(|i| (i / 251) as u8 ^ round ^ n as u8).collect();
                calls.spawn(async move {
                    let call = client.raw("Echo", method, SerializeType::RAW, payload.clone());
                    assert!(call.await.unwrap() == payload, "{len}");
                });
            }
        }
    }
    while let Some(done) = calls.join_next().await {
        done.unwrap();
    }
    until_nothing_is_held(&server).await;
}
