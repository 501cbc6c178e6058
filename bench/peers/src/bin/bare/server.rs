//! The server's side: one task per connection reads a batch of frames, answers each, writes all replies at once.

use std::io::{self, IoSlice};

use bench_load::{BenchmarkMessage, Blob, Millis, Result};
use bytes::{Buf, BytesMut};
use prost::Message;
use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::frame::{self, Frame};

pub(crate) async fn serve(mut stream: TcpStream) {
    // A lost connection is the client's to report.
    let _ = answer_all(&mut stream).await;
}

async fn answer_all(stream: &mut TcpStream) -> Result<()> {
    let mut buffer = BytesMut::with_capacity(READ_SIZE);
    let mut out = Vec::with_capacity(READ_SIZE);
    let mut large = Vec::new();
    loop {
        if stream.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
        let mut at = 0;
        let missing = loop {
            match Frame::split(&buffer[at..])? {
                Ok(frame) if is_large_echo(&frame) => {
                    let open = frame::reply(&mut out, &frame);
                    let (size, payload) = (frame.size, frame.payload.len());
                    buffer.advance(at);
                    at = 0;
                    let whole = buffer.split_to(size).freeze();
                    let blob = Blob::decode(whole.slice(size - payload..))?;
                    let reply = blob.encode_to_vec();
                    open.close(&mut out, reply.len());
                    large.push((out.len(), reply));
                }
                Ok(frame) => {
                    answer(&frame, &mut out)?;
                    at += frame.size;
                }
                Err(size) => break size - (buffer.len() - at),
            }
        };
        if large.is_empty() {
            write(stream, &out).await?;
        } else {
            write_pieces(stream, &mut pieces(&out, &large)).await?;
            large.clear();
        }
        out.clear();
        buffer.advance(at);
        buffer.reserve(missing.max(READ_SIZE / 2));
    }
}

fn is_large_echo(request: &Frame<'_>) -> bool {
    request.payload.len() >= LARGE && request.path == frame::PATH && request.method == frame::ECHO
}

/// Appends the reply.
fn answer(request: &Frame<'_>, out: &mut Vec<u8>) -> Result<()> {
    if request.path != frame::PATH {
        return Err("a request for a service that is not here".into());
    }
    let open = frame::reply(out, request);
    match request.method {
        frame::SAY => {
            let mut message = BenchmarkMessage::decode(request.payload)?;
            message.answer();
            message.encode(out)?;
        }
        frame::ECHO => Blob::decode(request.payload)?.encode(out)?,
        frame::BURN => {
            let millis = Millis::decode(request.payload)?;
            bench_load::burn(millis.value);
            millis.encode(out)?;
        }
        _ => return Err("a request for a method that is not here".into()),
    }
    open.close(out, 0);
    Ok(())
}

async fn write(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn write_pieces(stream: &TcpStream, mut pieces: &mut [IoSlice<'_>]) -> io::Result<()> {
    while !pieces.is_empty() {
        match stream.try_write_vectored(pieces) {
            Ok(written) => IoSlice::advance_slices(&mut pieces, written),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Each large payload goes behind so many of the bytes.
fn pieces<'a>(out: &'a [u8], large: &'a [(usize, Vec<u8>)]) -> Vec<IoSlice<'a>> {
    let mut pieces = Vec::with_capacity(2 * large.len() + 1);
    let mut start = 0;
    for (end, payload) in large {
        pieces.push(IoSlice::new(&out[start..*end]));
        pieces.push(IoSlice::new(payload));
        start = *end;
    }
    pieces.push(IoSlice::new(&out[start..]));
    pieces
}

/// How much is read at once when there is that much.
const READ_SIZE: usize = 64 << 10;

/// From here on a payload is not copied.
pub(crate) const LARGE: usize = 16 << 10;
