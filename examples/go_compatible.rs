//! Types that a Rust fleet shares with a Go fleet: what their bytes are, and what a Go peer may send.
//!
//! `cargo run --example go_compatible`

use std::time::SystemTime;

use trunkline::codec::{Decode, Encode, Json, MsgPack};
use trunkline::types::{Any, Bytes, Decimal, Time};
use trunkline::{Client, Error, Result, Server};

/// In Go:
///
/// ```go
/// type Order struct {
///     OrderID   int64
///     UserIDs   []string
///     Total     json.Number
///     Placed    time.Time
///     Timeout   time.Duration
///     Signature []byte
///     Note      *string
///     Nickname  string `json:"nick_name" msgpack:"Nick"`
///     Extra     map[string]any
/// }
/// ```
#[trunkline::message]
#[derive(Debug, Clone, PartialEq)]
struct Order {
    order_id: i64,
    user_ids: Vec<String>,
    total: Decimal,
    placed: SystemTime,
    timeout: std::time::Duration,
    signature: Bytes,
    note: Option<String>,
    #[message(json = "nick_name", msgpack = "Nick")]
    nickname: String,
    extra: Any,
}

/// In Go: `type State int`, and `const (Open State = iota; Paid)`.
#[trunkline::message(number)]
#[derive(Debug, Clone, Copy, PartialEq, Default)]
enum State {
    #[default]
    Open,
    Paid,
}

/// Refuses what it does not know, where a misspelt field must not be overlooked.
#[trunkline::message(strict)]
#[derive(Debug)]
struct Payment {
    order_id: i64,
    state: State,
}

#[trunkline::service(name = "Orders")]
trait OrderBook {
    /// Go calls it `Orders.Place`.
    async fn place(&self, order: Order) -> Result<Order>;
    async fn pay(&self, payment: Payment) -> Result<State>;
}

struct Book;

impl OrderBook for Book {
    async fn place(&self, order: Order) -> Result<Order> {
        Ok(order)
    }

    async fn pay(&self, payment: Payment) -> Result<State> {
        println!("  (server: order {} is {:?})", payment.order_id, payment.state);
        Ok(State::Paid)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let order = Order {
        order_id: 7,
        user_ids: vec!["ann".to_owned()],
        total: "19.90".parse()?,
        placed: SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000),
        timeout: std::time::Duration::from_millis(1_500),
        signature: Bytes::from_static(b"\x01\x02\xff"),
        note: None,
        nickname: "first".to_owned(),
        extra: Any::Nil,
    };

    let mut json = Vec::new();
    Json::encode(&order, &mut json)?;
    println!("as JSON:        {}", String::from_utf8_lossy(&json));
    let mut msgpack = Vec::new();
    MsgPack::encode(&order, &mut msgpack)?;
    println!("as MessagePack: {} bytes, a map with Go's names\n", msgpack.len());

    // What is nil or missing in Go is the zero value here; names may differ in case, and what is unknown is skipped.
    let sparse = r#"{"orderid": 8, "UserIDs": null, "Note": null, "Colour": "green"}"#;
    let sparse: Order = Json::decode(&sparse.into())?;
    println!(
        "{} has {} users, was placed in {}\n",
        sparse.order_id,
        sparse.user_ids.len(),
        Time::from(sparse.placed)
    );

    let server = Server::builder().service(Book.into_service()).bind("tcp@127.0.0.1:0").await?.spawn();
    let client = Client::connect(server.address()).await?;
    let orders = OrderBookClient::new(client.clone());

    let same = orders.place(order.clone()).await?;
    println!("there and back over MessagePack: {}", if same == order { "equal" } else { "changed" });
    let same = orders.place(order.clone()).codec(Json).await?;
    println!("there and back over JSON:        {}\n", if same == order { "equal" } else { "changed" });

    // As a Go program with a newer type would call it.
    let newer = Bytes::from_static(br#"{"OrderID": 7, "State": 1, "Coupon": "X"}"#);
    let refused: Result<Bytes, Error> =
        client.raw("Orders", "Pay", trunkline::SerializeType::JSON, newer).await;
    println!("a strict message: {}", refused.expect_err("the field is unknown"));
    let known = Bytes::from_static(br#"{"OrderID": 7, "State": 1}"#);
    let answer = client.raw("Orders", "Pay", trunkline::SerializeType::JSON, known).await?;
    println!("State::Paid in JSON: {}", String::from_utf8_lossy(&answer));

    server.stop().await;
    Ok(())
}
