//! An in-memory network whose servers can be made to fail as machines and processes do.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, ReadBuf};

use crate::transport::memory::Memory;
use crate::transport::{BoxFuture, Listener, Sink, Stream, Transport};

/// An in-memory network, `memory@name`, on which servers can be cut off, killed, stopped in their
/// tracks and lost. Cheap to clone; clones are the same network.
///
/// ```
/// use trunkline::testing::Network;
/// use trunkline::{Client, ErrorKind, Failure, Server};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), trunkline::Error> {
/// let network = Network::new();
/// let server = Server::builder()
///     .function("Math", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) })
///     .transport(network.clone())
///     .bind("memory@a").await?
///     .spawn();
/// let client = Client::builder().transport(network.clone()).connect("memory@a").await?;
/// let math = client.service("Math");
/// let _: i64 = math.call("Neg", &1).await?;
///
/// network.freeze("a");
/// let error = math.call::<_, i64>("Neg", &1).await.unwrap_err();
/// assert!(error.message().contains("answered no heartbeat"), "{error}");
///
/// network.restore("a");
/// client.ready().await;
/// let _: i64 = math.call("Neg", &1).await?;
/// # server.stop().await;
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct Network(Arc<Inner>);

#[derive(Default)]
struct Inner {
    memory: Memory,
    hosts: Mutex<BTreeMap<String, Host>>,
    /// Counts the calls of its scripted servers.
    calls: AtomicU64,
}

#[derive(Default)]
struct Host {
    condition: Condition,
    lines: Vec<Weak<Line>>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
enum Condition {
    #[default]
    Up,
    Refusing,
    Frozen,
    Lost,
}

impl Network {
    /// A network of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cuts all connections of the server there, as a reset does. New ones are accepted.
    pub fn cut(&self, name: &str) {
        let lines = {
            let mut hosts = self.0.hosts.lock();
            std::mem::take(&mut hosts.entry(host(name)).or_default().lines)
        };
        lines.iter().filter_map(Weak::upgrade).for_each(|line| line.cut());
    }

    /// Kills the server as far as its clients can see: connections are cut, new ones refused.
    pub fn refuse(&self, name: &str) {
        self.set(name, Condition::Refusing);
        self.cut(name);
    }

    /// Stops the server as SIGSTOP does: connections stay and are accepted, and nothing is read
    /// or written. What runs in its handlers goes on, and its answers wait.
    pub fn freeze(&self, name: &str) {
        self.set(name, Condition::Frozen);
    }

    /// Pulls the server's cable: as [`freeze`](Self::freeze), and dialling it gets no answer.
    pub fn lose(&self, name: &str) {
        self.set(name, Condition::Lost);
    }

    /// All is well again.
    pub fn restore(&self, name: &str) {
        self.set(name, Condition::Up);
    }

    fn set(&self, name: &str, condition: Condition) {
        let lines: Vec<_> = {
            let mut hosts = self.0.hosts.lock();
            let host = hosts.entry(host(name)).or_default();
            host.condition = condition;
            host.lines.iter().filter_map(Weak::upgrade).collect()
        };
        let frozen = matches!(condition, Condition::Frozen | Condition::Lost);
        lines.iter().for_each(|line| line.freeze(frozen));
    }

    /// The number of the next call to one of its scripted servers.
    pub(super) fn next_call(&self) -> u64 {
        self.0.calls.fetch_add(1, Ordering::Relaxed)
    }

    fn condition(&self, name: &str) -> Condition {
        self.0.hosts.lock().get(name).map(|host| host.condition).unwrap_or_default()
    }

    /// Puts the server's end of a connection under this network's control.
    fn join(&self, name: &str, stream: Stream) -> Stream {
        let line = Arc::new(Line::default());
        let mut hosts = self.0.hosts.lock();
        let host = hosts.entry(name.to_owned()).or_default();
        let frozen = matches!(host.condition, Condition::Frozen | Condition::Lost);
        host.lines.retain(|line| line.strong_count() > 0);
        host.lines.push(Arc::downgrade(&line));
        drop(hosts);
        *line.0.lock() = State { ends: Some((stream.reader, stream.sink)), frozen, ..State::default() };
        Stream { reader: Box::new(Reader(line.clone())), sink: Box::new(Writer(line)), peer: stream.peer }
    }
}

/// Servers are named with or without the network.
fn host(name: &str) -> String {
    name.strip_prefix("memory@").unwrap_or(name).to_owned()
}

impl Transport for Network {
    fn network(&self) -> &str {
        "memory"
    }

    fn dial<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Stream>> {
        Box::pin(async move {
            match self.condition(name) {
                Condition::Refusing => {
                    let text = format!("memory@{name} refuses connections");
                    Err(io::Error::new(io::ErrorKind::ConnectionRefused, text))
                }
                Condition::Lost => std::future::pending().await,
                Condition::Up | Condition::Frozen => self.0.memory.dial(name).await,
            }
        })
    }

    fn listen<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Box<dyn Listener>>> {
        Box::pin(async move {
            let inner = self.0.memory.listen(name).await?;
            let listener = Joining { inner, network: self.clone(), name: name.to_owned() };
            Ok(Box::new(listener) as Box<dyn Listener>)
        })
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = self.0.hosts.lock();
        f.debug_map().entries(hosts.iter().map(|(name, host)| (name, host.condition))).finish()
    }
}

struct Joining {
    inner: Box<dyn Listener>,
    network: Network,
    name: String,
}

impl Listener for Joining {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<Stream>> {
        Box::pin(async {
            let stream = self.inner.accept().await?;
            Ok(self.network.join(&self.name, stream))
        })
    }

    fn local_address(&self) -> String {
        self.inner.local_address()
    }
}

/// One connection, at the server's end.
#[derive(Default)]
struct Line(Mutex<State>);

type Ends = (Box<dyn AsyncRead + Send + Unpin>, Box<dyn Sink>);

#[derive(Default)]
struct State {
    /// None once it was cut.
    ends: Option<Ends>,
    frozen: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

struct Reader(Arc<Line>);
struct Writer(Arc<Line>);

impl Line {
    fn cut(&self) {
        let (ends, wakers) = {
            let mut state = self.0.lock();
            (state.ends.take(), [state.reader.take(), state.writer.take()])
        };
        drop(ends);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    fn freeze(&self, frozen: bool) {
        let wakers = {
            let mut state = self.0.lock();
            state.frozen = frozen;
            [state.reader.take(), state.writer.take()]
        };
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

fn was_cut() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

impl AsyncRead for Reader {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.0.lock();
        state.reader = Some(cx.waker().clone());
        if state.frozen {
            return Poll::Pending;
        }
        let Some((reader, _)) = &mut state.ends else { return Poll::Ready(Err(was_cut())) };
        Pin::new(reader).poll_read(cx, buf)
    }
}

impl Sink for Writer {
    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let state = self.0.0.lock();
        match &state.ends {
            _ if state.frozen => Err(io::ErrorKind::WouldBlock.into()),
            Some((_, sink)) => sink.try_write(slices),
            None => Err(was_cut()),
        }
    }

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.0.lock();
        state.writer = Some(cx.waker().clone());
        match &state.ends {
            _ if state.frozen => Poll::Pending,
            Some((_, sink)) => sink.poll_ready(cx),
            None => Poll::Ready(Err(was_cut())),
        }
    }

    fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.0.0.lock().ends {
            Some((_, sink)) => sink.poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}
