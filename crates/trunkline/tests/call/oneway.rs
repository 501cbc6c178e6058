use std::time::Duration;

use tokio::time::sleep;
use trunkline::wire::{CompressType, Header, keys};
use trunkline::{ErrorKind, Failure, Sent, SerializeType};

use crate::events::events;
use crate::pair::{connect, with_server};
use crate::raw_peer::{RawPeer, RawServer, message, request};

#[tokio::test(start_paused = true)]
async fn a_oneway_is_answered_by_nothing_not_even_an_error() {
    let (events, mut seen) = events();
    let pair = with_server(|s| {
        let (ok, late) = (events.clone(), events.clone());
        s.raw("S", "Ok", move |ctx, body| {
            assert!(ctx.is_oneway());
            ok.note("ok");
            async { Ok(body) }
        })
        .raw("S", "Late", move |_, _| {
            let late = late.clone();
            async move {
                sleep(Duration::from_millis(10)).await;
                late.note("late");
                Err(Failure::new("too bad"))
            }
        })
        .raw("S", "Panic", |_, _| async { panic!("on purpose") })
        .raw("S", "Echo", |_, body| async { Ok(body) })
        .function("S", "Typed", |n: i64| async move { Ok::<_, Failure>(n) })
    })
    .await;
    let mut peer = RawPeer::dial(&pair.network).await;
    let oneway = Header::request(SerializeType::RAW).with_oneway(true);
    for (n, method) in ["Ok", "Late", "Panic", "Nope", "Typed"].into_iter().enumerate() {
        peer.send_message(&message(oneway.with_seq(n as u64), "S", method, &[], b"x")).await;
    }
    let unknown = oneway.with_compress(CompressType::new(6).unwrap());
    peer.send_message(&message(unknown, "S", "Ok", &[], b"x")).await;
    peer.send_message(&message(oneway, "Nope", "Nope", &[], b"x")).await;
    peer.send_message(&message(oneway, "S", "Ok", &[(keys::SERVER_TIMEOUT, "0")], b"x")).await;
    assert_eq!((seen.next().await, seen.next().await), ("ok", "late"));
    peer.send_message(&request(99, "S", "Echo", b"the only answer")).await;
    let answer = peer.next().await.unwrap();
    assert_eq!((answer.header().seq(), answer.payload()), (99, &b"the only answer"[..]));
    assert_eq!(seen.rest(), [""; 0], "what cannot be inflated or is late does not start");
}

#[tokio::test(start_paused = true)]
async fn notify_is_done_when_the_frame_is_written() {
    let network = trunkline::transport::memory::Memory::new();
    let mut server = RawServer::listen(&network).await;
    let once = trunkline::client::FailMode::Failfast;
    let client = connect(&network, trunkline::Client::builder().fail_mode(once).heartbeat(None)).await;
    let mut peer = server.accept().await;
    client.service("S").notify("M", &7).await.unwrap();
    let frame = peer.next().await.unwrap();
    assert!(frame.header().is_oneway() && !frame.header().is_response());
    assert_eq!(frame.metadata().get(keys::SERVER_TIMEOUT), None, "nobody waits for it");

    // The pipe holds 64 KiB: the second of these is not written before the first is read.
    let big = vec![0_u8; 60_000];
    let notify = |name| {
        let (client, payload) = (client.clone(), big.clone().into());
        tokio::spawn(async move { client.raw("S", name, SerializeType::RAW, payload).notify().await })
    };
    notify("First").await.unwrap().unwrap();
    let mut second = notify("Second");
    assert!(tokio::time::timeout(Duration::from_secs(1), &mut second).await.is_err());
    assert_eq!(peer.next().await.unwrap().service_method(), b"First");
    second.await.unwrap().unwrap();

    // The connection is lost before the kernel took it: nothing was sent.
    let mut third = notify("Third");
    assert!(tokio::time::timeout(Duration::from_secs(1), &mut third).await.is_err());
    drop(peer);
    let error = third.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, Sent::No));
}

#[tokio::test]
async fn what_does_not_encode_is_told() {
    let pair = with_server(|s| s).await;
    let error = pair.client.service_in("S", trunkline::codec::Json).notify("M", &f64::NAN).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No));
}
