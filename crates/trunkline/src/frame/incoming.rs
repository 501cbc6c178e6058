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

/// Who has sent a large frame whole gets room for the next one at once, up to this size, if the
/// budget has it: growing step by step copies a third of it once more.
const MOST_PROVEN: usize = 4 * 1024 * 1024;

const DISCARD_READ: usize = 16 * 1024;
const DISCARD_PAUSE: Duration = Duration::from_millis(1);

pub(crate) struct Incoming {
    reader: Box<dyn AsyncRead + Send + Unpin>,
    buf: BytesMut,
    decoder: Decoder,
    chunk: usize,
    charge: Charge,
    registered: bool,
    frames: u64,
    /// The size of the last large frame that came whole.
    proven: usize,
    /// The buffer was made for a frame beyond the allowance.
    large: bool,
    /// How large the buffer was made, whatever has been split off since.
    made: usize,
}

/// What others may know of the reading side without asking its task.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    reads: AtomicU64,
    bytes: AtomicU64,
    frames: AtomicU64,
    partial: AtomicBool,
    charged: AtomicUsize,
    /// Nought while nothing is waited for.
    wanted: AtomicUsize,
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

    /// Frames that have ended: while it stays the same, so does the one that has begun.
    pub(crate) fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// What the frame that has begun takes from the budget.
    pub(crate) fn charged(&self) -> usize {
        self.charged.load(Ordering::Relaxed)
    }

    /// How many bytes the frame that has begun still wants, if nothing is read because the budget
    /// has none for it.
    pub(crate) fn wanted(&self) -> Option<usize> {
        Some(self.wanted.load(Ordering::Relaxed)).filter(|wanted| *wanted > 0)
    }

    /// Makes the next [`fill`](Incoming::fill) return without reading.
    pub(crate) fn nudge<S: Beside>(&self, link: &Link<S>) {
        self.nudged.store(true, Ordering::SeqCst);
        link.wake_reader();
    }

    /// Whether somebody nudged; answers each nudge once.
    fn take_nudge(&self) -> bool {
        self.nudged.load(Ordering::Relaxed) && self.nudged.swap(false, Ordering::SeqCst)
    }

    /// Whether the next [`fill`](Incoming::fill) will be [`Fill::Nudged`].
    pub(crate) fn is_nudged(&self) -> bool {
        self.nudged.load(Ordering::Relaxed)
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
            frames: 0,
            proven: 0,
            large: false,
            made: 0,
        }
    }

    /// The next whole frame that has arrived.
    pub(crate) fn next(&mut self) -> Result<Option<Message>, DecodeError> {
        let frame = self.decoder.decode(&mut self.buf)?;
        if let Some(frame) = &frame {
            self.frames += 1;
            if frame.wire_len() > ALLOWANCE {
                self.proven = frame.wire_len().min(MOST_PROVEN);
            }
        }
        Ok(frame)
    }

    /// What a large frame took from the budget goes with the frame.
    pub(crate) fn take_charge(&mut self) -> Option<Charge> {
        (self.charge.bytes() > 0).then(|| self.charge.take())
    }

    /// Whether a frame keeps much more memory than its own while it is kept: a buffer that arrived
    /// in one go with many others.
    pub(crate) fn is_crowded(&self, frame: &Message) -> bool {
        self.made > 2 * SMALLEST_READ && frame.wire_len() <= self.made / 2
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
        activity.frames.store(self.frames, Ordering::Relaxed);
        // At most four times what has really arrived, whatever length was announced: a liar gets
        // little. Who has shown that such lengths are meant gets more, if there is any to spare.
        let missing = self.decoder.missing(&self.buf);
        let mut room = missing.min(held * 3).max(self.chunk);
        let ahead = missing.min(self.proven);
        if ahead > room && self.charge.try_resize(held + ahead) {
            room = ahead;
        }
        if held + missing <= ALLOWANCE {
            // Who sends small frames never waits for the budget: the allowance will do.
            room = room.min(ALLOWANCE - held);
        }
        if held + room > ALLOWANCE {
            match self.reserve(held + room, held + missing.max(self.chunk), link, activity).await {
                Some(interrupted) => return Ok(interrupted),
                None => activity.charged.store(self.charge.bytes(), Ordering::Relaxed),
            }
        } else if self.charge.bytes() > 0 {
            self.charge.resize(0);
        }
        self.make_room(room, held);
        let read = std::future::poll_fn(|cx| {
            if link.is_closed() {
                return Poll::Ready(Ok(None));
            }
            if activity.take_nudge() {
                return Poll::Ready(Ok(Some(None)));
            }
            poll_read_buf(Pin::new(&mut self.reader), cx, &mut self.buf).map_ok(|n| Some(Some(n)))
        });
        let n = match read.await? {
            None | Some(Some(0)) => return Ok(Fill::End),
            Some(None) => return Ok(Fill::Nudged),
            Some(Some(n)) => n,
        };
        // Until the next fill nobody waits for the peer, and what was charged may go with its frame.
        if held > 0 {
            activity.partial.store(false, Ordering::Relaxed);
            activity.charged.store(0, Ordering::Relaxed);
        }
        activity.reads.store(activity.reads().wrapping_add(1), Ordering::Relaxed);
        activity.bytes.store(activity.bytes().wrapping_add(n as u64), Ordering::Relaxed);
        if n >= self.chunk {
            self.chunk = (self.chunk * 2).min(LARGEST_READ);
        } else if n < self.chunk / 8 {
            self.chunk = (self.chunk / 2).max(SMALLEST_READ);
        }
        Ok(Fill::Bytes)
    }

    /// Waits until the budget has so many bytes for this connection, unless something else happens.
    /// `most`: what it will need in the end.
    async fn reserve<S: Beside>(
        &mut self,
        bytes: usize,
        most: usize,
        link: &Link<S>,
        activity: &Activity,
    ) -> Option<Fill> {
        if self.charge.try_resize(bytes) {
            return None;
        }
        activity.charged.store(self.charge.bytes(), Ordering::Relaxed);
        activity.wanted.store(self.decoder.missing(&self.buf), Ordering::Relaxed);
        let mut granted = pin!(self.charge.wait_resize(bytes, most));
        let interrupted = std::future::poll_fn(|cx| {
            if link.is_closed() {
                return Poll::Ready(Some(Fill::End));
            }
            if activity.take_nudge() {
                return Poll::Ready(Some(Fill::Nudged));
            }
            granted.as_mut().poll(cx).map(|()| None)
        });
        let interrupted = interrupted.await;
        activity.wanted.store(0, Ordering::Relaxed);
        interrupted
    }

    /// Makes room for a read. A buffer whose frames somebody still holds cannot be used again from
    /// its beginning; where little comes at a time its end is used up first, or else a lone caller
    /// would cost a new buffer for each reply.
    fn make_room(&mut self, room: usize, held: usize) {
        let large = held + room > ALLOWANCE;
        let spare = self.buf.capacity() - self.buf.len();
        if large || self.large {
            // What is charged is what is taken: not the double that a buffer grows by itself, and
            // not a whole buffer for the few bytes behind the large frame that it was made for.
            if spare < room || self.large != large {
                let mut exact = BytesMut::with_capacity(held + room);
                exact.extend_from_slice(&self.buf);
                self.made = exact.capacity();
                self.buf = exact;
            }
            self.large = large;
            return;
        }
        let little = self.chunk == SMALLEST_READ && held == 0;
        if !little || spare < SMALLEST_READ / 4 {
            let begins = self.buf.as_ptr();
            self.buf.reserve(room);
            if self.buf.as_ptr() != begins || self.buf.capacity() > self.made {
                self.made = self.buf.capacity();
            }
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
        self.buf = BytesMut::new();
        self.charge.resize(0);
        loop {
            self.buf.clear();
            self.buf.reserve(DISCARD_READ);
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

#[cfg(test)]
mod tests {
    use std::io::IoSlice;

    use super::*;
    use crate::budget::ByteBudget;
    use crate::transport::{Stream, memory};
    use trunkline_wire::{Header, Metadata, SerializeType};

    const MIB: usize = 1 << 20;

    fn frame(payload: usize) -> Vec<u8> {
        let header = Header::request(SerializeType::RAW);
        let payload = vec![7; payload].into();
        let mut out = Vec::new();
        Message::new(header, "S", "M", &Metadata::new(), payload).unwrap().encode(&mut out);
        out
    }

    async fn send(far: &Stream, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match far.sink.try_write(&[IoSlice::new(bytes)]) {
                Ok(n) => bytes = &bytes[n..],
                Err(_) => std::future::poll_fn(|cx| far.sink.poll_ready(cx)).await.unwrap(),
            }
        }
    }

    async fn read(incoming: &mut Incoming, link: &Link<()>) {
        assert!(matches!(incoming.fill(link, &Activity::default()).await.unwrap(), Fill::Bytes));
    }

    /// Sends a frame of a mebibyte whole and, when others hold so much, the beginning of another one.
    /// What is charged for that.
    async fn charged_for_the_second(others: usize) -> usize {
        let budget = ByteBudget::new(4 * MIB);
        let (near, far) = memory::pair("x");
        let link = Link::new(near.sink, &budget, ());
        let mut incoming = Incoming::new(near.reader, Limits::default(), budget.charge());
        let whole = frame(MIB);
        let arrives = async {
            let first = loop {
                if let Some(first) = incoming.next().unwrap() {
                    break first;
                }
                read(&mut incoming, &link).await;
            };
            drop((first, incoming.take_charge()));
        };
        tokio::join!(send(&far, &whole), arrives);
        let mut held = budget.charge();
        held.resize(others);
        send(&far, &whole[..5000]).await;
        read(&mut incoming, &link).await;
        assert!(incoming.next().unwrap().is_none());
        let activity = Activity::default();
        let reading = incoming.fill(&link, &activity);
        tokio::select! {
            biased;
            _ = reading => panic!("nothing more was sent"),
            () = tokio::task::yield_now() => budget.used() - others,
        }
    }

    #[tokio::test]
    async fn who_has_sent_a_large_frame_gets_room_for_the_next_if_there_is_any() {
        assert!(charged_for_the_second(0).await > MIB);
        assert_eq!(charged_for_the_second(3 * MIB + MIB / 2).await, 0, "the allowance will do");
    }
}
