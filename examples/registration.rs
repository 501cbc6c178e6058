//! Servers that register and a client that finds them: what stands in the registry, what an operator changes there, and
//! a stop that no caller notices.
//!
//! `cargo run --example registration`

use std::time::Duration;

use trunkline::registry::{MemoryRegistry, Registry, Settings};
use trunkline::server::RunningServer;
use trunkline::{Client, Ctx, Error, Result, Server};

#[trunkline::service]
trait Greeter {
    async fn greet(&self, ctx: &Ctx, name: String) -> Result<String>;
}

struct Named(&'static str);

impl Greeter for Named {
    async fn greet(&self, _: &Ctx, name: String) -> Result<String> {
        Ok(format!("{name}, this is {}", self.0))
    }
}

async fn start(name: &'static str, registry: &Registry) -> Result<RunningServer, Error> {
    Ok(Server::builder()
        .service(Named(name).into_service())
        // Across machines: `.register("etcd://10.0.0.1:2379/rpcx_test")`.
        .register_with(registry.clone())
        .attributes("weight=1")
        // Time for clients to notice that it goes; 3 s unless it is said.
        .grace(Duration::from_millis(200))
        // Where clients dial something else than what is bound, there is `.advertise("tcp@10.0.0.5:30000")`.
        .bind("tcp@127.0.0.1:0")
        .await?
        .spawn())
}

async fn ready(server: &RunningServer) {
    while !server.handle().is_ready() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Who answers ten calls.
async fn ask(greeter: &GreeterClient) -> Result<(), Error> {
    let mut answers = Vec::new();
    for _ in 0..10 {
        let answer = greeter.greet("Ann".to_owned()).await?;
        let name = answer.rsplit(' ').next().unwrap_or_default().to_owned();
        if !answers.contains(&name) {
            answers.push(name);
        }
    }
    answers.sort();
    println!("  ten calls were answered by {}\n", answers.join(", "));
    Ok(())
}

/// What a console does: change the entry at an address.
async fn edit(registry: &Registry, address: &str, key: &str, value: &str) -> Result<(), Error> {
    let catalog = registry.catalog()?;
    for entry in catalog.instances("Greeter").await? {
        if entry.instance.address().as_str() == address {
            let mut attributes = entry.instance.attributes().clone();
            attributes.set(key, value);
            catalog.edit("Greeter", entry.instance.address(), &attributes, &entry.version).await?;
        }
    }
    Ok(())
}

async fn show(registry: &Registry) -> Result<(), Error> {
    for entry in registry.catalog()?.instances("Greeter").await? {
        println!("  in the registry: {}", entry.instance);
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let memory = MemoryRegistry::new();
    // How often servers read back what stands there: 10 s unless it is said.
    let mut settings = Settings::default();
    settings.check = Duration::from_millis(50);
    let registry = memory.registry().settings(settings);
    let one = start("one", &registry).await?;
    let two = start("two", &registry).await?;
    ready(&one).await;
    ready(&two).await;
    println!("--- two servers register");
    show(&registry).await?;
    let greeter = GreeterClient::new(Client::builder().connect_to(registry.resolver()?).await?);
    ask(&greeter).await?;

    println!("--- an operator takes one of them out");
    edit(&registry, one.address(), "state", "inactive").await?;
    tokio::time::sleep(Duration::from_millis(200)).await;
    show(&registry).await?;
    ask(&greeter).await?;

    println!("--- the registry loses all it had: the servers put it back, and what the operator said");
    memory.faults().wipe();
    while registry.catalog()?.instances("Greeter").await?.len() < 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    show(&registry).await?;
    ask(&greeter).await?;

    println!("--- it is back, and the other one stops, while calls go on");
    edit(&registry, one.address(), "state", "active").await?;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let stopping = tokio::spawn(two.stop());
    let mut answered = 0;
    while !stopping.is_finished() {
        greeter.greet("Ann".to_owned()).await?;
        answered += 1;
    }
    let report = stopping.await.expect("the server does not panic");
    let left = report.left_behind.len();
    println!(
        "  {} calls were answered meanwhile, none failed; left behind: {left}",
        if answered > 0 { "all" } else { "no" }
    );
    show(&registry).await?;
    ask(&greeter).await?;
    one.stop().await;
    Ok(())
}
