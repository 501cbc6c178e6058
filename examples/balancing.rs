//! Which server gets a call: by load and latency, by weight, by key, a share for a new version.
//!
//! Run it with `cargo run --example balancing`.

use std::collections::BTreeMap;

use trunkline::balance::{GoHash, P2c, Split, WeightedRoundRobin};
use trunkline::client::ClientBuilder;
use trunkline::{Client, Error, Failure, Server};

type Anything = Box<dyn std::error::Error>;

/// How many of 100 calls each server got.
async fn tally(client: ClientBuilder, list: &str, key: Option<&str>) -> Result<BTreeMap<char, u32>, Error> {
    let client = client.connect(list).await?;
    client.ready().await;
    let mut tally = BTreeMap::new();
    for _ in 0..100 {
        let mut call = client.service("Fleet").call::<_, char>("Who", &());
        if let Some(key) = key {
            call = call.key(key);
        }
        *tally.entry(call.await?).or_default() += 1;
    }
    Ok(tally)
}

#[tokio::main]
async fn main() -> Result<(), Anything> {
    let mut servers = Vec::new();
    let mut list = Vec::new();
    for (name, attributes) in [('a', "weight=5"), ('b', "weight=1"), ('c', "weight=1&version=2")] {
        let who = move |(): ()| async move { Ok::<_, Failure>(name) };
        let server = Server::builder().function("Fleet", "Who", who).bind("tcp@127.0.0.1:0").await?.spawn();
        list.push(format!("{}?{attributes}", server.address()));
        servers.push(server);
    }
    let list = list.join(",");

    let p2c = tally(Client::builder().balancer(P2c::new()), &list, None).await?;
    println!("the better of two, the default: {p2c:?}");
    let weighted = tally(Client::builder().balancer(WeightedRoundRobin::new()), &list, None).await?;
    println!("by weight 5, 1, 1:              {weighted:?}");
    for key in ["alice", "bob", "carol"] {
        let hashed = tally(Client::builder().balancer(GoHash::new()), &list, Some(key)).await?;
        println!("by key, {key:6}:                 {hashed:?}");
    }
    let split = Split::over(P2c::new()).share("version", "2", 5.0)?;
    let canary = tally(Client::builder().balancer(split), &list, None).await?;
    println!("5 % for version 2:              {canary:?}");

    for server in servers {
        server.stop().await;
    }
    Ok(())
}
