//! TLS around streams: what stands between a transport and the frames.
//!
//! A [`ServerTls`] or [`ClientTls`] says which certificates; with
//! [`ServerBuilder::tls`](crate::server::ServerBuilder::tls) and
//! [`ClientBuilder::tls`](crate::client::ClientBuilder::tls) the networks `tcp`, `tcp4` and `tcp6`
//! speak TLS under the frames, as Go's `TLSConfig` makes them. The guide's page on TLS explains it.
//!
//! It is rustls with ring, TLS 1.3 and 1.2, whatever provider the rest of the program uses. A
//! handshake of a server runs in its connection's task, within a limit of time, so that accepting
//! waits for nobody. The connection itself belongs to `stream.rs`: one lock, no task of its own.

mod client;
mod errors;
mod pem;
mod reload;
mod server;
mod stream;
mod verification;

use std::io;
use std::sync::Arc;

pub use client::ClientTls;
pub(crate) use client::Dialling;
pub use server::ServerTls;
pub(crate) use server::Serving;

use rustls::crypto::CryptoProvider;

/// Whether TLS goes around this network where it is asked for. The others have none in Go either,
/// or bring their own.
pub(crate) fn is_secured(network: &str) -> bool {
    matches!(network, "tcp" | "tcp4" | "tcp6")
}

/// Never the process's default: that one may be missing, or another.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn invalid(text: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text.into())
}
