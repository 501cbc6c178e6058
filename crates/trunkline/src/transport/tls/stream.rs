//! One TLS connection over a stream: both halves share it behind one lock, which nobody holds
//! longer than it takes to encrypt, decrypt or hand bytes to the stream.
//!
//! Nothing runs in the background. The reading half decrypts; the writing half encrypts at most
//! [`PIECE`] bytes ahead of the stream and says that bytes are written only when their ciphertext
//! is: the caller, who offers the same bytes again until they are taken, thereby drives what is
//! left, and what it counts as not sent has not been sent.

use std::io::{self, IoSlice, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use parking_lot::Mutex;
use rustls::Connection;
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::io::poll_read_buf;

use super::errors::{Fault, of_read};
use super::verification::Seen;
use crate::transport::{BoxFuture, Sink};

/// As much is encrypted before the stream has to take it.
const PIECE: usize = 64 * 1024;

/// A read of ciphertext asks for this much at first; more when reads fill it. An idle connection
/// stays small.
const SMALLEST_READ: usize = 4 * 1024;
const LARGEST_READ: usize = 32 * 1024;

/// How long a failed handshake's last word may take.
const FAREWELL: Duration = Duration::from_millis(100);

/// What the halves share.
pub(super) struct Channel {
    sink: Box<dyn Sink>,
    state: Mutex<State>,
}

struct State {
    /// None until the handshake has got its turn.
    tls: Option<Connection>,
    stage: Stage,
    /// Bytes whose ciphertext was made and of which nobody has been told yet that they are written.
    unreported: usize,
    /// Who wants to write as soon as the handshake is done.
    writer: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Next: open, or failed.
    Handshake,
    /// Next: farewell, or failed.
    Open,
    /// We have said that nothing more will come; reading goes on.
    Farewell,
    Failed,
}

/// The ciphertext's way in.
pub(super) struct Raw {
    reader: Box<dyn AsyncRead + Send + Unpin>,
    bytes: BytesMut,
    chunk: usize,
    total: u64,
}

impl Channel {
    pub(super) fn new(sink: Box<dyn Sink>) -> Arc<Self> {
        let state = State { tls: None, stage: Stage::Handshake, unreported: 0, writer: None };
        Arc::new(Self { sink, state: Mutex::new(state) })
    }

    /// Goes through the handshake.
    pub(super) async fn handshake(&self, mut tls: Connection, raw: &mut Raw) -> Result<(), Fault> {
        // So that the stream's own slowness is seen, and nothing piles up behind it.
        tls.set_buffer_limit(Some(PIECE));
        self.state.lock().tls = Some(tls);
        let done = std::future::poll_fn(|cx| self.poll_handshake(raw, cx)).await;
        let mut state = self.state.lock();
        state.stage = if done.is_ok() { Stage::Open } else { Stage::Failed };
        state.wake_writer();
        done
    }

    /// Gives up before or in the handshake.
    pub(super) fn fail(&self) {
        let mut state = self.state.lock();
        state.stage = Stage::Failed;
        state.wake_writer();
    }

    fn poll_handshake(&self, raw: &mut Raw, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        loop {
            let (flushed, over) = {
                let mut state = self.state.lock();
                let flushed = state.flush(&*self.sink)?;
                (flushed, state.tls.as_ref().is_some_and(|tls| !tls.is_handshaking()))
            };
            if !flushed {
                ready!(self.sink.poll_ready(cx))?;
                continue;
            }
            if over {
                return Poll::Ready(Ok(()));
            }
            if raw.bytes.is_empty() && ready!(raw.poll_fill(cx))? == 0 {
                return Poll::Ready(Err(Fault::Ended(raw.total)));
            }
            self.state.lock().take_in(raw, &*self.sink)?;
        }
    }

    /// Waits for anything that the far end sends after the handshake, or for its end.
    pub(super) async fn heard(&self, raw: &mut Raw) -> Result<(), Fault> {
        let filled = std::future::poll_fn(|cx| {
            if raw.bytes.is_empty() { raw.poll_fill(cx) } else { Poll::Ready(Ok(raw.bytes.len())) }
        });
        if filled.await? > 0 {
            self.state.lock().take_in(raw, &*self.sink)?;
        }
        Ok(())
    }

    /// Sends what TLS still has to say, and the end. No longer than a moment: nobody may be there.
    pub(super) async fn farewell(&self) {
        let said = std::future::poll_fn(|cx| self.poll_shutdown(cx));
        let _ = tokio::time::timeout(FAREWELL, said).await;
    }

    fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let flushed = {
                let mut state = self.state.lock();
                if state.stage == Stage::Open {
                    state.stage = Stage::Farewell;
                    if let Some(tls) = &mut state.tls {
                        tls.send_close_notify();
                    }
                }
                // Where the stream has broken, nobody is there to be told.
                state.flush(&*self.sink).unwrap_or(true)
            };
            if flushed {
                return self.sink.poll_shutdown(cx);
            }
            ready!(self.sink.poll_ready(cx))?;
        }
    }

    /// Looks at the connection.
    pub(super) fn with<R>(&self, look: impl FnOnce(&Connection) -> R) -> Option<R> {
        self.state.lock().tls.as_ref().map(look)
    }
}

