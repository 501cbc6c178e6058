//! The peer tonic: gRPC with prost and tonic's defaults, written out as its generator would write it.
//! The one difference: a request is encoded from a shared message, so that no call has to copy it first.

use std::{
    convert::Infallible,
    future::{self, Ready},
    marker::PhantomData,
    net::SocketAddr,
    process::ExitCode,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bench_load::{BenchmarkMessage, Blob, Millis, Peer, Result};
use bytes::Bytes;
use prost::Message;
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status,
    body::Body,
    client,
    codec::{Codec, EncodeBuf, Encoder},
    codegen::{BoxFuture, Service, http, http::uri::PathAndQuery},
    server::{self, NamedService, UnaryService},
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};
use tonic_prost::{ProstCodec, ProstDecoder};

fn main() -> ExitCode {
    bench_load::run::<Tonic>()
}

#[derive(Clone)]
struct Tonic {
    clients: Arc<[client::Grpc<Channel>]>,
}

impl Peer for Tonic {
    async fn serve(listener: TcpListener) -> Result<()> {
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        Ok(Server::builder().add_service(BenchServer).serve_with_incoming(incoming).await?)
    }

    async fn connect(addr: SocketAddr, connections: usize) -> Result<Self> {
        let mut clients = Vec::new();
        for _ in 0..connections {
            let channel = Endpoint::new(format!("http://{addr}"))?.connect().await?;
            clients.push(client::Grpc::new(channel));
        }
        Ok(Self { clients: clients.into() })
    }

    async fn say(&self, connection: usize, message: &Arc<BenchmarkMessage>) -> Result<BenchmarkMessage> {
        self.call(connection, SAY, Arc::clone(message), Shared::default()).await
    }

    async fn echo(&self, connection: usize, payload: Bytes) -> Result<Bytes> {
        let reply: Blob = self.call(connection, ECHO, Blob { data: payload }, ProstCodec::default()).await?;
        Ok(reply.data)
    }

    async fn burn(&self, connection: usize, millis: u32) -> Result<()> {
        let request = Millis { value: millis };
        let _: Millis = self.call(connection, BURN, request, ProstCodec::default()).await?;
        Ok(())
    }
}

impl Tonic {
    async fn call<C: Codec>(
        &self,
        connection: usize,
        path: &'static str,
        message: C::Encode,
        codec: C,
    ) -> Result<C::Decode>
    where
        C::Encode: Send + Sync + 'static,
        C::Decode: Send + Sync + 'static,
    {
        let mut client = self.clients[connection].clone();
        client.ready().await?;
        let mut request = Request::new(message);
        request.set_timeout(DEADLINE);
        Ok(client.unary(request, PathAndQuery::from_static(path), codec).await?.into_inner())
    }
}

#[derive(Clone)]
struct BenchServer;

impl NamedService for BenchServer {
    const NAME: &'static str = "bench.Bench";
}

impl Service<http::Request<Body>> for BenchServer {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::result::Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        match request.uri().path() {
            SAY => Box::pin(async { Ok(server::Grpc::new(ProstCodec::default()).unary(Say, request).await) }),
            ECHO => {
                Box::pin(async { Ok(server::Grpc::new(ProstCodec::default()).unary(Echo, request).await) })
            }
            BURN => {
                Box::pin(async { Ok(server::Grpc::new(ProstCodec::default()).unary(Burn, request).await) })
            }
            _ => Box::pin(async { Ok(Status::unimplemented("no such method").into_http()) }),
        }
    }
}

type Reply<T> = Ready<std::result::Result<Response<T>, Status>>;

struct Say;

impl UnaryService<BenchmarkMessage> for Say {
    type Response = BenchmarkMessage;
    type Future = Reply<BenchmarkMessage>;

    fn call(&mut self, request: Request<BenchmarkMessage>) -> Self::Future {
        let mut message = request.into_inner();
        message.answer();
        future::ready(Ok(Response::new(message)))
    }
}

struct Echo;

impl UnaryService<Blob> for Echo {
    type Response = Blob;
    type Future = Reply<Blob>;

    fn call(&mut self, request: Request<Blob>) -> Self::Future {
        future::ready(Ok(Response::new(request.into_inner())))
    }
}

struct Burn;

impl UnaryService<Millis> for Burn {
    type Response = Millis;
    type Future = Reply<Millis>;

    fn call(&mut self, request: Request<Millis>) -> Self::Future {
        let millis = request.into_inner();
        bench_load::burn(millis.value);
        future::ready(Ok(Response::new(millis)))
    }
}

/// Prost, encoding from behind an `Arc`.
struct Shared<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Shared<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for Shared<T, U>
where
    T: Message + 'static,
    U: Message + Default + 'static,
{
    type Encode = Arc<T>;
    type Decode = U;
    type Encoder = SharedEncoder<T>;
    type Decoder = ProstDecoder<U>;

    fn encoder(&mut self) -> SharedEncoder<T> {
        SharedEncoder(PhantomData)
    }

    fn decoder(&mut self) -> ProstDecoder<U> {
        ProstDecoder::default()
    }
}

struct SharedEncoder<T>(PhantomData<T>);

impl<T: Message> Encoder for SharedEncoder<T> {
    type Item = Arc<T>;
    type Error = Status;

    fn encode(&mut self, item: Arc<T>, buffer: &mut EncodeBuf<'_>) -> std::result::Result<(), Status> {
        item.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }
}

const SAY: &str = "/bench.Bench/Say";
const ECHO: &str = "/bench.Bench/Echo";
const BURN: &str = "/bench.Bench/Burn";

/// Every call carries its deadline.
const DEADLINE: Duration = Duration::from_secs(10);
