//! The example that users see first, as they would write it.

use std::time::Duration;

use trunkline::{Client, Ctx, Failure, Result, Server};

#[trunkline::message]
pub(crate) struct Args {
    pub(crate) a: i64,
    pub(crate) b: i64,
}

#[trunkline::message]
pub(crate) struct Reply {
    pub(crate) c: i64,
}

#[derive(Debug, Failure)]
pub(crate) enum DivError {
    #[failure("division by zero", kind = invalid)]
    ByZero,
}

#[trunkline::service]
pub(crate) trait Arith {
    /// Multiplies.
    #[method(idempotent)]
    async fn mul(&self, args: Args) -> Result<Reply>;
    async fn div(&self, ctx: &Ctx, args: Args) -> Result<Reply, DivError>;
}

struct Calculator;

impl Arith for Calculator {
    async fn mul(&self, args: Args) -> Result<Reply> {
        Ok(Reply { c: args.a * args.b })
    }

    async fn div(&self, _: &Ctx, args: Args) -> Result<Reply, DivError> {
        if args.b == 0 {
            return Err(DivError::ByZero);
        }
        Ok(Reply { c: args.a / args.b })
    }
}

#[tokio::test]
async fn the_first_example_runs() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::builder()
        .service(Calculator.into_service())
        .function("Math", "Neg", |n: i64| async move { Ok(-n) })
        .bind("tcp@127.0.0.1:0")
        .await?;
    let address = server.address().to_owned();
    let running = server.spawn();

    let client = Client::connect(&address).await?;
    let arith = ArithClient::new(client.clone());
    let reply = arith.mul(Args { a: 10, b: 20 }).await?;
    assert_eq!(reply.c, 200);
    let reply = arith.mul(Args { a: 10, b: 20 }).timeout(Duration::from_secs(5)).metadata("k", "v").await?;
    assert_eq!(reply.c, 200);
    let reply: Reply = client.service("Arith").call("Mul", &Args { a: 10, b: 20 }).await?;
    assert_eq!(reply.c, 200);
    let error = arith.div(Args { a: 1, b: 0 }).await.err().map(|e| e.message().to_owned());
    assert_eq!(error.as_deref(), Some("division by zero"));
    let negated: i64 = client.service("Math").call("Neg", &5).await?;
    assert_eq!(negated, -5);
    running.stop().await;
    Ok(())
}
