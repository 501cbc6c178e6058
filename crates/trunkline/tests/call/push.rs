use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use trunkline::server::ServerBuilder;
use trunkline::transport::memory::Memory;
use trunkline::wire::Header;
use trunkline::{Client, ErrorKind, Metadata, Pusher, Sent, SerializeType, Server};

use crate::pair::{connect, pair, with_server};
use crate::raw_peer::{RawPeer, RawServer, bytes_of, message, request};

type Joined = Arc<Mutex<Vec<Pusher>>>;

/// A server that remembers who joined.
fn chat() -> (ServerBuilder, Joined) {
    let joined = Joined::default();
    let join = joined.clone();
    let server = Server::builder().raw("Chat", "Join", move |ctx, body| {
        join.lock().unwrap().push(ctx.pusher().unwrap());
        async move { Ok(body) }
    });
    (server, joined)
}

fn last(joined: &Joined) -> Pusher {
    joined.lock().unwrap().last().unwrap().clone()
}

#[tokio::test]
async fn a_push_arrives_as_it_was_sent() {
    let (server, joined) = chat();
    let pair = pair(server, Client::builder()).await;
    let mut pushes = pair.client.pushes();
    pair.client.raw("Chat", "Join", SerializeType::RAW, "x".into()).await.unwrap();
    let metadata: Metadata = [("k", "v")].into_iter().collect();
    let large = vec![9; 200_000];
    for payload in [&b"small"[..], b"", &large] {
        last(&joined).push("News", "Today", &metadata, payload.to_vec()).await.unwrap();
        let pushed = pushes.next().await.unwrap();
        assert_eq!((&*pushed.service, &*pushed.method), ("News", "Today"));
        assert_eq!((pushed.metadata.get("k"), &pushed.payload[..]), (Some("v"), payload));
        assert_eq!(&*pushed.address, "memory@server");
    }
    pair.client.close();
    assert!(pushes.next().await.is_none(), "the client is closed");
    assert!(pair.client.pushes().next().await.is_none(), "and stays so");
}

#[tokio::test]
async fn a_push_is_what_go_expects_and_numbered_per_server() {
    let (server, joined) = chat();
    let pair = pair(server, Client::builder()).await;
    let (mut a, mut b) = (RawPeer::dial(&pair.network).await, RawPeer::dial(&pair.network).await);
    for peer in [&mut a, &mut b] {
        peer.send_message(&request(1, "Chat", "Join", b"")).await;
        peer.next().await.unwrap();
        last(&joined).push("News", "Today", &Metadata::new(), "text").await.unwrap();
    }
    for (peer, seq) in [(&mut a, 1), (&mut b, 2)] {
        let push = peer.next().await.unwrap();
        assert_eq!(push.header(), Header::push().with_seq(seq));
        assert_eq!(push.payload(), b"text");
    }
}

#[tokio::test]
async fn a_push_is_no_answer_even_with_the_number_of_a_call() {
    let network = Memory::new();
    let mut server = RawServer::listen(&network).await;
    let client = connect(&network, Client::builder()).await;
    let mut pushes = client.pushes();
    let mut peer = server.accept().await;
    let serve = async {
        let request = peer.next_call().await.unwrap();
        let push = Header::push().with_seq(request.header().seq());
        peer.send_message(&message(push, "News", "Today", &[], b"push")).await;
        peer.answer(&request, b"answer").await;
    };
    let call = client.raw("S", "M", SerializeType::RAW, Bytes::new());
    let (answer, ()) = tokio::join!(call.into_future(), serve);
    assert_eq!(answer.unwrap(), "answer");
    assert_eq!(pushes.next().await.unwrap().payload, "push");
}

#[tokio::test]
async fn a_subscriber_that_does_not_read_misses_the_newest_and_knows_how_many() {
    let network = Memory::new();
    let mut server = RawServer::listen(&network).await;
    let client = connect(&network, Client::builder()).await;
    let (mut lazy, mut eager) = (client.pushes(), client.pushes());
    let peer = server.accept().await;
    let push = |n: u32| bytes_of(&message(Header::push(), "S", "M", &[], &n.to_be_bytes()));
    for n in 0..1_500 {
        peer.send(&push(n)).await;
        assert_eq!(eager.next().await.unwrap().payload[..], n.to_be_bytes());
    }
    assert_eq!((lazy.missed(), eager.missed()), (1_500 - 1_024, 0));
    for n in 0..1_024_u32 {
        assert_eq!(lazy.next().await.unwrap().payload[..], n.to_be_bytes());
    }
    // A few large ones fill the queue as well.
    let large = bytes_of(&message(Header::push(), "S", "M", &[], &vec![0; 1 << 20]));
    for _ in 0..18 {
        peer.send(&large).await;
        eager.next().await.unwrap();
    }
    // Of 16 MiB, for each counts with its names as well.
    assert_eq!(lazy.missed(), 1_500 - 1_024 + 3);
    drop(lazy);
    peer.send(&push(7)).await;
    assert_eq!(eager.next().await.unwrap().payload[..], 7_u32.to_be_bytes());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_pushed_no_more_than_a_bound() {
    let (server, joined) = chat();
    let pair = pair(server, Client::builder()).await;
    let mut peer = RawPeer::dial(&pair.network).await;
    peer.send_message(&request(1, "Chat", "Join", b"")).await;
    peer.next().await.unwrap();
    let pusher = last(&joined);
    let mut pushed = 0;
    let error = loop {
        match pusher.push("News", "Today", &Metadata::new(), vec![0; 60_000]).await {
            Ok(()) => pushed += 1,
            Err(error) => break error,
        }
        assert!(pushed < 100, "there is a bound");
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Overloaded, Sent::No));
    for _ in 0..pushed {
        assert_eq!(peer.next().await.unwrap().payload().len(), 60_000);
    }
    // It reads again, and may be sent to again.
    pusher.push("News", "Today", &Metadata::new(), "more").await.unwrap();
    assert_eq!(peer.next().await.unwrap().payload(), b"more");
}

#[tokio::test]
async fn control_messages_are_not_shown_to_subscribers() {
    let network = Memory::new();
    let mut server = RawServer::listen(&network).await;
    let client = connect(&network, Client::builder()).await;
    let mut pushes = client.pushes();
    let peer = server.accept().await;
    peer.send_message(&message(Header::push(), "__trunkline", "unheard-of", &[], b"")).await;
    peer.send_message(&message(Header::push(), "S", "M", &[], b"seen")).await;
    assert_eq!(pushes.next().await.unwrap().payload, "seen");
}

#[tokio::test]
async fn a_call_without_a_connection_has_nobody_to_push_to() {
    let pair =
        with_server(|s| s.raw("S", "M", |ctx, _| async move { Ok(format!("{:?}", ctx.peer()).into()) }))
            .await;
    let peer = pair.client.raw("S", "M", SerializeType::RAW, Bytes::new()).await.unwrap();
    assert!(std::str::from_utf8(&peer).unwrap().contains("memory@server"));
}
