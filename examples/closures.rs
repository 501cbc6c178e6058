//! Plain functions and closures as methods, without a trait, and calls of methods by their names.
//!
//! Also: a method added while the server runs, and a handler of bytes that never decodes them.
//!
//! `cargo run --example closures`

use trunkline::types::Bytes;
use trunkline::{Client, Ctx, Error, ErrorKind, Failure, Result, Server, Service};

async fn greet(name: String) -> Result<String> {
    if name.is_empty() {
        return Err(Failure::new("whom?").with_kind(ErrorKind::Invalid));
    }
    Ok(format!("hello, {name}"))
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let server =
        Server::builder()
            .function("Text", "Greet", greet)
            .function("Math", "Sum", |numbers: Vec<i64>| async move {
                Ok::<_, Failure>(numbers.iter().sum::<i64>())
            })
            // With the context first, a closure knows who calls.
            .function("Math", "Neg", |ctx: Ctx, n: i64| async move {
                let caller = ctx.metadata().get("caller").unwrap_or("nobody");
                println!("  (server: {}.{} for {caller})", ctx.service(), ctx.method());
                Ok::<_, Failure>(-n)
            })
            // Bytes in, bytes out, in whatever format they are.
            .raw("Raw", "Echo", |_: Ctx, payload: Bytes| async move { Ok(payload) })
            .bind("tcp@127.0.0.1:0")
            .await?
            .spawn();

    let client = Client::connect(server.address()).await?;
    let math = client.service("Math");

    let sum: i64 = math.call("Sum", &[1, 2, 3]).await?;
    println!("Math.Sum [1, 2, 3] = {sum}");
    let negated: i64 = math.call("Neg", &7).metadata("caller", "closures").await?;
    println!("Math.Neg 7 = {negated}");
    let text: String = client.service("Text").call("Greet", "world").await?;
    println!("Text.Greet = {text:?}");
    let nobody: Result<String, Error> = client.service("Text").call("Greet", "").await;
    println!("Text.Greet without a name: {}", nobody.expect_err("nobody is greeted"));

    let unknown: Result<i64, Error> = math.call("Abs", &-3).await;
    println!("Math.Abs: {}", unknown.expect_err("there is no such method yet"));
    server
        .handle()
        .add(Service::new("Math").function("Abs", |n: i64| async move { Ok::<_, Failure>(n.abs()) }));
    let absolute: i64 = math.call("Abs", &-3).await?;
    println!("Math.Abs -3 = {absolute}, now that it was added");

    let payload = Bytes::from_static(b"\x00 any bytes \xff");
    let echo = client.raw("Raw", "Echo", trunkline::SerializeType::RAW, payload.clone()).await?;
    println!(
        "Raw.Echo of {} bytes came back {}",
        payload.len(),
        if echo == payload { "equal" } else { "changed" }
    );

    server.stop().await;
    Ok(())
}
