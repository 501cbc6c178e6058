//! What a client does when servers fail: another instance, a second copy, an error that tells. `cargo run --example
//! failure`

use std::time::Duration;

use trunkline::client::{FailMode, Retries};
use trunkline::testing::{Network, Script, ScriptedServer, SettableRegistry, Step};
use trunkline::{Client, Error, ErrorKind, Failure};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    // Two servers that follow a script; in production these are servers of yours.
    let busy = || Failure::new("too much to do").with_kind(ErrorKind::Overloaded).not_started();
    let network = Network::new();
    let a = Script::new().on("Stock", "Order", [Step::fail(busy), Step::cut()]).on(
        "Stock",
        "Count",
        [Step::reply(3).after(Duration::from_millis(300))],
    );
    let b = Script::new().otherwise(Step::reply(3));
    let a = ScriptedServer::start(&network, "a", a).await?;
    let b = ScriptedServer::start(&network, "b", b).await?;
    let registry = SettableRegistry::new();
    registry.set("Stock", [a.address()]);
    let client =
        Client::builder().transport(network).retries(Retries::new(2)).connect_to(registry.resolver()).await?;
    let stock = client.service("Stock");

    // The only server is too busy. It has not begun, and says so.
    let error = stock.call::<_, i64>("Order", &1).await.expect_err("the script refuses it");
    println!("{error}\n");

    // The only server is lost with the call. An order may have been made, so it is not made again.
    let error = stock.call::<_, i64>("Order", &1).await.expect_err("the script refuses it");
    println!("{error}\n");

    // With a second server, what is late is asked there as well, if asking twice does no harm.
    registry.set("Stock", [a.address(), b.address()]);
    client.ready_for("Stock").await;
    let count = stock.call::<_, i64>("Count", &()).idempotent(true).fail_mode(FailMode::Failbackup);
    let response = count.to(a.address()).explain().response().await?;
    println!("named: {} from {}", response.value, response.address.unwrap_or_default());
    for _ in 0..3 {
        let count = stock.call::<_, i64>("Count", &()).idempotent(true).fail_mode(FailMode::Failbackup);
        let response = count.explain().response().await?;
        println!("{} from {}", response.value, response.address.unwrap_or_default());
        if let Some(explanation) = response.explanation {
            println!("  {explanation}");
        }
    }
    println!("a got {} calls, b got {}", a.calls(), b.calls());
    client.close();
    a.stop().await;
    b.stop().await;
    Ok(())
}
