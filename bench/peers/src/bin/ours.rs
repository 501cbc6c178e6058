//! The peer trunkline, as a user writes it: the service macro, prost, tracing off, default limits on.

use std::{net::SocketAddr, process::ExitCode, sync::Arc};

use bench_load::{BenchmarkMessage, Blob, Millis, Peer, Result};
use bytes::Bytes;
use tokio::net::TcpListener;
use trunkline::transport::Tcp;
use trunkline::{Client, Server};

fn main() -> ExitCode {
    bench_load::run::<Ours>()
}

#[trunkline::service(codecs(protobuf))]
trait Bench {
    async fn say(&self, message: BenchmarkMessage) -> trunkline::Result<BenchmarkMessage>;
    async fn echo(&self, blob: Blob) -> trunkline::Result<Blob>;
    async fn burn(&self, time: Millis) -> trunkline::Result<Millis>;
}

struct Handler;

impl Bench for Handler {
    async fn say(&self, mut message: BenchmarkMessage) -> trunkline::Result<BenchmarkMessage> {
        message.answer();
        Ok(message)
    }

    async fn echo(&self, blob: Blob) -> trunkline::Result<Blob> {
        Ok(blob)
    }

    async fn burn(&self, time: Millis) -> trunkline::Result<Millis> {
        bench_load::burn(time.value);
        Ok(time)
    }
}

#[derive(Clone)]
struct Ours {
    clients: Arc<[BenchClient]>,
}

impl Peer for Ours {
    async fn serve(listener: TcpListener) -> Result<()> {
        let server = Server::builder().service(Handler.into_service());
        server.listen_on([("tcp".to_owned(), Tcp::listener(listener))])?.serve().await;
        Ok(())
    }

    async fn connect(addr: SocketAddr, connections: usize) -> Result<Self> {
        let mut clients = Vec::new();
        for _ in 0..connections {
            let client = Client::connect(&format!("tcp@{addr}")).await?;
            client.ready().await;
            clients.push(BenchClient::new(client));
        }
        Ok(Self { clients: clients.into() })
    }

    async fn say(&self, connection: usize, message: &Arc<BenchmarkMessage>) -> Result<BenchmarkMessage> {
        Ok(self.clients[connection].say(&**message).await?)
    }

    async fn echo(&self, connection: usize, payload: Bytes) -> Result<Bytes> {
        Ok(self.clients[connection].echo(Blob { data: payload }).await?.data)
    }

    async fn burn(&self, connection: usize, millis: u32) -> Result<()> {
        self.clients[connection].burn(Millis { value: millis }).await?;
        Ok(())
    }
}
