//! A server in etcd, and a client that finds it there.
//!
//! `cargo run -p trunkline-examples --features etcd --example etcd -- etcd://127.0.0.1:2379/rpcx_test`
//! needs an etcd; without a URL it says so and starts nothing.

use std::time::Duration;

use trunkline::registry::{Instance, Registry};
use trunkline::{Client, Result, Server};

#[trunkline::service]
trait Hello {
    async fn greet(&self, name: String) -> Result<String>;
}

struct Greeter;

impl Hello for Greeter {
    async fn greet(&self, name: String) -> Result<String> {
        Ok(format!("hello, {name}"))
    }
}

type Anything = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Anything> {
    let Some(url) = std::env::args().nth(1) else {
        println!("nothing was started: give the URL of an etcd, such as etcd://127.0.0.1:2379/rpcx_test");
        return Ok(());
    };
    let server = Server::builder().service(Greeter.into_service()).bind("tcp@127.0.0.1:0").await?.spawn();

    // What the registry says of this server: Go clients read it, too.
    let registry = Registry::open(&url)?;
    let instance: Instance = format!("{}?weight=3", server.address()).parse()?;
    let registration = registry.registrar()?.register("Hello", instance)?;
    match tokio::time::timeout(Duration::from_secs(10), registration.registered()).await {
        Ok(registered) => registered?,
        Err(_) => return Err(format!("it is not in the registry yet: {:?}", registration.status()).into()),
    }

    let hello = HelloClient::new(Client::connect(&url).await?);
    println!("{}", hello.greet("etcd".to_owned()).await?);

    // An operator's edit, as `etcdctl put` or a console would make it: it stays until the server
    // is stopped, whatever happens to etcd or to the server's lease.
    let catalog = registry.catalog()?;
    for entry in catalog.instances("Hello").await? {
        if entry.instance.address().as_str() == server.address() {
            let mut attributes = entry.instance.attributes().clone();
            attributes.set("weight", "1");
            let swap = catalog.edit("Hello", entry.instance.address(), &attributes, &entry.version).await?;
            println!("{} -> {attributes}: {swap:?}", entry.instance);
        }
    }

    // First away from the registry, then stopped.
    registration.close().await?;
    server.stop().await;
    Ok(())
}
