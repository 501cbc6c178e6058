use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use trunkline::transport::memory::Memory;
use trunkline::wire::{Header, Limits, Status, keys};
use trunkline::{Client, Error, ErrorKind, Sent, SerializeType, Server};

use crate::pair::{connect, pair, with_server};
use crate::raw_peer::{RawPeer, RawServer, bytes_of, message, request};

/// A recorded frame.
fn golden(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trunkline-wire/tests/golden");
    let text = std::fs::read_to_string(folder.join(name).with_extension("hex")).unwrap();
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Frames after which nobody knows where the next one begins, or what the peer meant.
const BROKEN: [&str; 7] = [
    "90_bad_magic",
    "91_path_overrun",
    "92_zero_total",
    "93_metadata_truncated",
    "94_metadata_key_without_value",
    "97_payload_length_short",
    "98_huge_total",
];

#[tokio::test]
async fn a_server_answers_what_came_before_a_broken_frame_and_closes() {
    let pair = with_server(|s| s.raw("S", "Echo", |_, body| async move { Ok(body) })).await;
    for name in BROKEN {
        let mut peer = RawPeer::dial(&pair.network).await;
        let mut bytes = bytes_of(&request(1, "S", "Echo", b"before"));
        bytes.extend_from_slice(&golden(name));
        bytes.extend_from_slice(&bytes_of(&request(2, "S", "Echo", b"after")));
        peer.send(&bytes).await;
        assert_eq!(peer.next().await.unwrap().payload(), b"before", "{name}");
        assert!(peer.next().await.is_none(), "{name}");
    }
    // Nobody else noticed.
    let answer = pair.client.raw("S", "Echo", SerializeType::RAW, "x".into()).await.unwrap();
    assert_eq!(answer, "x");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_under_way_when_a_broken_frame_comes_has_a_while_to_end() {
    let sleeps = |ms| {
        move |_, body| async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(body)
        }
    };
    let pair = with_server(|s| s.raw("S", "Slow", sleeps(100)).raw("S", "Slower", sleeps(5_000))).await;
    for (method, is_answered) in [("Slow", true), ("Slower", false)] {
        let mut peer = RawPeer::dial(&pair.network).await;
        let mut bytes = bytes_of(&request(1, "S", method, b"before"));
        bytes.extend_from_slice(&golden("90_bad_magic"));
        peer.send(&bytes).await;
        if is_answered {
            assert_eq!(peer.next().await.unwrap().payload(), b"before");
        }
        assert!(peer.next().await.is_none(), "{method}");
    }
}

#[tokio::test]
async fn a_server_answers_what_is_whole_but_not_usable() {
    let pair = with_server(|s| s.raw("S", "Echo", |_, body| async move { Ok(body) })).await;
    let mut peer = RawPeer::dial(&pair.network).await;
    for name in ["95_unknown_compressor", "96_gzip_garbage", "22_empty_everything", "21_unknown_bits"] {
        peer.send(&golden(name)).await;
        let answer = peer.next().await.unwrap();
        assert_eq!(answer.header().status(), Status::Error, "{name}");
    }
    peer.send_message(&request(2, "S", "Echo", b"alive")).await;
    assert_eq!(peer.next().await.unwrap().payload(), b"alive");
}

#[tokio::test]
async fn frames_arrive_one_byte_at_a_time() {
    let pair = with_server(|s| s.raw("S", "Echo", |_, body| async move { Ok(body) })).await;
    let mut peer = RawPeer::dial(&pair.network).await;
    let mut bytes = bytes_of(&request(1, "S", "Echo", b"first"));
    bytes.extend_from_slice(&bytes_of(&request(2, "S", "Echo", b"second")));
    for byte in &bytes {
        peer.send(std::slice::from_ref(byte)).await;
        tokio::task::yield_now().await;
    }
    for payload in ["first", "second"] {
        assert_eq!(peer.next().await.unwrap().payload(), payload.as_bytes());
    }
}

#[tokio::test]
async fn a_peer_that_ends_inside_a_frame_is_forgotten() {
    let pair = with_server(|s| s).await;
    let frame = bytes_of(&request(1, "S", "Echo", b"payload"));
    for cut in 1..frame.len() {
        let peer = RawPeer::dial(&pair.network).await;
        peer.send(&frame[..cut]).await;
    }
    while pair.server.handle().connections() > 1 {
        tokio::task::yield_now().await;
    }
}

/// Calls a server that answers with these bytes.
async fn answered_with(answer: impl FnOnce(Header) -> Vec<u8>) -> [Result<Bytes, Error>; 2] {
    let network = Memory::new();
    let mut server = RawServer::listen(&network).await;
    let client = connect(&network, Client::builder()).await;
    let mut peer = server.accept().await;
    let call = |method| client.raw("S", method, SerializeType::RAW, "".into()).into_future();
    let serve = async {
        let first = peer.next_call().await.unwrap();
        peer.next_call().await.unwrap();
        peer.send(&answer(first.header())).await;
        drop(server);
        peer.next().await
    };
    let (a, b, _) = tokio::join!(call("A"), call("B"), serve);
    [a, b]
}

#[tokio::test]
async fn a_broken_frame_fails_every_call_of_a_client_and_none_succeeds() {
    for name in BROKEN {
        for result in answered_with(|_| golden(name)).await {
            let error = result.unwrap_err();
            assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, Sent::Maybe), "{name}");
            assert!(error.message().contains("protocol error"), "{name}: {error}");
        }
    }
    // A request where a response belongs.
    let [request, _] = answered_with(|header| bytes_of(&message(header, "", "", &[], b""))).await;
    assert!(request.unwrap_err().message().contains("a request"));
}

