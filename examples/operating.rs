//! Looking into a running program: the pages for readiness, status and metrics, asked for over plain TCP.
//!
//! `cargo run --example operating`

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use trunkline::admin::{Admin, RunningAdmin};
use trunkline::registry::MemoryRegistry;
use trunkline::{Client, Result, Server};

#[trunkline::service]
trait Stock {
    #[method(idempotent)]
    async fn left(&self, article: String) -> Result<u32>;
}

struct Shelf;

impl Stock for Shelf {
    async fn left(&self, article: String) -> Result<u32> {
        Ok(article.len() as u32)
    }
}

/// What `curl http://.../path` does.
async fn get(admin: &RunningAdmin, path: &str) -> std::io::Result<(String, String)> {
    let mut stream = TcpStream::connect(admin.address()).await?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: example\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.lines().next().unwrap_or_default();
    Ok((status.trim_start_matches("HTTP/1.1 ").to_owned(), body.to_owned()))
}

async fn show(admin: &RunningAdmin, path: &str) -> std::io::Result<()> {
    let (status, body) = get(admin, path).await?;
    println!("GET {path}: {status}");
    body.lines().for_each(|line| println!("  {line}"));
    println!();
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let memory = MemoryRegistry::new();
    let registry = memory.registry();
    let server = Server::builder()
        .service(Shelf.into_service())
        .register_with(registry.clone())
        .attributes("weight=2")
        .bind("tcp@127.0.0.1:0")
        .await?;
    let client = Client::builder().connect_to(registry.resolver()?).await?;
    let admin = Admin::new()
        .server(&server.handle())
        .client("stock", &client)
        .requires("stock", "Stock")
        // A port of its own, where only operators come; 9090, say.
        .bind("127.0.0.1:0")
        .await?;

    println!("--- bound, and not serving yet");
    show(&admin, "/readyz").await?;

    let server = server.spawn();
    let stock = StockClient::new(client);
    println!("article: {} left\n", stock.left("article".to_owned()).await?);
    while get(&admin, "/readyz").await?.0 != "200 OK" {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    println!("--- serving, and registered");
    show(&admin, "/readyz").await?;
    show(&admin, "/status").await?;
    show(&admin, "/metrics").await?;

    println!("--- stopping: withdrawn, and served for the grace time");
    server.handle().stop();
    while get(&admin, "/readyz").await?.0 == "200 OK" {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    show(&admin, "/readyz").await?;
    server.stop().await;
    admin.close();
    Ok(())
}
