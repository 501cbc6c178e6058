//! What travels with a call over two hops: metadata both ways, the deadline, the trace, and the end of it all
//! when the caller has no more time.
//!
//! `cargo run --example metadata_and_deadlines`

use std::time::Duration;

use trunkline::{Client, Ctx, Error, Failure, Result, Server};

#[trunkline::service]
trait Store {
    async fn find(&self, ctx: &Ctx, key: String) -> Result<String>;
}

struct Shelf;

impl Store for Shelf {
    async fn find(&self, ctx: &Ctx, key: String) -> Result<String> {
        let left = ctx.remaining().ok_or_else(|| Failure::new("the call has no deadline"))?;
        println!(
            "    store: {key:?} for tenant {:?}, trace {:?}, at most {} ms left",
            ctx.metadata().get("tenant"),
            ctx.metadata().get("traceparent").is_some(),
            left.as_millis().next_multiple_of(50),
        );
        // Answers travel with metadata, too; errors as well as replies.
        ctx.reply_metadata("shelf", "7");
        let mut work = Work { done: false };
        let takes = if key == "slow" { 400 } else { 10 };
        tokio::time::sleep(Duration::from_millis(takes)).await;
        work.done = true;
        Ok(format!("what lies at {key}"))
    }
}

/// A handler is a future, and is dropped when nobody waits for its answer any more.
struct Work {
    done: bool,
}

impl Drop for Work {
    fn drop(&mut self) {
        if !self.done {
            println!("    store: dropped in the middle of its work");
        }
    }
}

#[trunkline::service]
trait Front {
    async fn look_up(&self, ctx: &Ctx, key: String) -> Result<String>;
}

struct Desk {
    store: StoreClient,
}

impl Front for Desk {
    async fn look_up(&self, ctx: &Ctx, key: String) -> Result<String> {
        let tenant = ctx.metadata().get("tenant").unwrap_or("none");
        // Metadata is handed on by hand: what one server was told is not everybody's business. The deadline and the
        // trace go on by themselves, because this call is made inside a handler.
        let found = self.store.find(key).metadata("tenant", tenant).response().await?;
        println!(
            "  front: found on shelf {:?} of {:?}",
            found.metadata.get("shelf"),
            found.address.is_some()
        );
        Ok(found.value)
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let store = Server::builder().service(Shelf.into_service()).bind("tcp@127.0.0.1:0").await?.spawn();
    let desk = Desk { store: StoreClient::new(Client::connect(store.address()).await?) };
    let front = Server::builder().service(desk.into_service()).bind("tcp@127.0.0.1:0").await?.spawn();
    let client = FrontClient::new(Client::connect(front.address()).await?);

    for key in ["quick", "slow"] {
        println!("calling for {key:?}, with 200 ms");
        let answer = client
            .look_up(key.to_owned())
            .timeout(Duration::from_millis(200))
            .metadata("tenant", "blue")
            .metadata("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
            .await;
        match answer {
            Ok(text) => println!("answer: {text:?}\n"),
            Err(error) => println!("no answer: {error}\n"),
        }
    }

    // The store's handler has noticed by now.
    tokio::time::sleep(Duration::from_millis(50)).await;
    front.stop().await;
    store.stop().await;
    Ok(())
}
