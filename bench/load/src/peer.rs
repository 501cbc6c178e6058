//! What a framework must be able to do to take part.

use std::{future::Future, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use tokio::net::TcpListener;

use crate::BenchmarkMessage;

/// Any error, told in words.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The result of a call.
pub type Result<T> = std::result::Result<T, Error>;

/// A framework under load: both ends of the service in `bench.proto`.
///
/// A handle is cloned for each caller. Everything is generic over it, so no peer pays for dynamic dispatch.
pub trait Peer: Clone + Send + Sync + Sized + 'static {
    /// Serves until the process ends.
    fn serve(listener: TcpListener) -> impl Future<Output = Result<()>> + Send;

    /// Opens so many connections; a call names the one it uses.
    fn connect(addr: SocketAddr, connections: usize) -> impl Future<Output = Result<Self>> + Send;

    /// Sends the message encoded, decodes the answer.
    /// It is shared so that a framework whose calls must own their argument need not copy it.
    fn say(
        &self,
        connection: usize,
        message: &Arc<BenchmarkMessage>,
    ) -> impl Future<Output = Result<BenchmarkMessage>> + Send;

    /// Sends the bytes and gets them back.
    fn echo(&self, connection: usize, payload: Bytes) -> impl Future<Output = Result<Bytes>> + Send;

    /// Has the server call [`burn`](crate::burn()) for so many milliseconds.
    fn burn(&self, connection: usize, millis: u32) -> impl Future<Output = Result<()>> + Send;
}
