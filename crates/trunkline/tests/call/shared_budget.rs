//! Clients that share a byte budget which does not suffice for all of them.

use std::time::Duration;

use trunkline::transport::memory::Memory;
use trunkline::{ByteBudget, Client, SerializeType};

use crate::pair::connect;
use crate::raw_peer::{RawServer, bytes_of, message};

#[tokio::test(start_paused = true)]
async fn connections_that_hold_half_a_reply_each_do_not_wait_for_each_other() {
    const CONNECTIONS: usize = 4;
    let budget = ByteBudget::new(512 << 10);
    let network = Memory::new();
    let mut server = RawServer::listen(&network).await;
    let client = Client::builder().connections(CONNECTIONS).budget(&budget).heartbeat(None);
    let client = connect(&network, client).await;
    let mut peers = Vec::new();
    for _ in 0..CONNECTIONS {
        peers.push(server.accept().await);
    }
    client.ready().await;
    let calls: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.raw("S", "M", SerializeType::RAW, "x".into()).await })
        })
        .collect();
    let replying = peers.into_iter().map(|mut peer| {
        tokio::spawn(async move {
            let request = peer.next().await.unwrap();
            let reply = bytes_of(&message(request.header().response_to(), "", "", &[], &[7; 1 << 20]));
            let (first, second) = reply.split_at(400 << 10);
            peer.writer.send(first).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
            peer.writer.send(second).await.unwrap();
            peer
        })
    });
    let replying: Vec<_> = replying.collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(budget.used() > budget.limit(), "what is held is counted: {}", budget.used());
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().len(), 1 << 20);
    }
    drop(replying);
    assert_eq!(budget.used(), 0);
}
