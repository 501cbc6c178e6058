//! Between a client and a server: forwards bytes, until it drops them all without a word.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) address: String,
    open: Arc<watch::Sender<bool>>,
}

impl Proxy {
    pub(crate) async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("tcp@{}", listener.local_addr().unwrap());
        let (open, is_open) = watch::channel(true);
        let server = server.trim_start_matches("tcp@").to_owned();
        tokio::spawn(async move {
            loop {
                let Ok((near, _)) = listener.accept().await else { return };
                let (server, is_open) = (server.clone(), is_open.clone());
                tokio::spawn(async move {
                    let Ok(far) = TcpStream::connect(&server).await else { return };
                    let (near_in, near_out) = near.into_split();
                    let (far_in, far_out) = far.into_split();
                    tokio::join!(pass(near_in, far_out, is_open.clone()), pass(far_in, near_out, is_open));
                });
            }
        });
        Self { address, open: Arc::new(open) }
    }

    /// From now on nothing gets through, and nobody is told.
    pub(crate) fn drop_all(&self) {
        self.open.send_replace(false);
    }

    pub(crate) fn let_through(&self) {
        self.open.send_replace(true);
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut open: watch::Receiver<bool>) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        // What is held back is delivered when the way is open again, as TCP would.
        let read = match from.read(&mut buffer).await {
            Ok(n) if n > 0 => n,
            _ => return,
        };
        if open.wait_for(|open| *open).await.is_err() || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
