//! Why a call failed, or why it went where it went.
//!
//! Five servers of one service: a good one, one that was paused, one whose breaker opens, one that
//! an operator set inactive, and one that is gone. Then the registry goes away, too, and calls go
//! on succeeding.
//!
//! Run it with `cargo run --example explain`.

use std::time::Duration;

use tokio::net::TcpListener;
use trunkline::client::Breaker;
use trunkline::registry::MemoryRegistry;
use trunkline::server::RunningServer;
use trunkline::{Client, Error, Result, Server};

#[trunkline::service]
trait Weather {
    #[method(idempotent)]
    async fn degrees(&self, town: String) -> Result<i64>;
}

struct Good;
struct Broken;

impl Weather for Good {
    async fn degrees(&self, town: String) -> Result<i64> {
        Ok(town.len() as i64)
    }
}

impl Weather for Broken {
    async fn degrees(&self, _: String) -> Result<i64> {
        panic!("the thermometer fell down")
    }
}

type Anything = Box<dyn std::error::Error>;

async fn serve(server: trunkline::server::ServerBuilder) -> Result<RunningServer, Error> {
    Ok(server.bind("tcp@127.0.0.1:0").await?.spawn())
}

#[tokio::main]
async fn main() -> Result<(), Anything> {
    // The broken server's panics are part of the show.
    std::panic::set_hook(Box::new(|_| {}));
    let good = serve(Server::builder().service(Good.into_service())).await?;
    let broken = serve(Server::builder().service(Broken.into_service())).await?;
    let inactive = serve(Server::builder().service(Good.into_service())).await?;
    // A process that was stopped: the kernel still accepts connections for it, and nobody answers.
    let paused = TcpListener::bind("127.0.0.1:0").await?;
    let gone = TcpListener::bind("127.0.0.1:0").await?;
    let (paused_at, gone_at) = (paused.local_addr()?, gone.local_addr()?);
    drop(gone);

    let store = MemoryRegistry::new();
    let put = |address: &str, attributes: &str| store.faults().put("Weather", address, attributes);
    put(good.address(), "zone=a");
    put(broken.address(), "zone=a");
    put(inactive.address(), "zone=a&state=inactive");
    put(&format!("tcp@{paused_at}"), "zone=a");
    put(&format!("tcp@{gone_at}"), "zone=a");

    let client = Client::builder()
        .timeout(Duration::from_secs(5))
        .heartbeat(Some(Duration::from_millis(200)))
        .heartbeat_timeout(Duration::from_millis(200))
        .breaker(Breaker::consecutive(3).pause(Duration::from_secs(60)))
        .connect_to(store.registry().resolver()?)
        .await?;
    let weather = WeatherClient::new(client.clone());
    client.ready_for("Weather").await;

    // Three failures in a row open the breaker of the broken one.
    for _ in 0..3 {
        let error = weather.degrees("Oslo".to_owned()).to(broken.address()).await.expect_err("it panics");
        println!("\nA failed call:\n{error}");
    }

    // Calls of an idempotent method: those that go to the paused server are made again elsewhere
    // once its silence is noticed.
    for _ in 0..100 {
        weather.degrees("Oslo".to_owned()).await?;
    }
    println!("\n100 calls answered");

    // Every call can be asked how it went.
    let response = weather.degrees("Bergen".to_owned()).explain().response().await?;
    if let Some(explanation) = &response.explanation {
        println!("\nA call that succeeded, at {}:", response.address.as_deref().unwrap_or_default());
        for candidate in &explanation.candidates {
            println!(
                "  could take it: {} ({} in flight, {:?})",
                candidate.address, candidate.in_flight, candidate.latency
            );
        }
        for excluded in &explanation.excluded {
            println!("  could not:     {} ({})", excluded.address, excluded.why);
        }
    }

    // The registry goes away. What it said last is still believed.
    store.faults().stop();
    tokio::time::sleep(Duration::from_secs(2)).await;
    for _ in 0..100 {
        weather.degrees("Tromsø".to_owned()).await?;
    }
    let response = weather.degrees("Vadsø".to_owned()).explain().response().await?;
    println!(
        "\n100 calls later, without the registry:\n{}",
        response.explanation.map(|e| e.to_string()).unwrap_or_default()
    );

    // And the last good server goes, too.
    good.stop().await;
    let error = weather.degrees("Hamar".to_owned()).await.expect_err("nobody is left");
    println!("\nWith nobody left:\n{error}");
    Ok(())
}
