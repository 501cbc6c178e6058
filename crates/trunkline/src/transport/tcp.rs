//! TCP, over IPv4 and IPv6.

use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};
use tokio::task::JoinSet;

use super::{BoxFuture, Listener, Peer, Sink, Stream, Transport};

/// TCP. Host names are resolved at every dial and every address is tried.
#[derive(Clone, Copy, Debug)]
pub struct Tcp {
    network: &'static str,
    family: Family,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Any,
    V4,
    V6,
}

/// Finds peers that vanished without a word even where heartbeats are off.
const KEEPALIVE: Duration = Duration::from_secs(60);

const BACKLOG: u32 = 1024;

/// An address that has not answered for this long is not waited for alone.
const SILENCE: Duration = Duration::from_millis(250);

impl Tcp {
    /// `tcp`: whatever family the address or name gives.
    pub const fn any() -> Self {
        Self { network: "tcp", family: Family::Any }
    }

    /// `tcp4`: IPv4 only.
    pub const fn v4() -> Self {
        Self { network: "tcp4", family: Family::V4 }
    }

    /// `tcp6`: IPv6 only.
    pub const fn v6() -> Self {
        Self { network: "tcp6", family: Family::V6 }
    }

    /// Accepts on a listener that is bound already, for
    /// [`ServerBuilder::listen_on`](crate::server::ServerBuilder::listen_on).
    pub fn listener(listener: TcpListener) -> Box<dyn Listener> {
        Box::new(TcpAccept { listener, tcp: Self::any() })
    }

    async fn resolve(self, address: &str) -> io::Result<Vec<SocketAddr>> {
        // `:8972` means every interface, as in Go: those of both families where IPv6 is there.
        if let Some(Ok(port)) = address.strip_prefix(':').map(str::parse) {
            let v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
            let v6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
            return Ok(match self.family {
                Family::Any => vec![v6, v4],
                Family::V4 => vec![v4],
                Family::V6 => vec![v6],
            });
        }
        let found: Vec<_> = lookup_host(address)
            .await?
            .filter(|a| match self.family {
                Family::Any => true,
                Family::V4 => a.is_ipv4(),
                Family::V6 => a.is_ipv6(),
            })
            .collect();
        if found.is_empty() {
            let text = format!("{address} has no address for {}", self.network);
            return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, text));
        }
        Ok(found)
    }

    async fn connect(self, address: &str) -> io::Result<Stream> {
        let (stream, peer) = first_of(self.resolve(address).await?).await?;
        self.stream(stream, peer)
    }

    async fn bind(self, address: &str) -> io::Result<Box<dyn Listener>> {
        let listener = first_to_listen(self.resolve(address).await?, |socket| self.open(socket))?;
        Ok(Box::new(TcpAccept { listener, tcp: self }))
    }

    fn open(self, address: SocketAddr) -> io::Result<TcpListener> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // A restarted server finds its port in TIME_WAIT; on Windows the option means something else.
        #[cfg(not(windows))]
        socket.set_reuseaddr(true)?;
        if address.is_ipv6() {
            // Not left to the system's setting: `tcp` on every interface takes both families,
            // `tcp6` leaves IPv4's port to others.
            let both = self.family == Family::Any && address.ip().is_unspecified();
            SockRef::from(&socket).set_only_v6(!both)?;
        }
        socket.bind(address)?;
        socket.listen(BACKLOG)
    }

    fn stream(self, stream: TcpStream, peer: SocketAddr) -> io::Result<Stream> {
        // Writes are batched by the framework; the kernel must not wait for more.
        stream.set_nodelay(true)?;
        SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
        let (reader, writer) = stream.into_split();
        Ok(Stream {
            reader: Box::new(reader),
            sink: Box::new(TcpSink(writer)),
            peer: Peer::new(format!("{}@{peer}", self.network), Some(peer)),
        })
    }
}

/// Dials the addresses in turn: the next one as soon as the last has failed, or has kept silent for
/// a while. The first to answer is taken.
async fn first_of(addresses: Vec<SocketAddr>) -> io::Result<(TcpStream, SocketAddr)> {
    if let [only] = addresses[..] {
        return Ok((TcpStream::connect(only).await?, only));
    }
    let mut dials = JoinSet::new();
    let mut errors = Vec::new();
    let mut rest = addresses.into_iter();
    loop {
        if let Some(next) = rest.next() {
            dials.spawn(async move { (next, TcpStream::connect(next).await) });
        }
        let ended = tokio::select! {
            ended = dials.join_next() => ended,
            () = tokio::time::sleep(SILENCE), if rest.len() > 0 => continue,
        };
        match ended {
            Some(Ok((address, Ok(stream)))) => return Ok((stream, address)),
            Some(Ok((address, Err(error)))) => errors.push((address, error)),
            Some(Err(error)) => return Err(io::Error::other(error)),
            None => break,
        }
    }
    let kind = errors.last().map_or(io::ErrorKind::NotConnected, |(_, e)| e.kind());
    Err(io::Error::new(kind, NoneAnswered(errors)))
}

