//! Errors there and back: any error by `?`, a type of one's own with code and details, a reply along with an error,
//! and what a caller can ask of an error without looking at its text.
//!
//! `cargo run --example errors`

use std::time::Duration;

use trunkline::codec::MsgPack;
use trunkline::{Client, Ctx, Error, ErrorKind, Failure, Result, Sent, Server};

/// What an order can fail with. The code of a variant is its name in snake case; `details` sends the value itself.
#[trunkline::message]
#[derive(Debug, PartialEq, Failure)]
#[failure(details)]
enum OrderError {
    #[failure("article {0} is out of stock", retry_after = "30s")]
    OutOfStock(u64),
    #[failure("at most {0} of one article", kind = invalid)]
    TooMany(u32),
}

#[trunkline::message]
#[derive(Debug)]
struct Order {
    article: u64,
    pieces: u32,
}

#[trunkline::message]
#[derive(Debug)]
struct Receipt {
    number: u64,
    pieces: u32,
}

#[trunkline::service]
trait Shop {
    /// Fails with a type of its own.
    async fn order(&self, order: Order) -> Result<Receipt, OrderError>;
    /// Fails with anything.
    async fn parse(&self, number: String) -> Result<i64>;
    /// Answers with a reply and an error, as Go's methods can.
    async fn partly(&self, ctx: &Ctx, order: Order) -> Result<Receipt>;
    async fn crash(&self) -> Result<()>;
}

struct Corner;

impl Shop for Corner {
    async fn order(&self, order: Order) -> Result<Receipt, OrderError> {
        match order {
            Order { pieces: 11.., .. } => Err(OrderError::TooMany(10)),
            Order { article: 13, .. } => Err(OrderError::OutOfStock(13)),
            Order { pieces, .. } => Ok(Receipt { number: 1, pieces }),
        }
    }

    async fn parse(&self, number: String) -> Result<i64> {
        Ok(number.parse()?)
    }

    async fn partly(&self, ctx: &Ctx, order: Order) -> Result<Receipt> {
        ctx.reply_metadata("warehouse", "north");
        let sent = Receipt { number: 2, pieces: order.pieces / 2 };
        Err(Failure::new("half of it is on its way").with_code("partly").with_reply(sent))
    }

    async fn crash(&self) -> Result<()> {
        let empty: Vec<u8> = Vec::new();
        println!("{}", empty[0]);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    // The example panics on purpose; the text would only be in the way.
    std::panic::set_hook(Box::new(|_| {}));
    let server = Server::builder().service(Corner.into_service()).bind("tcp@127.0.0.1:0").await?.spawn();
    let client = Client::connect(server.address()).await?;
    let shop = ShopClient::new(client.clone());

    for order in
        [Order { article: 1, pieces: 2 }, Order { article: 13, pieces: 2 }, Order { article: 1, pieces: 99 }]
    {
        let error = match shop.order(order).await {
            Ok(receipt) => {
                println!("{receipt:?}\n");
                continue;
            }
            Err(error) => error,
        };
        println!("{error}");
        println!("  kind {}, code {:?}, retry after {:?}", error.kind(), error.code(), error.retry_after());
        match error.details::<OrderError>() {
            Some(OrderError::TooMany(most)) => println!("  so at most {most}\n"),
            Some(other) => println!("  as a type: {other:?}\n"),
            None => println!("  without details\n"),
        }
    }

    println!("{}\n", shop.parse("seven".to_owned()).await.expect_err("this is no number"));

    let error = shop.partly(Order { article: 1, pieces: 8 }).await.expect_err("not all of it was sent");
    let receipt: Receipt = error.reply::<MsgPack, _>()?;
    println!("{error}\n  along with {receipt:?} from {:?}\n", error.metadata().get("warehouse"));

    // The caller learns an id, which the server's log repeats; what it was is the server's own business.
    println!("{}\n", shop.crash().await.expect_err("it panics"));

    // Nobody listens here: known to be not sent, so trying again can do nothing twice.
    let nowhere = ShopClient::new(Client::connect("tcp@127.0.0.1:1").await?);
    let error =
        nowhere.parse("1".to_owned()).timeout(Duration::from_secs(1)).await.expect_err("nobody is there");
    println!("{error}");
    assert_eq!((error.kind(), error.sent(), error.is_retryable()), (ErrorKind::Unavailable, Sent::No, true));

    server.stop().await;
    Ok(())
}
