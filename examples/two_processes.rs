//! A server and a client as two processes.
//!
//! `cargo run --example two_processes` starts the server as a child, calls it and stops it.
//! By hand, in two terminals: `cargo run --example two_processes server`, then
//! `cargo run --example two_processes client ADDRESS` with the address that the server printed.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;
use trunkline::{Client, Result, Server};

#[trunkline::service]
trait Hello {
    async fn greet(&self, name: String) -> Result<String>;
}

struct Greeter;

impl Hello for Greeter {
    async fn greet(&self, name: String) -> Result<String> {
        Ok(format!("hello, {name}, from process {}", std::process::id()))
    }
}

type Anything = Box<dyn std::error::Error>;

/// Serves until its standard input ends or somebody presses Ctrl-C.
async fn server() -> Result<(), Anything> {
    let server = Server::builder().service(Greeter.into_service()).bind("tcp@127.0.0.1:0").await?;
    println!("{}", server.address());
    let report = server
        .serve_until(async {
            let (mut input, mut byte) = (tokio::io::stdin(), [0]);
            tokio::select! {
                _ = input.read(&mut byte) => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        })
        .await;
    println!("stopped in order, {} calls cut", report.cut);
    Ok(())
}

async fn client(address: &str) -> Result<(), Anything> {
    let hello = HelloClient::new(Client::connect(address).await?);
    let text = hello.greet(format!("process {}", std::process::id())).timeout(Duration::from_secs(5)).await?;
    println!("client: {text}");
    Ok(())
}

async fn both() -> Result<(), Anything> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("server")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let output = child.stdout.take().ok_or("the child has no output")?;
    let mut lines = BufReader::new(output).lines();
    let address = lines.next_line().await?.ok_or("the server ended before it was ready")?;
    println!("server: process {} on {address}", child.id().unwrap_or_default());

    client(&address).await?;

    // Its standard input ends, so it stops.
    drop(child.stdin.take());
    while let Some(line) = lines.next_line().await? {
        println!("server: {line}");
    }
    println!("server: {}", child.wait().await?);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Anything> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => both().await,
        ["server"] => server().await,
        ["client", address] => client(address).await,
        _ => Err("expected nothing, `server`, or `client ADDRESS`".into()),
    }
}