/// Every address that was dialled, and what came of it.
#[derive(Debug)]
struct NoneAnswered(Vec<(SocketAddr, io::Error)>);

impl fmt::Display for NoneAnswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (address, error)) in self.0.iter().enumerate() {
            write!(f, "{}{address}: {error}", if n == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for NoneAnswered {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.last().map(|(_, error)| error as _)
    }
}

/// Listens on the first address that can be had. One that is taken, or not permitted, is there: to
/// go on to the next would hide that.
fn first_to_listen<T>(
    addresses: Vec<SocketAddr>,
    mut listen: impl FnMut(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let mut first = None;
    for address in addresses {
        match listen(address) {
            Ok(listener) => return Ok(listener),
            Err(e) if matches!(e.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied) => {
                return Err(e);
            }
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()))
}

impl Transport for Tcp {
    fn network(&self) -> &str {
        self.network
    }

    fn dial<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<Stream>> {
        Box::pin(self.connect(address))
    }

    fn listen<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<Box<dyn Listener>>> {
        Box::pin(self.bind(address))
    }
}

struct TcpAccept {
    listener: TcpListener,
    tcp: Tcp,
}

impl Listener for TcpAccept {
    fn accept(&mut self) -> Pin<Box<dyn Future<Output = io::Result<Stream>> + Send + '_>> {
        Box::pin(async {
            let (stream, peer) = self.listener.accept().await?;
            self.tcp.stream(stream, peer)
        })
    }

    fn local_address(&self) -> String {
        self.listener.local_addr().map_or_else(|_| "unknown".to_owned(), |a| a.to_string())
    }
}

struct TcpSink(OwnedWriteHalf);

impl Sink for TcpSink {
    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match slices {
            [one] => self.0.try_write(one),
            many => self.0.try_write_vectored(many),
        }
    }

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_ref().poll_write_ready(cx)
    }

    fn poll_shutdown(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Whether there is room to write does not matter: a peer that reads nothing would hold us.
        Poll::Ready(SockRef::from(self.0.as_ref()).shutdown(std::net::Shutdown::Write))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn bound() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    #[tokio::test]
    async fn where_there_is_no_ipv6_every_interface_means_those_of_ipv4() {
        for (network, expected) in [(Tcp::any(), Some(true)), (Tcp::v4(), Some(true)), (Tcp::v6(), None)] {
            let addresses = network.resolve(":8972").await.unwrap();
            assert!(addresses.iter().all(|a| a.port() == 8972 && a.ip().is_unspecified()));
            // Without IPv6 in the kernel, and with it but switched off.
            for error in [io::ErrorKind::Unsupported, io::ErrorKind::AddrNotAvailable] {
                let found = first_to_listen(addresses.clone(), |address| {
                    if address.is_ipv4() { Ok(true) } else { Err(error.into()) }
                });
                assert_eq!(found.map_err(|e| e.kind()), expected.ok_or(error));
            }
        }
    }

    #[test]
    fn a_port_that_is_taken_is_not_listened_on_beside() {
        let addresses = vec!["[::]:1".parse().unwrap(), "0.0.0.0:1".parse().unwrap()];
        let found = first_to_listen(addresses, |address| {
            if address.is_ipv4() { Ok(()) } else { Err(io::ErrorKind::AddrInUse.into()) }
        });
        assert_eq!(found.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[tokio::test]
    async fn an_address_that_refuses_is_passed_over() {
        let (_live, live) = bound().await;
        let refusing = bound().await.1;
        assert_eq!(first_of(vec![refusing, live]).await.unwrap().1, live);
        let error = first_of(vec![refusing, refusing]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(error.to_string().matches(&refusing.to_string()).count(), 2, "{error}");
        let source = std::error::Error::source(&error).unwrap().downcast_ref::<io::Error>().unwrap();
        assert_eq!(source.kind(), io::ErrorKind::ConnectionRefused);
        assert!(source.raw_os_error().is_some());
    }

    #[tokio::test]
    async fn an_address_that_keeps_silent_holds_up_no_other() {
        // Nobody accepts: once the backlog is full, dials get no answer at all.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let deaf = socket.listen(1).unwrap();
        let silent = deaf.local_addr().unwrap();
        let mut filling = Vec::new();
        while let Ok(Ok(stream)) =
            tokio::time::timeout(Duration::from_millis(500), TcpStream::connect(silent)).await
        {
            filling.push(stream);
            assert!(filling.len() < 1_000, "a backlog of one takes so many");
        }
        let (_live, live) = bound().await;
        let found = tokio::time::timeout(Duration::from_secs(20), first_of(vec![silent, silent, live]));
        assert_eq!(found.await.unwrap().unwrap().1, live);
    }
}
