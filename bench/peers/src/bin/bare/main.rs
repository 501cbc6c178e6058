//! The bare loop: rpcx frames and protobuf over tokio without a framework, as fast as the author could make it.
//!
//! It is the yardstick, so it does all the work that the protocol asks for and none that an application would want
//! from a framework: no routing beyond three names, no middleware, no deadlines, no limits.
//! Handlers run where the frame was read, so `Burn` holds up its connection's neighbours: that is the loop's
//! nature, not a goal.

mod batch;
mod client;
mod frame;
mod in_flight;
mod server;

use std::{net::SocketAddr, process::ExitCode, sync::Arc};

use bench_load::{BenchmarkMessage, Blob, Millis, Peer, Result};
use bytes::Bytes;
use prost::Message;
use tokio::net::{TcpListener, TcpStream};

use crate::client::Connection;

fn main() -> ExitCode {
    bench_load::run::<Bare>()
}

#[derive(Clone)]
struct Bare {
    connections: Arc<[Connection]>,
}

impl Peer for Bare {
    async fn serve(listener: TcpListener) -> Result<()> {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(server::serve(stream));
        }
    }

    async fn connect(addr: SocketAddr, connections: usize) -> Result<Self> {
        let mut all = Vec::new();
        for _ in 0..connections {
            let stream = TcpStream::connect(addr).await?;
            stream.set_nodelay(true)?;
            all.push(Connection::new(stream));
        }
        Ok(Self { connections: all.into() })
    }

    async fn say(&self, connection: usize, message: &Arc<BenchmarkMessage>) -> Result<BenchmarkMessage> {
        let reply = self.connections[connection].call(frame::SAY, &**message).await?;
        Ok(BenchmarkMessage::decode(&*reply)?)
    }

    async fn echo(&self, connection: usize, payload: Bytes) -> Result<Bytes> {
        let reply = self.connections[connection].call(frame::ECHO, &Blob { data: payload }).await?;
        Ok(Blob::decode(reply)?.data)
    }

    async fn burn(&self, connection: usize, millis: u32) -> Result<()> {
        let reply = self.connections[connection].call(frame::BURN, &Millis { value: millis }).await?;
        Millis::decode(&*reply)?;
        Ok(())
    }
}
