//! A peer that speaks bytes: what a live server or client does with them is seen frame by frame.

use bytes::{Bytes, BytesMut};
use std::future::poll_fn;
use std::io::IoSlice;
use std::pin::Pin;
use tokio::io::AsyncRead;
use tokio_util::io::poll_read_buf;
use trunkline::transport::memory::Memory;
use trunkline::transport::{Listener, Sink, Stream, Tcp, Transport};
use trunkline::wire::{Decoder, Header, Limits, Message};
use trunkline::{Metadata, SerializeType};

use crate::pair::ADDRESS;

pub(crate) struct RawPeer {
    pub(crate) reader: RawReader,
    pub(crate) writer: RawWriter,
}

pub(crate) struct RawReader {
    reader: Box<dyn AsyncRead + Send + Unpin>,
    decoder: Decoder,
    buf: BytesMut,
}

pub(crate) struct RawWriter(Box<dyn Sink>);

impl RawPeer {
    pub(crate) fn new(stream: Stream) -> Self {
        let decoder = Decoder::new(Limits::default());
        let reader = RawReader { reader: stream.reader, decoder, buf: BytesMut::new() };
        Self { reader, writer: RawWriter(stream.sink) }
    }

    /// Connects to the server of a pair.
    pub(crate) async fn dial(network: &Memory) -> Self {
        Self::new(network.dial(ADDRESS.split_once('@').unwrap().1).await.unwrap())
    }

    pub(crate) async fn dial_tcp(address: &str) -> Self {
        Self::new(Tcp::any().dial(address.strip_prefix("tcp@").unwrap()).await.unwrap())
    }

    /// Writes all of it.
    pub(crate) async fn send(&self, bytes: &[u8]) {
        self.writer.send(bytes).await.expect("the far end takes it");
    }

    pub(crate) async fn send_message(&self, message: &Message) {
        self.send(&bytes_of(message)).await;
    }

    /// Writes what the stream takes now.
    pub(crate) fn try_send(&self, bytes: &[u8]) -> usize {
        self.writer.try_send(bytes).expect("the far end takes it")
    }

    /// The next frame. None: the far end has closed the connection.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        self.reader.next().await
    }

    /// The next call; heartbeats before it are echoed.
    pub(crate) async fn next_call(&mut self) -> Option<Message> {
        loop {
            let message = self.next().await?;
            if !message.header().is_heartbeat() {
                return Some(message);
            }
            let echo = message.header().echo();
            self.send_message(&message.with_header(echo)).await;
        }
    }

    pub(crate) async fn answer(&self, request: &Message, payload: &[u8]) {
        let header = request.header().response_to();
        self.send_message(&message(header, "", "", &[], payload)).await;
    }
}

impl RawWriter {
    pub(crate) async fn send(&self, mut bytes: &[u8]) -> std::io::Result<()> {
        while !bytes.is_empty() {
            match self.try_send(bytes)? {
                0 => poll_fn(|cx| self.0.poll_ready(cx)).await?,
                n => bytes = &bytes[n..],
            }
        }
        Ok(())
    }

    /// Writes what the stream takes now.
    pub(crate) fn try_send(&self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.0.try_write(&[IoSlice::new(bytes)]) {
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => Ok(0),
            result => result,
        }
    }
}

impl RawReader {
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.decoder.decode(&mut self.buf).unwrap() {
                return Some(message);
            }
            match poll_fn(|cx| poll_read_buf(Pin::new(&mut self.reader), cx, &mut self.buf)).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Reads once and forgets. None: the far end has closed the connection.
    pub(crate) async fn read_some(&mut self, most: usize) -> Option<usize> {
        let mut some = BytesMut::with_capacity(most);
        match poll_fn(|cx| poll_read_buf(Pin::new(&mut self.reader), cx, &mut some)).await {
            Ok(0) | Err(_) => None,
            Ok(n) => Some(n),
        }
    }
}

/// Accepts in place of a server.
pub(crate) struct RawServer(Box<dyn Listener>);

impl RawServer {
    pub(crate) async fn listen(network: &Memory) -> Self {
        Self(network.listen(ADDRESS.split_once('@').unwrap().1).await.unwrap())
    }

    pub(crate) async fn listen_tcp() -> Self {
        Self(Tcp::any().listen("127.0.0.1:0").await.unwrap())
    }

    pub(crate) fn address(&self) -> String {
        format!("tcp@{}", self.0.local_address())
    }

    pub(crate) async fn accept(&mut self) -> RawPeer {
        RawPeer::new(self.0.accept().await.unwrap())
    }
}

pub(crate) fn message(
    header: Header,
    path: &str,
    method: &str,
    pairs: &[(&str, &str)],
    payload: &[u8],
) -> Message {
    let metadata: Metadata = pairs.iter().copied().collect();
    Message::new(header, path, method, &metadata, Bytes::copy_from_slice(payload)).unwrap()
}

/// A call of raw bytes.
pub(crate) fn request(seq: u64, path: &str, method: &str, payload: &[u8]) -> Message {
    message(Header::request(SerializeType::RAW).with_seq(seq), path, method, &[], payload)
}

pub(crate) fn bytes_of(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bytes
}
