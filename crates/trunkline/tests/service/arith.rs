//! The service that the other files call, with its client, over an in-process network.

use std::fmt;

use trunkline::transport::memory::Memory;
use trunkline::{Client, Ctx, Result, Server, Service};

#[trunkline::message]
#[derive(Debug, Clone, PartialEq)]
pub struct Args {
    pub a: i64,
    pub b: i64,
}

#[trunkline::message]
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    pub c: i64,
}

/// Arithmetic.
#[trunkline::service]
pub trait Arith {
    /// Multiplies.
    #[method(idempotent)]
    async fn mul(&self, args: Args) -> Result<Reply>;
    async fn div(&self, ctx: &Ctx, args: Args) -> Result<Reply>;
    async fn ping(&self) -> Result<()>;
}

pub struct Calculator;

impl Arith for Calculator {
    async fn mul(&self, args: Args) -> Result<Reply> {
        Ok(Reply { c: args.a * args.b })
    }

    async fn div(&self, ctx: &Ctx, args: Args) -> Result<Reply> {
        let _ = ctx;
        Ok(Reply { c: args.a / args.b })
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_method_is_called() {
    let network = Memory::new();
    let server = Server::builder()
        .service(Calculator.into_service())
        .transport(network.clone())
        .bind("memory@a")
        .await
        .unwrap()
        .spawn();
    let client = Client::builder().transport(network).connect("memory@a").await.unwrap();
    let arith = ArithClient::new(client);
    assert_eq!(arith.mul(Args { a: 6, b: 7 }).await.unwrap(), Reply { c: 42 });
    arith.ping().await.unwrap();
    println!("{:#?}", ArithClient::describe());
    server.stop().await;
}
