//! Finding servers: a list that the program changes, and a registry that servers come to and go
//! from.
//!
//! Run it with `cargo run --example discovery`. The registry is one in memory; the same program
//! uses etcd with `etcd://127.0.0.1:2379/rpcx_test` (the feature `etcd`).

use std::sync::Arc;

use trunkline::registry::{Instance, List, MemoryRegistry};
use trunkline::server::RunningServer;
use trunkline::{Client, Error, Failure, Server};

type Anything = Box<dyn std::error::Error>;

/// A server that answers with its name.
async fn serve(name: &'static str) -> Result<RunningServer, Error> {
    let who = move |(): ()| async move { Ok::<_, Failure>(name) };
    Ok(Server::builder().function("Fleet", "Who", who).bind("tcp@127.0.0.1:0").await?.spawn())
}

fn instance(server: &RunningServer) -> Result<Instance, Anything> {
    Ok(server.address().parse()?)
}

async fn who(client: &Client) -> Result<String, Error> {
    client.service("Fleet").call("Who", &()).await
}

#[tokio::main]
async fn main() -> Result<(), Anything> {
    let (a, b) = (serve("a").await?, serve("b").await?);

    // A list: written as text, `tcp@h:1?weight=2,tcp@h:2`, or made and changed by the program.
    let list = List::new([instance(&a)?]);
    let client = Client::builder().connect_to(Arc::new(list.clone())).await?;
    println!("with a list of one: {}", who(&client).await?);
    list.set([instance(&b)?]);
    // The client hears of it at once, though not in the same moment.
    while who(&client).await? != "b" {
        tokio::task::yield_now().await;
    }
    println!("with another list: {}", who(&client).await?);

    // A registry: what servers write, clients follow.
    let registry = MemoryRegistry::new().registry();
    let registrar = registry.registrar()?;
    let first = registrar.register("Fleet", instance(&a)?)?;
    first.registered().await?;
    let client = Client::builder().connect_to(registry.resolver()?).await?;
    client.ready_for("Fleet").await;
    println!("registered: {}", who(&client).await?);
    let second = registrar.register("Fleet", instance(&b)?)?;
    second.registered().await?;
    let mut watch = registry.resolver()?.watch("Fleet");
    while watch.current().instances().len() < 2 {
        watch.changed().await;
    }
    println!("both are listed: {:?}", watch.current().instances());

    // What is withdrawn on purpose is gone at once.
    first.close().await?;
    while watch.current().instances().len() > 1 {
        watch.changed().await;
    }
    println!("one has left: {:?}", watch.current().instances());
    while who(&client).await? != "b" {
        tokio::task::yield_now().await;
    }
    second.close().await?;
    a.stop().await;
    b.stop().await;
    Ok(())
}
