//! Byte streams between two ends: addresses, dialling, listening.
//!
//! A stream's writing half is written through `&self` and without waiting, so that whoever has
//! a frame may write it; its reading half is owned by one task.

use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use tokio::io::AsyncRead;

mod address;
mod certificate;
mod identity;
pub mod memory;
mod tcp;
#[cfg(feature = "tls")]
pub mod tls;

pub use address::{Address, AddressError};
pub use identity::Identity;
pub use tcp::Tcp;

/// A future behind a pointer, as the object-safe traits here return it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A connected stream: a half to read from, a half to write to, and who is at the far end.
pub struct Stream {
    /// The half to read from.
    pub reader: Box<dyn AsyncRead + Send + Unpin>,
    /// The half to write to.
    pub sink: Box<dyn Sink>,
    /// Who is at the far end.
    pub peer: Peer,
}

/// The writing half of a stream.
pub trait Sink: Send + Sync + 'static {
    /// Writes what the stream takes now.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when it takes nothing now.
    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Waits until the stream may take something. Only the last caller's waker is kept.
    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Tells the far end that nothing more will come; reading goes on.
    fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// A way to reach addresses of one network: accepts and dials.
///
/// Users add one with [`ServerBuilder::transport`](crate::server::ServerBuilder::transport) and
/// [`ClientBuilder::transport`](crate::client::ClientBuilder::transport).
pub trait Transport: Send + Sync + 'static {
    /// The network's name before the `@` of an address.
    fn network(&self) -> &str;

    /// Connects to the part behind the `@`.
    fn dial<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<Stream>>;

    /// Listens on the part behind the `@`.
    fn listen<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<Box<dyn Listener>>>;
}

/// Accepts streams.
pub trait Listener: Send + 'static {
    /// The next stream. An error is about this one attempt; the listener goes on.
    fn accept(&mut self) -> BoxFuture<'_, io::Result<Stream>>;

    /// Where it listens, as the part behind the `@`.
    fn local_address(&self) -> String;
}

/// Who is at the far end of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The network and address, such as `tcp@127.0.0.1:40000`.
    pub address: Arc<str>,
    /// The socket address, where there is one.
    pub socket: Option<SocketAddr>,
    identity: Option<Arc<OnceLock<Identity>>>,
}

impl Peer {
    /// Who is at this address, such as `tcp@127.0.0.1:40000`.
    pub fn new(address: impl Into<Arc<str>>, socket: Option<SocketAddr>) -> Self {
        Self { address: address.into(), socket, identity: None }
    }

    /// Says who the far end has proven to be.
    #[must_use]
    pub fn with_identity(mut self, identity: Identity) -> Self {
        self.identity = Some(Arc::new(OnceLock::from(identity)));
        self
    }

    /// Who the far end has proven to be; none where it showed no certificate.
    ///
    /// A connection filter is asked before a handshake and finds none; calls come after it.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()?.get()
    }

    /// Where to put the identity that a handshake to come will show.
    #[cfg(feature = "tls")]
    pub(crate) fn identified_later(&mut self) -> Arc<OnceLock<Identity>> {
        self.identity.insert(Arc::default()).clone()
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// The transports that one client or server knows, by network name. Nothing is global.
#[derive(Clone)]
pub(crate) struct Transports {
    known: Vec<Arc<dyn Transport>>,
    /// What goes around those that are dialled.
    #[cfg(feature = "tls")]
    tls: Option<Arc<tls::Dialling>>,
    /// Those that have it around them.
    #[cfg(feature = "tls")]
    secured: Vec<Arc<dyn Transport>>,
}

impl Default for Transports {
    fn default() -> Self {
        Self {
            known: vec![
                Arc::new(Tcp::any()),
                Arc::new(Tcp::v4()),
                Arc::new(Tcp::v6()),
                Arc::new(memory::Memory::detached()),
            ],
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(feature = "tls")]
            secured: Vec::new(),
        }
    }
}

impl Transports {
    /// A transport of a known network takes its place.
    pub(crate) fn add(&mut self, transport: Arc<dyn Transport>) {
        self.known.retain(|t| t.network() != transport.network());
        self.known.push(transport);
        #[cfg(feature = "tls")]
        if let Some(tls) = self.tls.take() {
            self.secure(tls);
        }
    }

    /// What is dialled speaks TLS, on the networks that have it: those that are known and those
    /// that are added.
    #[cfg(feature = "tls")]
    pub(crate) fn secure(&mut self, tls: Arc<tls::Dialling>) {
        self.secured = self.known.iter().filter_map(|transport| tls.over(transport)).collect();
        self.tls = Some(tls);
    }

    pub(crate) fn get(&self, network: &str) -> Option<&Arc<dyn Transport>> {
        #[cfg(feature = "tls")]
        if let Some(found) = self.secured.iter().find(|t| t.network() == network) {
            return Some(found);
        }
        self.known.iter().find(|t| t.network() == network)
    }

    pub(crate) fn names(&self) -> String {
        self.known.iter().map(|t| t.network()).collect::<Vec<_>>().join(", ")
    }
}
