//! A relay in front of a server, which notes what every frame was like.
//!
//! The framework does not tell its users how a frame was compressed or when a connection ended; here it is seen
//! from outside.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use trunkline::wire::{Compressors, Decoder, Header, Limits, Message};

use crate::check::{Check, During, Problem};

/// How bytes are handed on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pieces {
    /// As they come.
    Whole,
    /// The first ones singly, then in pieces that end inside of frames.
    Torn,
}

#[derive(Debug)]
pub(crate) struct Tap {
    address: String,
    seen: Arc<Mutex<Seen>>,
    task: AbortHandle,
}

#[derive(Debug, Default)]
struct Seen {
    requests: Vec<Frame>,
    responses: Vec<Frame>,
    connections: usize,
    ended_by_client: usize,
    ended_by_server: usize,
}

/// What a frame was like, apart from its contents.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) header: Header,
    /// Of the payload, decompressed.
    pub(crate) len: usize,
}

#[derive(Clone, Copy)]
enum Way {
    ToServer,
    ToClient,
}

impl Tap {
    pub(crate) async fn before(server: &str, pieces: Pieces) -> Check<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.during("binding the relay")?;
        let address = listener.local_addr()?.to_string();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let task = tokio::spawn(accept(listener, server.to_owned(), seen.clone(), pieces)).abort_handle();
        Ok(Self { address, seen, task })
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Frames that the client sent, heartbeats left out.
    pub(crate) fn requests(&self) -> Vec<Frame> {
        let seen = self.seen.lock();
        seen.requests.iter().filter(|frame| !frame.header.is_heartbeat()).copied().collect()
    }

    /// Frames that the server answered with, heartbeats and pushes left out.
    pub(crate) fn responses(&self) -> Vec<Frame> {
        let seen = self.seen.lock();
        let answers = seen.responses.iter().filter(|frame| frame.header.is_response());
        answers.filter(|frame| !frame.header.is_heartbeat()).copied().collect()
    }

    /// How many heartbeats came back.
    pub(crate) fn beats(&self) -> usize {
        self.seen.lock().responses.iter().filter(|frame| frame.header.is_heartbeat()).count()
    }

    /// The newest request and response.
    pub(crate) fn last(&self) -> Check<(Frame, Frame)> {
        let (requests, responses) = (self.requests(), self.responses());
        match (requests.last(), responses.last()) {
            (Some(request), Some(response)) => Ok((*request, *response)),
            _ => Err(Problem("no request and response went by".to_owned())),
        }
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.lock().connections
    }

    pub(crate) fn ended_by_client(&self) -> usize {
        self.seen.lock().ended_by_client
    }

    pub(crate) fn ended_by_server(&self) -> usize {
        self.seen.lock().ended_by_server
    }
}

impl Seen {
    fn note(&mut self, way: Way, frame: Frame) {
        match way {
            Way::ToServer => self.requests.push(frame),
            Way::ToClient => self.responses.push(frame),
        }
    }

    fn end(&mut self, way: Way) {
        match way {
            Way::ToServer => self.ended_by_client += 1,
            Way::ToClient => self.ended_by_server += 1,
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, server: String, seen: Arc<Mutex<Seen>>, pieces: Pieces) {
    // Ends the relays when it is dropped.
    let mut relays = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = TcpStream::connect(&server).await else { continue };
        // What was torn must not be put together again.
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        seen.lock().connections += 1;
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        relays.spawn(relay(from_client, to_server, seen.clone(), Way::ToServer, pieces));
        relays.spawn(relay(from_server, to_client, seen.clone(), Way::ToClient, pieces));
    }
}

async fn relay(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    seen: Arc<Mutex<Seen>>,
    way: Way,
    pieces: Pieces,
) -> Option<()> {
    let mut decoder = Decoder::new(Limits::default());
    let mut undecoded = BytesMut::new();
    let mut torn = 0;
    loop {
        let mut chunk = BytesMut::with_capacity(64 << 10);
        // A reset ends a connection as its end does.
        if from.read_buf(&mut chunk).await.unwrap_or(0) == 0 {
            break;
        }
        undecoded.extend_from_slice(&chunk);
        // Noted before it is handed on: who got an answer finds it here.
        while let Ok(Some(message)) = decoder.decode(&mut undecoded) {
            let frame = Frame { header: message.header(), len: inflated(message) };
            seen.lock().note(way, frame);
        }
        match pieces {
            Pieces::Whole => to.write_all(&chunk).await.ok()?,
            Pieces::Torn => tear(&mut to, &chunk, &mut torn).await.ok()?,
        }
    }
    seen.lock().end(way);
    to.shutdown().await.ok()
}

/// The first 150 bytes one by one, what follows in pieces of a length that divides no frame.
async fn tear(to: &mut OwnedWriteHalf, mut bytes: &[u8], before: &mut usize) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let len = if *before < 150 { 1 } else { 61 };
        let (piece, rest) = bytes.split_at(len.min(bytes.len()));
        to.write_all(piece).await?;
        tokio::time::sleep(Duration::from_micros(250)).await;
        *before += piece.len();
        bytes = rest;
    }
    Ok(())
}

fn inflated(message: Message) -> usize {
    let limit = Limits::default().inflated;
    let payload =
        Compressors::default().decompress(message.header().compress(), &message.into_payload(), limit);
    payload.as_ref().map_or(usize::MAX, Bytes::len)
}
