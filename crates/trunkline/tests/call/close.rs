use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::sleep;
use trunkline::transport::memory::Memory;
use trunkline::{Client, ErrorKind, Failure, Sent, SerializeType, Server};

use crate::pair::{connect, pair, serve};
use crate::raw_peer::RawServer;

fn slow() -> trunkline::server::ServerBuilder {
    Server::builder().function("Slow", "Sleep", |s: u64| async move {
        sleep(Duration::from_secs(s)).await;
        Ok::<_, Failure>(s)
    })
}

#[tokio::test(start_paused = true)]
async fn a_closed_client_ends_what_it_began_and_begins_nothing() {
    let pair = pair(slow(), Client::builder()).await;
    let client = pair.client.clone();
    let under_way = tokio::spawn(async move { client.service("Slow").call::<_, u64>("Sleep", &5).await });
    while pair.server.handle().in_flight() == 0 {
        sleep(Duration::from_millis(1)).await;
    }
    pair.client.close();
    let error = pair.client.service("Slow").call::<_, u64>("Sleep", &1).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, Sent::No));
    assert!(error.message().contains("closed"), "{error}");
    let error = pair.client.service("Slow").notify("Sleep", &1).await.unwrap_err();
    assert_eq!(error.sent(), Sent::No);
    assert_eq!(under_way.await.unwrap().unwrap(), 5);
    while pair.server.handle().connections() > 0 {
        sleep(Duration::from_millis(1)).await;
    }
    // Twice is once.
    pair.client.close();
}

#[tokio::test(start_paused = true)]
async fn a_dropped_client_leaves_nothing_open() {
    let network = Memory::new();
    let server = serve(&network, slow()).await;
    let client = connect(&network, Client::builder().connections(3)).await;
    client.ready().await;
    assert_eq!(server.handle().connections(), 3);
    drop(client);
    while server.handle().connections() > 0 {
        sleep(Duration::from_millis(1)).await;
    }
    // Nobody dials any more.
    sleep(Duration::from_secs(60)).await;
    assert_eq!(server.handle().connections(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_closed_while_it_dials_leaves_nothing_open() {
    let server = slow().bind("tcp@127.0.0.1:0").await.unwrap().spawn();
    let mut clients = tokio::task::JoinSet::new();
    for n in 0..400_u64 {
        let address = server.address().to_owned();
        clients.spawn(async move {
            let client = Client::connect(&address).await.unwrap();
            // At another moment of the dial each time.
            for _ in 0..n % 40 {
                tokio::task::yield_now().await;
            }
            if n % 2 == 0 {
                client.close();
            }
        });
    }
    while let Some(done) = clients.join_next().await {
        done.unwrap();
    }
    while server.handle().connections() > 0 {
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_oneway_that_was_taken_arrives_although_the_client_is_dropped() {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = seen.clone();
    let network = Memory::new();
    let server = Server::builder().raw("S", "Note", move |_, body| {
        count.fetch_add(1, Ordering::Relaxed);
        async { Ok(body) }
    });
    let _server = serve(&network, server).await;
    for _ in 0..20 {
        let client = connect(&network, Client::builder()).await;
        client.raw("S", "Note", SerializeType::RAW, "x".into()).notify().await.unwrap();
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(seen.load(Ordering::Relaxed), 20);
}

#[tokio::test(start_paused = true)]
async fn a_client_told_to_go_ends_its_calls_there_and_begins_others_elsewhere() {
    let network = Memory::new();
    let mut server = RawServer::listen(&network).await;
    let client = connect(&network, Client::builder()).await;
    let mut old = server.accept().await;
    let call = |client: &Client, method: &'static str| {
        let client = client.clone();
        tokio::spawn(async move { client.raw("S", method, SerializeType::RAW, "".into()).await })
    };
    let first = call(&client, "First");
    let first_request = old.next_call().await.unwrap();
    let drain = crate::raw_peer::message(trunkline::wire::Header::push(), "__trunkline", "drain", &[], b"");
    old.send_message(&drain).await;
    let mut new = server.accept().await;
    let second = call(&client, "Second");
    let second_request = new.next_call().await.unwrap();
    assert_eq!(second_request.service_method(), b"Second");
    new.answer(&second_request, b"new").await;
    assert_eq!(second.await.unwrap().unwrap(), "new");
    old.answer(&first_request, b"old").await;
    assert_eq!(first.await.unwrap().unwrap(), "old");
    assert!(old.next_call().await.is_none(), "the client closes what it no longer needs");
}
