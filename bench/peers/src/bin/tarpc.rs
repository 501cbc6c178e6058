//! The peer tarpc: its serde transport over TCP with bincode, the leanest that it ships, and its defaults.
//! Its `Context` carries a deadline of ten seconds by itself.

use std::{net::SocketAddr, process::ExitCode, sync::Arc};

use bench_load::{BenchmarkMessage, Peer, Result};
use bytes::Bytes;
use futures_util::StreamExt;
use tarpc::{
    client::Config,
    context::{self, Context},
    serde_transport,
    server::{BaseChannel, Channel},
    tokio_serde::formats::Bincode,
    tokio_util::codec::{Decoder, LengthDelimitedCodec},
};
use tokio::net::{TcpListener, TcpStream};

fn main() -> ExitCode {
    bench_load::run::<Tarpc>()
}

#[tarpc::service]
trait Bench {
    async fn say(message: Arc<BenchmarkMessage>) -> BenchmarkMessage;
    async fn echo(data: Bytes) -> Bytes;
    async fn burn(millis: u32);
}

#[derive(Clone)]
struct Service;

impl Bench for Service {
    async fn say(self, _: Context, message: Arc<BenchmarkMessage>) -> BenchmarkMessage {
        let mut message = Arc::unwrap_or_clone(message);
        message.answer();
        message
    }

    async fn echo(self, _: Context, data: Bytes) -> Bytes {
        data
    }

    async fn burn(self, _: Context, millis: u32) {
        bench_load::burn(millis);
    }
}

#[derive(Clone)]
struct Tarpc {
    clients: Arc<[BenchClient]>,
}

impl Peer for Tarpc {
    async fn serve(listener: TcpListener) -> Result<()> {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let transport =
                serde_transport::new(LengthDelimitedCodec::new().framed(stream), Bincode::default());
            let requests = BaseChannel::with_defaults(transport).execute(Service.serve());
            tokio::spawn(requests.for_each(|request| async {
                tokio::spawn(request);
            }));
        }
    }

    async fn connect(addr: SocketAddr, connections: usize) -> Result<Self> {
        let mut clients = Vec::new();
        for _ in 0..connections {
            let stream = TcpStream::connect(addr).await?;
            stream.set_nodelay(true)?;
            let transport =
                serde_transport::new(LengthDelimitedCodec::new().framed(stream), Bincode::default());
            clients.push(BenchClient::new(Config::default(), transport).spawn());
        }
        Ok(Self { clients: clients.into() })
    }

    async fn say(&self, connection: usize, message: &Arc<BenchmarkMessage>) -> Result<BenchmarkMessage> {
        Ok(self.clients[connection].say(context::current(), Arc::clone(message)).await?)
    }

    async fn echo(&self, connection: usize, payload: Bytes) -> Result<Bytes> {
        Ok(self.clients[connection].echo(context::current(), payload).await?)
    }

    async fn burn(&self, connection: usize, millis: u32) -> Result<()> {
        Ok(self.clients[connection].burn(context::current(), millis).await?)
    }
}
