//! A TCP proxy before etcd, that cuts connections, or holds back what the client sends from a chosen
//! moment on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A running proxy. It ends when it is dropped.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    held: Arc<watch::Sender<bool>>,
    connections: Arc<Mutex<JoinSet<()>>>,
    accepted: Arc<AtomicUsize>,
    _accepting: JoinSet<()>,
}

impl Proxy {
    /// Forwards to a port.
    pub(crate) async fn to(port: u16) -> Self {
        Self::new(port, None).await
    }

    /// Forwards to a port. When the server has sent `marker`, the client's bytes wait.
    pub(crate) async fn holding_after(marker: &'static [u8], port: u16) -> Self {
        Self::new(port, Some(marker)).await
    }

    async fn new(to: u16, mut marker: Option<&'static [u8]>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let held = Arc::new(watch::channel(false).0);
        let connections = Arc::new(Mutex::new(JoinSet::new()));
        let accepted = Arc::new(AtomicUsize::new(0));
        let mut accepting = JoinSet::new();
        let (holding, open, count) = (held.clone(), connections.clone(), accepted.clone());
        accepting.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await else { continue };
                let (client, server) = (client.into_split(), server.into_split());
                let mut open = open.lock().unwrap();
                open.spawn(forward(client.0, server.1, holding.subscribe()));
                // Only the first connection is held back.
                open.spawn(answer(server.0, client.1, marker.take(), holding.clone()));
            }
        });
        Self { port, held, connections, accepted, _accepting: accepting }
    }

    /// How many connections there have been.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Ends all connections.
    pub(crate) fn cut(&self) {
        self.connections.lock().unwrap().abort_all();
    }

    /// Waits until it holds back.
    pub(crate) async fn is_holding(&self) {
        self.held.subscribe().wait_for(|held| *held).await.unwrap();
    }

    pub(crate) fn release(&self) {
        self.held.send_replace(false);
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut held: watch::Receiver<bool>) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if held.wait_for(|held| !held).await.is_err() || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

async fn answer(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut marker: Option<&'static [u8]>,
    held: Arc<watch::Sender<bool>>,
) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if marker.is_some_and(|marker| buffer[..count].windows(marker.len()).any(|part| part == marker)) {
            marker = None;
            held.send_replace(true);
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
