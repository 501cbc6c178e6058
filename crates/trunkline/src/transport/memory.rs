//! In-process streams, by name: for tests, for embedding, and for runs on paused time.
//!
//! A [`Memory`] is a set of names of its own; a server and a client that shall meet are given
//! the same one. Nothing is global.

use std::collections::HashMap;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::BytesMut;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::mpsc;

use super::{BoxFuture, Listener, Peer, Sink, Stream, Transport};

/// How many bytes a stream holds before its writer has to wait.
const PIPE: usize = 64 * 1024;

/// How many dialled streams wait to be accepted.
const BACKLOG: usize = 128;

/// An in-process network: servers listen on `memory@name`, clients dial it.
///
/// ```
/// use trunkline::{Client, Server, transport::memory::Memory};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), trunkline::Error> {
/// let network = Memory::new();
/// let server = Server::builder()
///     .function("Math", "Neg", |n: i64| async move { Ok(-n) })
///     .transport(network.clone())
///     .bind("memory@math").await?;
/// let running = server.spawn();
/// let client = Client::builder().transport(network).connect("memory@math").await?;
/// let answer: i64 = client.service("Math").call("Neg", &5).await?;
/// assert_eq!(answer, -5);
/// running.stop().await;
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Names>>);

type Names = HashMap<String, mpsc::Sender<Stream>>;

impl Memory {
    /// A network of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// What a client or server has that was given no network: nobody is there.
    pub(crate) fn detached() -> Self {
        Self::default()
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.lock().keys()).finish()
    }
}

impl Transport for Memory {
    fn network(&self) -> &str {
        "memory"
    }

    fn dial<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Stream>> {
        Box::pin(async move {
            let refused = || {
                let text = format!("nobody listens on memory@{name} of this network");
                io::Error::new(io::ErrorKind::ConnectionRefused, text)
            };
            let listener = self.0.lock().get(name).cloned().ok_or_else(refused)?;
            let (client, server) = pair(name);
            listener.send(server).await.map_err(|_| refused())?;
            Ok(client)
        })
    }

    fn listen<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Box<dyn Listener>>> {
        Box::pin(async move {
            let (sender, streams) = mpsc::channel(BACKLOG);
            let mut names = self.0.lock();
            if names.get(name).is_some_and(|s| !s.is_closed()) {
                let text = format!("memory@{name} is taken");
                return Err(io::Error::new(io::ErrorKind::AddrInUse, text));
            }
            names.insert(name.to_owned(), sender);
            Ok(Box::new(MemoryListener { streams, name: name.to_owned() }) as Box<dyn Listener>)
        })
    }
}

struct MemoryListener {
    streams: mpsc::Receiver<Stream>,
    name: String,
}

impl Listener for MemoryListener {
    fn accept(&mut self) -> Pin<Box<dyn Future<Output = io::Result<Stream>> + Send + '_>> {
        Box::pin(async {
            match self.streams.recv().await {
                Some(stream) => Ok(stream),
                // The network is gone, and with it everybody who could dial.
                None => std::future::pending().await,
            }
        })
    }

    fn local_address(&self) -> String {
        self.name.clone()
    }
}

/// Two streams, each the far end of the other.
pub fn pair(name: &str) -> (Stream, Stream) {
    let (there, back) = (Arc::new(Pipe::default()), Arc::new(Pipe::default()));
    let end = |read: &Arc<Pipe>, write: &Arc<Pipe>| Stream {
        reader: Box::new(PipeReader(read.clone())),
        sink: Box::new(PipeSink(write.clone())),
        peer: Peer::new(format!("memory@{name}"), None),
    };
    (end(&back, &there), end(&there, &back))
}

/// One direction of a stream.
#[derive(Default)]
struct Pipe(Mutex<PipeState>);

#[derive(Default)]
struct PipeState {
    bytes: BytesMut,
    ended: bool,
    reader_gone: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

struct PipeReader(Arc<Pipe>);
struct PipeSink(Arc<Pipe>);

impl AsyncRead for PipeReader {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut pipe = self.0.0.lock();
        if pipe.bytes.is_empty() {
            if pipe.ended {
                return Poll::Ready(Ok(()));
            }
            pipe.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let n = buf.remaining().min(pipe.bytes.len());
        buf.put_slice(&pipe.bytes.split_to(n));
        let writer = pipe.writer.take();
        drop(pipe);
        if let Some(waker) = writer {
            waker.wake();
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        let mut pipe = self.0.0.lock();
        pipe.reader_gone = true;
        let writer = pipe.writer.take();
        drop(pipe);
        if let Some(waker) = writer {
            waker.wake();
        }
    }
}

impl PipeSink {
    fn end(&self) {
        let mut pipe = self.0.0.lock();
        pipe.ended = true;
        let reader = pipe.reader.take();
        drop(pipe);
        if let Some(waker) = reader {
            waker.wake();
        }
    }
}

impl Sink for PipeSink {
    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut pipe = self.0.0.lock();
        if pipe.reader_gone || pipe.ended {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let mut written = 0;
        for slice in slices {
            let n = slice.len().min(PIPE - pipe.bytes.len());
            pipe.bytes.extend_from_slice(&slice[..n]);
            written += n;
            if n < slice.len() {
                break;
            }
        }
        if written == 0 && slices.iter().any(|s| !s.is_empty()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let reader = pipe.reader.take();
        drop(pipe);
        if let Some(waker) = reader {
            waker.wake();
        }
        Ok(written)
    }

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut pipe = self.0.0.lock();
        if pipe.reader_gone || pipe.ended || pipe.bytes.len() < PIPE {
            return Poll::Ready(Ok(()));
        }
        pipe.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_shutdown(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end();
        Poll::Ready(Ok(()))
    }
}

impl Drop for PipeSink {
    fn drop(&mut self) {
        self.end();
    }
}