impl State {
    /// Hands ciphertext to the stream; whether all of it was taken.
    fn flush(&mut self, sink: &dyn Sink) -> io::Result<bool> {
        let Some(tls) = &mut self.tls else { return Ok(true) };
        while tls.wants_write() {
            match tls.write_tls(&mut Outward(sink)) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Lets TLS have ciphertext that came, as much as it takes at once. What TLS has to say to that
    /// goes out if there is room, or else before the next bytes.
    fn take_in(&mut self, raw: &mut Raw, sink: &dyn Sink) -> Result<(), Fault> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        let mut bytes = &raw.bytes[..];
        match tls.read_tls(&mut bytes)? {
            // After its farewell the far end has nothing more to say.
            0 => raw.bytes.clear(),
            n => raw.bytes.advance(n),
        }
        let processed = tls.process_new_packets();
        // That nothing can be written any more is the writing half's news; what has come counts.
        let _ = self.flush(sink);
        processed.map(drop).map_err(Fault::Tls)
    }

    /// What is decrypted already; none when more ciphertext is needed.
    fn take_out(&mut self, buf: &mut ReadBuf<'_>) -> io::Result<Option<usize>> {
        use io::BufRead;
        let Some(tls) = &mut self.tls else { return Ok(None) };
        let mut reader = tls.reader();
        let before = buf.remaining();
        while buf.remaining() > 0 {
            let chunk = match reader.fill_buf() {
                Ok([]) => break,
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let n = before - buf.remaining();
                    return Ok((n > 0).then_some(n));
                }
                // Ends without a farewell are told apart by the frames, which know their lengths.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) => return Err(error),
            };
            let n = chunk.len().min(buf.remaining());
            buf.put_slice(&chunk[..n]);
            reader.consume(n);
        }
        Ok(Some(before - buf.remaining()))
    }

    fn wake_writer(&mut self) {
        if let Some(waker) = self.writer.take() {
            waker.wake();
        }
    }
}

impl Raw {
    pub(super) fn new(reader: Box<dyn AsyncRead + Send + Unpin>) -> Self {
        Self { reader, bytes: BytesMut::new(), chunk: SMALLEST_READ, total: 0 }
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.bytes.reserve(self.chunk);
        let n = ready!(poll_read_buf(Pin::new(&mut self.reader), cx, &mut self.bytes))?;
        self.total += n as u64;
        if n >= self.chunk {
            self.chunk = (self.chunk * 2).min(LARGEST_READ);
        } else if n < self.chunk / 8 {
            self.chunk = (self.chunk / 2).max(SMALLEST_READ);
        }
        Poll::Ready(Ok(n))
    }
}

/// The stream, as rustls writes to it.
struct Outward<'a>(&'a dyn Sink);

