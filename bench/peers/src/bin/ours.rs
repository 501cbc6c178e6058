//! The peer trunkline: a service as the macro writes it, prost, tracing off, default limits on.

use std::{net::SocketAddr, process::ExitCode, sync::Arc};

use bench_load::{BenchmarkMessage, Blob, Millis, Peer, Result};
use bytes::Bytes;
use prost::Message;
use tokio::net::TcpListener;
use trunkline::codec::{Codec, CodecError, Decode, Encode, Format};
use trunkline::server::{Method, MethodInfo};
use trunkline::transport::Tcp;
use trunkline::{Client, Ctx, Failure, SerializeType, Server, Service};

fn main() -> ExitCode {
    bench_load::run::<Ours>()
}

#[derive(Clone)]
struct Ours {
    clients: Arc<[Client]>,
}

struct Protobuf;

impl Format for Protobuf {
    const TYPE: SerializeType = SerializeType::PROTOBUF;
    const NAME: &'static str = "protobuf";
}

impl<T: Message> Encode<T> for Protobuf {
    fn encode(value: &T, out: &mut Vec<u8>) -> std::result::Result<(), CodecError> {
        value.encode(out).map_err(|e| CodecError::encode::<T>("protobuf", e.to_string()))
    }
}

impl<T: Message + Default> Decode<T> for Protobuf {
    fn decode(payload: &Bytes) -> std::result::Result<T, CodecError> {
        let decoded = if payload.len() < 4096 { T::decode(&payload[..]) } else { T::decode(payload.clone()) };
        decoded.map_err(|e| CodecError::decode::<T>("protobuf", e.to_string()))
    }
}

struct Bench;
struct Say;
struct Echo;
struct Burn;

impl Method<Bench> for Say {
    type Args = BenchmarkMessage;
    type Reply = BenchmarkMessage;
    type Error = Failure;

    async fn call<'a>(
        _: &'a Bench,
        _: &'a Ctx,
        mut args: BenchmarkMessage,
    ) -> std::result::Result<BenchmarkMessage, Failure> {
        args.answer();
        Ok(args)
    }
}

impl Method<Bench> for Echo {
    type Args = Blob;
    type Reply = Blob;
    type Error = Failure;

    async fn call<'a>(_: &'a Bench, _: &'a Ctx, args: Blob) -> std::result::Result<Blob, Failure> {
        Ok(args)
    }
}

impl Method<Bench> for Burn {
    type Args = Millis;
    type Reply = Millis;
    type Error = Failure;

    async fn call<'a>(_: &'a Bench, _: &'a Ctx, args: Millis) -> std::result::Result<Millis, Failure> {
        bench_load::burn(args.value);
        Ok(args)
    }
}

impl Peer for Ours {
    async fn serve(listener: TcpListener) -> Result<()> {
        let bench = Arc::new(Bench);
        let service = Service::new("Bench")
            .method::<_, Say, (Protobuf,)>(MethodInfo::new("Say"), &bench)
            .method::<_, Echo, (Protobuf,)>(MethodInfo::new("Echo"), &bench)
            .method::<_, Burn, (Protobuf,)>(MethodInfo::new("Burn"), &bench);
        let server =
            Server::builder().service(service).listen_on([("tcp".to_owned(), Tcp::listener(listener))])?;
        server.serve().await;
        Ok(())
    }

    async fn connect(addr: SocketAddr, connections: usize) -> Result<Self> {
        let mut clients = Vec::new();
        for _ in 0..connections {
            let client = Client::connect(&format!("tcp@{addr}")).await?;
            client.ready().await;
            clients.push(client);
        }
        Ok(Self { clients: clients.into() })
    }

    async fn say(&self, connection: usize, message: &Arc<BenchmarkMessage>) -> Result<BenchmarkMessage> {
        const CODEC: Codec<BenchmarkMessage, BenchmarkMessage> = Codec::of::<Protobuf>();
        let request = trunkline::client::Request::new(
            &self.clients[connection],
            "Bench",
            "Say",
            &**message,
            CODEC,
            false,
        );
        Ok(request.await?)
    }

    async fn echo(&self, connection: usize, payload: Bytes) -> Result<Bytes> {
        const CODEC: Codec<Blob, Blob> = Codec::of::<Protobuf>();
        let request = trunkline::client::Request::new(
            &self.clients[connection],
            "Bench",
            "Echo",
            Blob { data: payload },
            CODEC,
            false,
        );
        Ok(request.await?.data)
    }

    async fn burn(&self, connection: usize, millis: u32) -> Result<()> {
        const CODEC: Codec<Millis, Millis> = Codec::of::<Protobuf>();
        let request = trunkline::client::Request::new(
            &self.clients[connection],
            "Bench",
            "Burn",
            Millis { value: millis },
            CODEC,
            false,
        );
        request.await?;
        Ok(())
    }
}
