//! A server that stops answers what it has begun, and no peer keeps it from its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::sleep;
use trunkline::server::{RunningServer, StopReport};
use trunkline::wire::Header;

use crate::pair::with_server;
use crate::raw_peer::{RawPeer, message, request};

/// Long after the moment when a peer that goes on sending is heard no longer, and long before the time is up.
const SOON: Duration = Duration::from_secs(3);

async fn stopped(server: RunningServer) -> StopReport {
    sleep(Duration::from_millis(400)).await;
    server.stop().await
}

#[tokio::test(start_paused = true)]
async fn peers_that_call_without_a_pause_do_not_hold_up_the_stop_and_lose_no_reply() {
    let finished = Arc::new(AtomicUsize::new(0));
    let counted = finished.clone();
    let pair = with_server(|s| {
        s.raw("S", "Linger", move |_, body| {
            let counted = counted.clone();
            async move {
                sleep(Duration::from_millis(5)).await;
                counted.fetch_add(1, Ordering::Relaxed);
                Ok(body)
            }
        })
    })
    .await;
    let mut peer = RawPeer::dial(&pair.network).await;
    let callers = async {
        for seq in 0..8 {
            // Apart from each other, so that some call is always under way.
            sleep(Duration::from_millis(1)).await;
            peer.send_message(&request(seq, "S", "Linger", b"")).await;
        }
        let mut answered = 0;
        while let Some(answer) = peer.next().await {
            answered += 1;
            peer.send_message(&request(answer.header().seq(), "S", "Linger", b"")).await;
        }
        answered
    };
    let (answered, report) = tokio::join!(callers, stopped(pair.server));
    assert_eq!(report.cut, 0);
    assert!(report.took < SOON, "{report:?}");
    assert_eq!(answered, finished.load(Ordering::Relaxed));
}

#[tokio::test(start_paused = true)]
async fn heartbeats_are_echoed_while_the_last_call_ends_and_do_not_prolong_the_stop() {
    let pair = with_server(|s| {
        s.raw("S", "Linger", |_, body| async {
            sleep(Duration::from_secs(10)).await;
            Ok(body)
        })
        .raw("S", "Echo", |_, body| async { Ok(body) })
    })
    .await;
    let mut peer = RawPeer::dial(&pair.network).await;
    let beats = async {
        peer.send_message(&request(1, "S", "Linger", b"")).await;
        let mut frames = Vec::new();
        loop {
            peer.send_message(&message(Header::heartbeat(), "", "", &[], b"")).await;
            match peer.next().await {
                Some(frame) => frames.push(frame),
                None => return frames,
            }
            if frames.len() == 500 {
                peer.send_message(&request(2, "S", "Echo", b"far too late")).await;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    let (frames, report) = tokio::join!(beats, stopped(pair.server));
    assert_eq!(report.cut, 0);
    assert!(report.took > Duration::from_secs(9) && report.took < Duration::from_secs(12), "{report:?}");
    let answers: Vec<_> =
        frames.iter().filter(|f| !f.header().is_heartbeat()).map(|f| f.header().seq()).collect();
    assert_eq!(answers, [1], "what comes so late is not begun");
    assert!(frames.len() > 900, "{} echoes", frames.len());
}
