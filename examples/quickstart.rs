//! A service, a server and a client in one program.
//!
//! `cargo run --release --example quickstart`

use std::time::Duration;

use trunkline::{Client, Error, Failure, Result, Server};

#[trunkline::message]
struct Args {
    a: i64,
    b: i64,
}

#[trunkline::message]
struct Reply {
    c: i64,
}

#[trunkline::service]
trait Arith {
    #[method(idempotent)]
    async fn mul(&self, args: Args) -> Result<Reply>;
    async fn div(&self, args: Args) -> Result<Reply>;
}

struct Calculator;

impl Arith for Calculator {
    async fn mul(&self, args: Args) -> Result<Reply> {
        Ok(Reply { c: args.a * args.b })
    }

    async fn div(&self, args: Args) -> Result<Reply> {
        let c = args.a.checked_div(args.b).ok_or_else(|| Failure::new("cannot divide by zero"))?;
        Ok(Reply { c })
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let server = Server::builder().service(Calculator.into_service()).bind("tcp@127.0.0.1:0").await?.spawn();
    println!("serving on {}", server.address());

    let arith = ArithClient::new(Client::connect(server.address()).await?);
    let product = arith.mul(Args { a: 6, b: 7 }).timeout(Duration::from_secs(1)).await?;
    println!("6 * 7 = {}", product.c);
    if let Err(error) = arith.div(Args { a: 1, b: 0 }).await {
        println!("1 / 0: {error}");
    }

    let report = server.stop().await;
    println!("stopped with {} of {} calls cut", report.cut, report.under_way);
    Ok(())
}