#[tokio::test]
async fn a_reply_that_came_before_a_broken_frame_counts() {
    let [first, second] = answered_with(|header| {
        let mut bytes = bytes_of(&message(header.response_to(), "", "", &[], b"reply"));
        bytes.extend_from_slice(&golden("90_bad_magic"));
        bytes
    })
    .await;
    assert_eq!(first.unwrap(), "reply");
    assert_eq!(second.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn answers_that_nobody_asked_for_are_dropped() {
    let [first, second] = answered_with(|header| {
        let mut bytes = Vec::new();
        for seq in [u64::MAX, header.seq() + (1 << 32), 77_777] {
            let header = header.response_to().with_seq(seq);
            bytes.extend_from_slice(&bytes_of(&message(header, "", "", &[], b"stray")));
        }
        let reply = message(header.response_to(), "", "", &[], b"reply");
        bytes.extend_from_slice(&bytes_of(&reply));
        bytes.extend_from_slice(&bytes_of(&reply));
        bytes.extend_from_slice(&bytes_of(&message(header.response_to(), "", "", &[], b"again")));
        bytes.extend_from_slice(&golden("90_bad_magic"));
        bytes
    })
    .await;
    assert_eq!(first.unwrap(), "reply");
    assert!(second.is_err());
}

#[tokio::test]
async fn frames_over_the_limit_end_the_connection_on_both_ends() {
    let small = || Limits::default().with_frame(10_000).with_metadata(1_000);
    let server = Server::builder()
        .raw("S", "Make", |_, body| async move {
            let len: usize = std::str::from_utf8(&body).unwrap().parse().unwrap();
            Ok(vec![0; len].into())
        })
        .limit(|l| l.wire = small());
    let pair = pair(server, Client::builder().limits(small())).await;
    let make =
        |len: usize| pair.client.raw("S", "Make", SerializeType::RAW, len.to_string().into()).into_future();
    assert_eq!(make(9_900).await.unwrap().len(), 9_900);
    let error = make(10_000).await.unwrap_err();
    assert!(error.message().contains("the limit is 10000"), "{error}");

    let mut peer = RawPeer::dial(&pair.network).await;
    peer.send_message(&request(1, "S", "Make", &[b'0'; 9_900])).await;
    assert!(peer.next().await.is_some(), "within the limit");
    peer.send_message(&request(1, "S", "Make", &[b'0'; 10_000])).await;
    assert!(peer.next().await.is_none());

    let mut peer = RawPeer::dial(&pair.network).await;
    let header = Header::request(SerializeType::RAW);
    let pairs = [(keys::AUTH, &*"x".repeat(1_000))];
    peer.send_message(&message(header, "S", "Make", &pairs, b"1")).await;
    assert!(peer.next().await.is_none(), "metadata has a limit of its own");
}

#[tokio::test]
async fn a_payload_length_that_lies_is_accepted_where_that_is_asked_for() {
    let server = Server::builder()
        .raw("Arith", "Mul", |_, body| async move { Ok(body) })
        .limit(|l| l.wire = Limits::default().with_accept_payload_length_mismatch(true));
    let pair = pair(server, Client::builder()).await;
    let mut peer = RawPeer::dial(&pair.network).await;
    let golden = golden("97_payload_length_short");
    peer.send(&golden).await;
    let answer = peer.next().await.unwrap();
    assert_eq!(answer.header().status(), Status::Normal);
    assert!(golden.ends_with(answer.payload()), "all the rest of the frame, as Go takes it");
}

#[tokio::test]
async fn names_longer_than_anybody_uses_end_the_connection() {
    let pair = with_server(|s| s.raw("S", "Echo", |_, body| async move { Ok(body) })).await;
    let mut peer = RawPeer::dial(&pair.network).await;
    let mut bytes = bytes_of(&request(1, "S", "Echo", b"before"));
    bytes.extend_from_slice(&bytes_of(&request(2, &"S".repeat(20_000), "Echo", b"after")));
    peer.send(&bytes).await;
    assert_eq!(peer.next().await.unwrap().payload(), b"before");
    assert!(peer.next().await.is_none());
}
