//! A server and a client that meet on an in-memory network of their own.

use trunkline::client::ClientBuilder;
use trunkline::server::{RunningServer, ServerBuilder};
use trunkline::transport::memory::Memory;
use trunkline::{Client, Server};

pub(crate) struct Pair {
    pub(crate) network: Memory,
    pub(crate) server: RunningServer,
    pub(crate) client: Client,
}

/// Where the servers of these tests listen.
pub(crate) const ADDRESS: &str = "memory@server";

pub(crate) async fn pair(server: ServerBuilder, client: ClientBuilder) -> Pair {
    let network = Memory::new();
    let server = serve(&network, server).await;
    let client = connect(&network, client).await;
    client.ready().await;
    Pair { network, server, client }
}

/// The server under test and a client with the defaults.
pub(crate) async fn with_server(build: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Pair {
    pair(build(Server::builder()), Client::builder()).await
}

pub(crate) async fn serve(network: &Memory, server: ServerBuilder) -> RunningServer {
    server.transport(network.clone()).bind(ADDRESS).await.unwrap().spawn()
}

pub(crate) async fn connect(network: &Memory, client: ClientBuilder) -> Client {
    client.transport(network.clone()).connect(ADDRESS).await.unwrap()
}
