use std::time::Duration;

use tokio::time::sleep;
use trunkline::server::{RunningServer, ServerBuilder};
use trunkline::{Client, SerializeType, Server};

use crate::pair::{pair, with_server};
use crate::raw_peer::{RawPeer, bytes_of, request};

fn large() -> ServerBuilder {
    Server::builder().raw("S", "Large", |_, _| async { Ok(vec![7; 8 << 20].into()) })
}

/// Waits until one more than the `others` was connected, and has been left.
async fn left_by(server: &RunningServer, others: usize) {
    while server.handle().connections() <= others {
        sleep(Duration::from_millis(10)).await;
    }
    while server.handle().connections() > others {
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_slowly_but_reads_is_served() {
    let server = large().limit(|l| l.write_stall = Duration::from_secs(5));
    let pair = pair(server, Client::builder()).await;
    let mut peer = RawPeer::dial(&pair.network).await;
    peer.send_message(&request(1, "S", "Large", b"")).await;
    // 64 KiB a second: the reply takes two minutes.
    let mut got = 0;
    while got < 8 << 20 {
        sleep(Duration::from_secs(1)).await;
        got += peer.reader.read_some(64 << 10).await.expect("the connection lives");
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_stops_reading_is_left() {
    let server = large().limit(|l| l.write_stall = Duration::from_secs(5));
    let pair = pair(server, Client::builder()).await;
    let mut peer = RawPeer::dial(&pair.network).await;
    peer.send_message(&request(1, "S", "Large", b"")).await;
    left_by(&pair.server, 1).await;
    assert_eq!(pair.server.handle().held_bytes(), 0);
    let mut got = 0;
    while let Some(n) = peer.reader.read_some(1 << 20).await {
        got += n;
    }
    assert!(got < 1 << 20, "{got}");
}

#[tokio::test]
async fn a_peer_that_stops_reading_is_left_over_tcp_too() {
    let server = large().limit(|l| l.write_stall = Duration::from_millis(300));
    let server = server.bind("tcp@127.0.0.1:0").await.unwrap().spawn();
    let peer = RawPeer::dial_tcp(server.address()).await;
    peer.send_message(&request(1, "S", "Large", b"")).await;
    left_by(&server, 0).await;
    assert_eq!(server.handle().held_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_stands_still_or_trickles_ends_its_connection() {
    for trickle in [false, true] {
        let pair = with_server(|s| s.limit(|l| l.read_stall = Duration::from_secs(5))).await;
        let mut peer = RawPeer::dial(&pair.network).await;
        let frame = bytes_of(&request(1, "S", "M", &[0; 1_000]));
        peer.send(&frame[..20]).await;
        let trickling = async {
            for byte in &frame[20..] {
                sleep(Duration::from_secs(1)).await;
                if pair.server.handle().connections() == 1 {
                    return;
                }
                if trickle {
                    peer.try_send(std::slice::from_ref(byte));
                }
            }
            panic!("a frame takes as long as it likes");
        };
        trickling.await;
        assert!(peer.next().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_frame_over_a_slow_line_arrives() {
    let server = Server::builder()
        .raw("S", "Len", |_, body| async move { Ok(body.len().to_string().into()) })
        .limit(|l| l.read_stall = Duration::from_secs(5));
    let pair = pair(server, Client::builder()).await;
    let mut peer = RawPeer::dial(&pair.network).await;
    for chunk in bytes_of(&request(1, "S", "Len", &[0; 1 << 20])).chunks(16 << 10) {
        sleep(Duration::from_secs(2)).await;
        peer.send(chunk).await;
    }
    assert_eq!(peer.next().await.unwrap().payload(), b"1048576");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_only_where_the_server_says_so() {
    for (idle, open) in [(None, 1), (Some(Duration::from_secs(60)), 0)] {
        let server = Server::builder()
            .raw("S", "Slow", |_, b| async {
                sleep(Duration::from_secs(100)).await;
                Ok(b)
            })
            .limit(|l| l.idle = idle);
        let pair = pair(server, Client::builder().heartbeat(None).timeout(Duration::from_secs(200))).await;
        // A call under way is not idleness.
        pair.client.raw("S", "Slow", SerializeType::RAW, "x".into()).await.unwrap();
        sleep(Duration::from_secs(30)).await;
        assert_eq!(pair.server.handle().connections(), 1);
        pair.client.close();
        sleep(Duration::from_secs(10)).await;
        let _peer = RawPeer::dial(&pair.network).await;
        sleep(Duration::from_secs(120)).await;
        assert_eq!(pair.server.handle().connections(), open);
    }
}
