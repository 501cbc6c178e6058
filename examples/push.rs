//! Messages that a server sends unasked: a client subscribes by a call and then listens.
//!
//! `cargo run --example push`

use std::time::Duration;

use trunkline::{Client, Ctx, Error, Failure, Metadata, Result, Server};

#[trunkline::service]
trait Prices {
    /// Pushes a few prices of a share to the caller's connection.
    async fn subscribe(&self, ctx: &Ctx, share: String) -> Result<()>;
}

struct Market;

impl Prices for Market {
    async fn subscribe(&self, ctx: &Ctx, share: String) -> Result<()> {
        let Some(pusher) = ctx.pusher() else {
            return Err(Failure::new("there is no connection to push to"));
        };
        // The pusher outlives the call, and knows when its connection is gone.
        tokio::spawn(async move {
            for (index, price) in [101, 103, 99].into_iter().enumerate() {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let mut metadata = Metadata::new();
                metadata.insert("index", index.to_string());
                let sent = pusher.push("Prices", &share, &metadata, price.to_string()).await;
                if let Err(error) = sent {
                    println!("(server: {error})");
                    return;
                }
            }
        });
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let server = Server::builder().service(Market.into_service()).bind("tcp@127.0.0.1:0").await?.spawn();
    let client = Client::connect(server.address()).await?;

    // Before the call: what is pushed earlier than this is not kept. The stream ends with the last handle to the client.
    let mut pushes = client.pushes();
    let prices = PricesClient::new(client);
    prices.subscribe("ACME".to_owned()).await?;

    for _ in 0..3 {
        let Some(pushed) = pushes.next().await else { break };
        let price = String::from_utf8_lossy(&pushed.payload);
        let index = pushed.metadata.get("index").unwrap_or("?");
        println!("{}.{} number {index}: {price}, from {}", pushed.service, pushed.method, pushed.address);
    }
    // A subscriber that does not read in time loses the newest messages, and is told how many.
    println!("missed: {}", pushes.missed());

    server.stop().await;
    Ok(())
}