impl Write for Outward<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The writing half.
pub(super) struct TlsSink(pub(super) Arc<Channel>);

impl Sink for TlsSink {
    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let total: usize = slices.iter().map(|slice| slice.len()).sum();
        if total == 0 {
            return Ok(0);
        }
        let mut state = self.0.state.lock();
        match state.stage {
            Stage::Handshake => return Err(io::ErrorKind::WouldBlock.into()),
            Stage::Open => {}
            Stage::Farewell | Stage::Failed => return Err(io::ErrorKind::BrokenPipe.into()),
        }
        loop {
            if !state.flush(&*self.0.sink)? {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            if state.unreported > 0 {
                let n = state.unreported.min(total);
                state.unreported -= n;
                return Ok(n);
            }
            let Some(tls) = &mut state.tls else { return Err(io::ErrorKind::BrokenPipe.into()) };
            // Nothing waits, so that there is room.
            let n = tls.writer().write_vectored(slices)?;
            if n == 0 {
                return Ok(0);
            }
            state.unreported = n;
        }
    }

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.state.lock();
        match state.stage {
            Stage::Handshake => {
                state.writer = Some(cx.waker().clone());
                Poll::Pending
            }
            Stage::Failed => Poll::Ready(Ok(())),
            Stage::Open | Stage::Farewell => {
                drop(state);
                self.0.sink.poll_ready(cx)
            }
        }
    }

    fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_shutdown(cx)
    }
}

/// The reading half.
pub(super) struct TlsReader {
    pub(super) channel: Arc<Channel>,
    pub(super) way: Way,
    /// What a client's handshake showed, for its errors.
    pub(super) seen: Option<Arc<Seen>>,
}

/// What a reader does with what comes.
pub(super) enum Way {
    /// A server's handshake, which gives the way in back. Next: open, or deaf.
    Handshake(BoxFuture<'static, (Raw, io::Result<()>)>),
    /// Next: deaf.
    Open(Raw),
    /// TLS has failed. What comes is thrown away, so that closing does not answer it with a reset
    /// that would overtake the word that says why.
    Deaf(Raw),
}

impl TlsReader {
    fn go_deaf(&mut self) {
        if let Way::Open(raw) = &mut self.way {
            let raw = std::mem::replace(raw, Raw::new(Box::new(tokio::io::empty())));
            self.way = Way::Deaf(raw);
        }
    }

    fn poll_open(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Way::Open(raw) = &mut self.way else { return Poll::Ready(Ok(())) };
        loop {
            if self.channel.state.lock().take_out(buf)?.is_some() {
                return Poll::Ready(Ok(()));
            }
            if raw.bytes.is_empty() && ready!(raw.poll_fill(cx))? == 0 {
                return Poll::Ready(Ok(()));
            }
            let taken = self.channel.state.lock().take_in(raw, &*self.channel.sink);
            let error = match taken {
                Ok(()) => continue,
                Err(Fault::Tls(error)) => of_read(error, self.seen.as_deref()),
                Err(Fault::Io(error)) => error,
                Err(Fault::Ended(_)) => io::ErrorKind::UnexpectedEof.into(),
            };
            self.channel.fail();
            return Poll::Ready(Err(error));
        }
    }
}

impl AsyncRead for TlsReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match &mut self.way {
                Way::Handshake(handshake) => {
                    let (raw, done) = ready!(handshake.as_mut().poll(cx));
                    self.way = if done.is_ok() { Way::Open(raw) } else { Way::Deaf(raw) };
                    done?;
                }
                Way::Open(_) => {
                    let read = ready!(self.poll_open(cx, buf));
                    if read.is_err() {
                        self.go_deaf();
                    }
                    return Poll::Ready(read);
                }
                Way::Deaf(raw) => {
                    raw.bytes.clear();
                    if ready!(raw.poll_fill(cx))? == 0 {
                        return Poll::Ready(Ok(()));
                    }
                }
            }
        }
    }
}
