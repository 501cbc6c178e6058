//! Trunkline as a user writes it: the service macro, prost, tracing off, default limits on. `LAYERS` adds auth, a
//! timeout, spans and metrics on both sides.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bench_load::{BenchmarkMessage, Blob, Millis, Peer, Result};
use bytes::Bytes;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use trunkline::middleware::{Auth, Metrics, Timeout, Trace};
use trunkline::transport::Tcp;
use trunkline::{Client, Server};

const TOKEN: &str = "a token of a usual length for a bearer";

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

/// The peer, plain or with layers.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "nobody prints it")]
pub struct Ours<const LAYERS: bool> {
    clients: Arc<[BenchClient]>,
}

impl<const LAYERS: bool> Peer for Ours<LAYERS> {
    async fn serve(listener: TcpListener) -> Result<()> {
        let mut server = Server::builder().service(Handler.into_service());
        if LAYERS {
            server = server
                .layer(Metrics::new(&mut Registry::default()))
                .layer(Trace::new())
                .layer(Auth::bearer(|token: &str| token == TOKEN))
                .layer(Timeout::new(Duration::from_secs(5)));
        }
        server.listen_on([("tcp".to_owned(), Tcp::listener(listener))])?.serve().await;
        Ok(())
    }

    async fn connect(addr: SocketAddr, connections: usize) -> Result<Self> {
        let mut clients = Vec::new();
        for _ in 0..connections {
            let mut client = Client::builder();
            if LAYERS {
                client = client
                    .layer(Metrics::new(&mut Registry::default()))
                    .layer(Trace::new())
                    .layer(Timeout::new(Duration::from_secs(5)))
                    .attempt_layer(Auth::token(TOKEN));
            }
            let client = client.connect(&format!("tcp@{addr}")).await?;
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
