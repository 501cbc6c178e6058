//! Frames of all sizes, both ways at once, and connections that break.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use trunkline::server::RunningServer;
use trunkline::{Client, Ctx, Failure, Metadata, SerializeType};

use crate::authority::{Authority, math, neg};

async fn echoing(authority: &Authority) -> RunningServer {
    let server = math().tls(authority.issue(&["127.0.0.1"]).server());
    let server = server.raw("Echo", "Back", |_: Ctx, bytes: Bytes| async move { Ok::<_, Failure>(bytes) });
    let server = server.raw("Echo", "Push", |ctx: Ctx, bytes: Bytes| async move {
        let pusher = ctx.pusher().expect("the call came over a connection");
        for _ in 0..10 {
            pusher.push("Echo", "Pushed", &Metadata::new(), bytes.clone()).await?;
        }
        Ok::<_, Failure>(Bytes::new())
    });
    server.bind("tcp@127.0.0.1:0").await.unwrap().spawn()
}

fn content(size: usize, seed: usize) -> Bytes {
    (0..size).map(|i| (i * 31 + i / 256 + seed) as u8).collect::<Vec<_>>().into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_and_small_frames_go_both_ways_at_once() {
    let authority = Authority::new("Example CA");
    let server = echoing(&authority).await;
    let client = Client::builder().tls(authority.trusted()).timeout(Duration::from_secs(60));
    let client = client.connect(server.address()).await.unwrap();
    let mut calls = JoinSet::new();
    for caller in 0..8 {
        let client = client.clone();
        calls.spawn(async move {
            for turn in 0..6 {
                // Sizes around TLS's records and our own pieces, too.
                let size = [1 << 20, 16_384, 65_536, 65_537, (1 << 20) + 1, 16_383][turn];
                let sent = content(size, caller);
                let call = client.raw("Echo", "Back", SerializeType::RAW, sent.clone());
                assert_eq!(call.await.unwrap(), sent);
            }
        });
    }
    for _ in 0..32 {
        let client = client.clone();
        calls.spawn(async move {
            for n in 0..100_i64 {
                assert_eq!(client.service("Math").call::<_, i64>("Neg", &n).await.unwrap(), -n);
            }
        });
    }
    tokio::time::timeout(Duration::from_secs(60), calls.join_all()).await.expect("nothing blocks for ever");
    server.stop().await;
}

#[tokio::test]
async fn many_small_frames_find_their_callers_on_one_thread() {
    let authority = Authority::new("Example CA");
    let server = echoing(&authority).await;
    let client = Client::builder().tls(authority.trusted()).connect(server.address()).await.unwrap();
    let mut calls = JoinSet::new();
    for n in 0..2_000_i64 {
        let client = client.clone();
        calls.spawn(async move {
            assert_eq!(client.service("Math").call::<_, i64>("Neg", &n).await.unwrap(), -n);
        });
    }
    calls.join_all().await;
}

#[tokio::test]
async fn large_pushes_arrive_whole() {
    let authority = Authority::new("Example CA");
    let server = echoing(&authority).await;
    let client = Client::builder().tls(authority.trusted()).connect(server.address()).await.unwrap();
    let mut pushes = client.pushes();
    let sent = content(300_000, 7);
    client.raw("Echo", "Push", SerializeType::RAW, sent.clone()).await.unwrap();
    for _ in 0..10 {
        let pushed = tokio::time::timeout(Duration::from_secs(20), pushes.next()).await.unwrap().unwrap();
        assert_eq!(pushed.payload, sent);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_dialled_again() {
    let authority = Authority::new("Example CA");
    let server = echoing(&authority).await;
    let target = server.address().strip_prefix("tcp@").unwrap().to_owned();
    let relay = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("tcp@{}", relay.local_addr().unwrap());
    let (cut, relayed) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let (cutting, relaying) = (cut.clone(), relayed.clone());
    tokio::spawn(async move {
        while let Ok((mut from, _)) = relay.accept().await {
            relaying.fetch_add(1, Ordering::SeqCst);
            let mut to = TcpStream::connect(&target).await.unwrap();
            tokio::select! { _ = copy_bidirectional(&mut from, &mut to) => {}, () = cutting.notified() => {} }
        }
    });
    let client = Client::builder()
        .tls(authority.trusted())
        .backoff(Duration::from_millis(1), Duration::from_millis(50));
    let client = client.connect(&address).await.unwrap();
    for turn in 1..=3 {
        let again = async {
            while relayed.load(Ordering::SeqCst) < turn {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            client.ready().await;
        };
        tokio::time::timeout(Duration::from_secs(20), again).await.expect("it dials");
        assert_eq!(neg(&client).await.unwrap(), -5);
        cut.notify_one();
    }
}
