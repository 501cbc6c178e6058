//! Frames coming in: one growing buffer, from which whole frames are split off without copying.

use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncRead;
use tokio_util::io::poll_read_buf;
use trunkline_wire::{DecodeError, Decoder, Limits, Message};

use super::link::{Beside, Link};
use crate::budget::{ALLOWANCE, Charge};

/// A read asks for this much at first; more when reads fill it. An idle connection stays small.
const SMALLEST_READ: usize = 4 * 1024;
const LARGEST_READ: usize = 64 * 1024;

const DISCARD_PAUSE: Duration = Duration::from_millis(1);

pub(crate) struct Incoming {
    reader: Box<dyn AsyncRead + Send + Unpin>,
    buf: BytesMut,
    decoder: Decoder,
    chunk: usize,
    charge: Charge,
    registered: bool,
}

/// What others may know of the reading side without asking its task.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    reads: AtomicU64,
    bytes: AtomicU64,
    partial: AtomicBool,
    held: AtomicUsize,
    nudged: AtomicBool,
}

/// What a read brought.
pub(crate) enum Fill {
    Bytes,
    /// The far end has finished, or the link was closed.
    End,
    /// Somebody wants the reading task to look up.
    Nudged,
}

impl Activity {
    /// Grows with every read: a far end that sends is not silent.
    pub(crate) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Bytes read in all.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Bytes of an unfinished frame that are held.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Makes the next [`fill`](Incoming::fill) return without reading.
    pub(crate) fn nudge<S: Beside>(&self, link: &Link<S>) {
        self.nudged.store(true, Ordering::SeqCst);
        link.wake_reader();
    }

    /// Whether a frame has begun and not ended.
    pub(crate) fn is_partial(&self) -> bool {
        self.partial.load(Ordering::Relaxed)
    }
}

impl Incoming {
    pub(crate) fn new(reader: Box<dyn AsyncRead + Send + Unpin>, limits: Limits, charge: Charge) -> Self {
        Self {
            reader,
            buf: BytesMut::new(),
            decoder: Decoder::new(limits),
            chunk: SMALLEST_READ,
            charge,
            registered: false,
        }
    }

    /// The next whole frame that has arrived.
    pub(crate) fn next(&mut self) -> Result<Option<Message>, DecodeError> {
        self.decoder.decode(&mut self.buf)
    }

    /// What a large frame took from the budget goes with the frame.
    pub(crate) fn take_charge(&mut self) -> Option<Charge> {
        (self.charge.bytes() > 0).then(|| self.charge.take())
    }

    /// How much of an unfinished frame is there.
    pub(crate) fn leftover(&self) -> usize {
        self.buf.len()
    }

    /// Reads once.
    pub(crate) async fn fill<S: Beside>(&mut self, link: &Link<S>, activity: &Activity) -> io::Result<Fill> {
        if !self.registered {
            std::future::poll_fn(|cx| {
                link.register_reader(cx);
                Poll::Ready(())
            })
            .await;
            self.registered = true;
        }
        let held = self.buf.len();
        if activity.is_partial() != (held > 0) {
            activity.partial.store(held > 0, Ordering::Relaxed);
        }
        activity.held.store(held, Ordering::Relaxed);
        // At most four times what has really arrived, whatever length was announced: a megabyte is
        // copied once over while it grows, and a liar gets little.
        let missing = self.decoder.missing(&self.buf);
        let mut room = missing.min(held * 3).max(self.chunk);
        if held + missing <= ALLOWANCE {
            // Who sends small frames never waits for the budget: the allowance will do.
            room = room.min(ALLOWANCE - held);
        }
        if held + room > ALLOWANCE && held > 0 {
            let mut granted = pin!(self.charge.wait_resize(held + room));
            let closed = std::future::poll_fn(|cx| {
                if link.is_closed() {
                    return Poll::Ready(true);
                }
                granted.as_mut().poll(cx).map(|()| false)
            });
            if closed.await {
                return Ok(Fill::End);
            }
        } else if self.charge.bytes() > 0 {
            self.charge.resize(0);
        }
        self.make_room(room, held);
        let read = std::future::poll_fn(|cx| {
            if link.is_closed() {
                return Poll::Ready(Ok(None));
            }
            if activity.nudged.load(Ordering::Relaxed) {
                return Poll::Ready(Ok(Some(None)));
            }
            poll_read_buf(Pin::new(&mut self.reader), cx, &mut self.buf).map_ok(|n| Some(Some(n)))
        });
        let n = match read.await? {
            None | Some(Some(0)) => return Ok(Fill::End),
            Some(None) => {
                activity.nudged.store(false, Ordering::SeqCst);
                return Ok(Fill::Nudged);
            }
            Some(Some(n)) => n,
        };
        activity.reads.store(activity.reads().wrapping_add(1), Ordering::Relaxed);
        activity.bytes.store(activity.bytes().wrapping_add(n as u64), Ordering::Relaxed);
        if n >= self.chunk {
            self.chunk = (self.chunk * 2).min(LARGEST_READ);
        } else if n < self.chunk / 8 {
            self.chunk = (self.chunk / 2).max(SMALLEST_READ);
        }
        Ok(Fill::Bytes)
    }

    /// Makes room for a read. A buffer whose frames somebody still holds cannot be used again from
    /// its beginning; where little comes at a time its end is used up first, or else a lone caller
    /// would cost a new buffer for each reply.
    fn make_room(&mut self, room: usize, held: usize) {
        let little = self.chunk == SMALLEST_READ && held == 0;
        if !little || self.buf.capacity() - self.buf.len() < SMALLEST_READ / 4 {
            self.buf.reserve(room);
        }
    }

    /// Reads once although the link is closed: what the far end had sent before a write failed.
    pub(crate) async fn read_on(&mut self) -> io::Result<usize> {
        self.buf.reserve(LARGEST_READ);
        std::future::poll_fn(|cx| poll_read_buf(Pin::new(&mut self.reader), cx, &mut self.buf)).await
    }

    /// Reads and throws away, so that closing does not answer late bytes with a reset that
    /// would overtake the replies already sent. Ends with the far end or the link, or when nothing
    /// has come for `silence`.
    pub(crate) async fn discard<S: Beside>(&mut self, link: &Link<S>, silence: Duration) {
        loop {
            self.buf.clear();
            self.buf.reserve(LARGEST_READ);
            let read = std::future::poll_fn(|cx| {
                if link.is_closed() {
                    return Poll::Ready(Ok(0));
                }
                poll_read_buf(Pin::new(&mut self.reader), cx, &mut self.buf)
            });
            match tokio::time::timeout(silence, read).await {
                Ok(Ok(n)) if n > 0 => {}
                _ => return,
            }
            // Whoever sends without end is not to keep a core busy with it.
            tokio::time::sleep(DISCARD_PAUSE).await;
        }
    }
}
