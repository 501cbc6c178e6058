//! The queue of frames on their way out of one connection. No I/O, no lock: the connection
//! keeps it under its own mutex and asks it what to do.
//!
//! Small frames are appended to one buffer. A large frame stands alone and its payload is never
//! copied; small frames that come later pass large ones that have not begun, so that a megabyte
//! holds up its neighbours for one write at most. (The order of frames is free: replies are
//! matched by sequence number, and requests of one caller follow each other anyway.)
//!
//! Whether a request was sent is a question about the frame's [`Place`]: what the kernel has not
//! taken was not sent.
//!
//! A queue that is closed keeps nothing: what is appended then is dropped, and its place is never
//! written.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::task::Waker;

use bytes::Bytes;

use crate::budget::{ALLOWANCE, Charge};

/// A payload of this size or more is not copied into the shared buffer.
pub(crate) const LARGE: usize = 32 * 1024;

/// With this much queued, the first one to notice writes at once: the far end can start. Less than
/// the allowance, so that good neighbours touch no count that all connections share. A client's
/// connection with hundreds of calls waits for more.
pub(crate) const WRITE_AT_ONCE: usize = 32 * 1024;

/// Small frames are charged in steps of this size: one count that all connections share is then
/// touched once for many of them.
const CHARGE_STEP: usize = 16 * 1024;

/// Large frames of one batch, in bytes; the first one goes whatever its size.
const BULK_BATCH: usize = 256 * 1024;

/// A buffer of small frames is freed when a burst made it larger than this.
pub(crate) const KEEP: usize = 256 * 1024;

/// What every frame changes stands together, the rest behind a pointer: the one who appends has last
/// done so on another core, and has to fetch each line of the cache that it changes.
pub(crate) struct Outgoing {
    small: Vec<u8>,
    small_appended: u64,
    /// Bytes appended and not yet written, of both kinds.
    queued: usize,
    /// Somebody is writing. A flag and not a lock: a thread that sleeps in a write holds up
    /// nobody who appends.
    writing: bool,
    /// The writer task has been told to come.
    scheduled: bool,
    /// It has come and lets others go first. Waking it now would cut that short.
    gathering: bool,
    closed: bool,
    rest: Box<Rest>,
}

/// What changes once for many frames, or rarely.
struct Rest {
    bulk: VecDeque<Bulk>,
    small_written: u64,
    bulk_appended: u64,
    bulk_written: u64,
    bytes_written: u64,
    /// How far batches have been taken: between written and taken nobody but the one who
    /// writes knows what the kernel has.
    small_taken: u64,
    bulk_taken: u64,
    charge: Charge,
    /// An empty buffer, swapped in when `small` is taken.
    spare: Vec<u8>,
    /// A batch that the stream did not take whole, for the writer task to finish.
    handover: Option<Batch>,
    writer: Option<Waker>,
}

/// Where a frame stands in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Written when this many bytes of small frames are.
    Small(u64),
    /// Written when this many large frames are.
    Bulk(u64),
}

struct Bulk {
    head: Vec<u8>,
    payload: Bytes,
}

/// What is written in one go.
pub(crate) struct Batch {
    small: Vec<u8>,
    bulk: Vec<Bulk>,
    written: usize,
    total: usize,
    /// `small` goes back to whom it came from, not to the queue.
    lent: bool,
}

/// What the one who appended has to do after letting go of the lock.
pub(crate) enum Push {
    Nothing,
    Write(Batch),
    Wake(Waker),
}

/// What the writer task finds.
pub(crate) enum Work {
    Finish(Batch),
    Yield,
    Wait,
    Close,
}

impl Outgoing {
    pub(crate) fn new(charge: Charge) -> Self {
        Self {
            small: Vec::new(),
            small_appended: 0,
            queued: 0,
            writing: false,
            scheduled: false,
            gathering: false,
            closed: false,
            rest: Box::new(Rest {
                bulk: VecDeque::new(),
                small_written: 0,
                bulk_appended: 0,
                bulk_written: 0,
                bytes_written: 0,
                small_taken: 0,
                bulk_taken: 0,
                charge,
                spare: Vec::new(),
                handover: None,
                writer: None,
            }),
        }
    }

    /// Makes this the waker of the writer task.
    pub(crate) fn set_writer(&mut self, waker: &Waker) {
        match &mut self.rest.writer {
            Some(writer) => writer.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    /// Appends whatever `encode` writes as small frames.
    pub(crate) fn append<E>(
        &mut self,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<Place, E> {
        let before = self.small.len();
        encode(&mut self.small)?;
        let added = self.small.len() - before;
        Ok(self.appended(added))
    }

    /// Appends frames that are encoded already.
    pub(crate) fn append_encoded(&mut self, frames: &[u8]) -> Place {
        self.small.extend_from_slice(frames);
        self.appended(frames.len())
    }

    /// A batch of encoded frames, to be written at once from the buffer it lies in, where nobody writes
    /// and nothing waits: one buffer, used again and again, stays in the cache of its core.
    pub(crate) fn lend(&mut self, frames: &mut Vec<u8>) -> Option<Batch> {
        if self.writing || self.closed || self.queued > 0 {
            return None;
        }
        let small = std::mem::take(frames);
        let total = small.len();
        self.appended(total);
        self.writing = true;
        self.scheduled = false;
        self.rest.small_taken = self.small_appended;
        Some(Batch { small, bulk: Vec::new(), written: 0, total, lent: true })
    }

    /// Appends a large frame: everything before the payload, and the payload.
    pub(crate) fn append_large(&mut self, head: Vec<u8>, payload: Bytes) -> Place {
        let added = head.len() + payload.len();
        self.rest.bulk_appended += 1;
        if !self.closed {
            self.rest.bulk.push_back(Bulk { head, payload });
            self.grow(added);
        }
        Place::Bulk(self.rest.bulk_appended)
    }

    /// So many bytes were added to `small`.
    fn appended(&mut self, added: usize) -> Place {
        self.small_appended += added as u64;
        if self.closed {
            self.small = Vec::new();
        } else {
            self.grow(added);
        }
        Place::Small(self.small_appended)
    }

    fn grow(&mut self, added: usize) {
        self.queued += added;
        if self.queued > ALLOWANCE && self.queued > self.rest.charge.bytes() {
            self.rest.charge.resize(self.queued + CHARGE_STEP.saturating_sub(added));
        }
    }

    /// Bytes that the kernel has not taken.
    pub(crate) fn queued(&self) -> usize {
        self.queued
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(crate) fn is_written(&self, place: Place) -> bool {
        match place {
            Place::Small(end) => self.rest.small_written >= end,
            Place::Bulk(index) => self.rest.bulk_written >= index,
        }
    }

    /// Bytes written in all, as far as is known here; grows while there is progress.
    pub(crate) fn progress(&self) -> u64 {
        self.rest.bytes_written + self.rest.handover.as_ref().map_or(0, |b| b.written as u64)
    }

    /// Decides who writes what was appended. `alone`: nobody else is likely to append soon.
    pub(crate) fn pushed(&mut self, alone: bool) -> Push {
        self.pushed_until(alone, WRITE_AT_ONCE)
    }

    /// The same, where `enough` bytes are what is written at once.
    pub(crate) fn pushed_until(&mut self, alone: bool, enough: usize) -> Push {
        if self.writing || self.closed {
            return Push::Nothing;
        }
        if alone || self.queued >= enough {
            return match self.take() {
                Some(batch) => Push::Write(batch),
                None => Push::Nothing,
            };
        }
        self.schedule()
    }

    fn schedule(&mut self) -> Push {
        if self.scheduled || self.queued == 0 {
            return Push::Nothing;
        }
        self.scheduled = true;
        if self.gathering {
            return Push::Nothing;
        }
        self.rest.writer.clone().map_or(Push::Nothing, Push::Wake)
    }

    /// How far batches have been taken, and what is queued: what the writer task looks at while it
    /// lets others go first.
    pub(crate) fn standing(&self) -> (u64, usize) {
        (self.rest.small_taken + self.rest.bulk_taken, self.queued)
    }

    /// Takes what has gathered for the writer task.
    pub(crate) fn gathered(&mut self) -> Option<Batch> {
        self.gathering = false;
        self.take()
    }

    /// Takes what there is to write, if nobody is writing.
    pub(crate) fn take(&mut self) -> Option<Batch> {
        if self.writing || self.closed || self.queued == 0 {
            return None;
        }
        self.writing = true;
        self.scheduled = false;
        let small = std::mem::replace(&mut self.small, std::mem::take(&mut self.rest.spare));
        let mut total = small.len();
        let mut bulk = Vec::new();
        let mut bulk_bytes = 0;
        while let Some(first) = self.rest.bulk.front() {
            let bytes = first.head.len() + first.payload.len();
            if !bulk.is_empty() && bulk_bytes + bytes > BULK_BATCH {
                break;
            }
            bulk_bytes += bytes;
            bulk.extend(self.rest.bulk.pop_front());
        }
        total += bulk_bytes;
        self.rest.small_taken = self.small_appended;
        self.rest.bulk_taken += bulk.len() as u64;
        Some(Batch { small, bulk, written: 0, total, lent: false })
    }

    /// A batch was written whole. If more has come meanwhile, the writer task takes over: the one
    /// who just wrote has a call of its own to see to.
    pub(crate) fn finished(&mut self, batch: &mut Batch) -> Push {
        if self.closed {
            return Push::Nothing;
        }
        self.account(batch, batch.total);
        self.writing = false;
        self.scheduled = false;
        if !batch.lent {
            self.rest.spare = batch.take_buffer();
        }
        self.schedule()
    }

    /// The stream does not take more now: the writer task waits for it and finishes the batch.
    pub(crate) fn blocked(&mut self, batch: Batch) -> Push {
        if self.closed {
            return Push::Nothing;
        }
        self.rest.handover = Some(batch);
        self.rest.writer.clone().map_or(Push::Nothing, Push::Wake)
    }

    /// The batch that was [`blocked`](Self::blocked), to go on with; none if the queue was closed.
    pub(crate) fn resume(&mut self) -> Option<Batch> {
        self.rest.handover.take()
    }

    /// What the writer task should do.
    pub(crate) fn work(&mut self) -> Work {
        if let Some(batch) = self.rest.handover.take() {
            return Work::Finish(batch);
        }
        if self.closed {
            return Work::Close;
        }
        if self.scheduled && !self.writing {
            self.gathering = true;
            return Work::Yield;
        }
        Work::Wait
    }

    /// No more writes. `batch`: what was being written when it failed. Afterwards
    /// [`is_written`](Self::is_written) gives the final answer for every place.
    pub(crate) fn close(&mut self, batch: Option<&Batch>) -> Option<Waker> {
        if self.closed {
            return None;
        }
        if let Some(batch) = batch {
            self.account(batch, batch.written);
        } else if let Some(batch) = self.rest.handover.take() {
            self.account(&batch, batch.written);
        } else if self.writing {
            // Somebody is in the middle of a write: it may have gone out, so it counts as sent.
            self.rest.small_written = self.rest.small_taken;
            self.rest.bulk_written = self.rest.bulk_taken;
        }
        self.closed = true;
        self.small = Vec::new();
        self.rest.spare = Vec::new();
        self.rest.bulk.clear();
        self.queued = 0;
        self.rest.charge.resize(0);
        self.rest.writer.clone()
    }

    fn account(&mut self, batch: &Batch, written: usize) {
        self.rest.bytes_written += written as u64;
        self.rest.small_written += written.min(batch.small.len()) as u64;
        let mut rest = written.saturating_sub(batch.small.len());
        for bulk in &batch.bulk {
            let bytes = bulk.head.len() + bulk.payload.len();
            if rest < bytes {
                break;
            }
            rest -= bytes;
            self.rest.bulk_written += 1;
        }
        self.queued = self.queued.saturating_sub(batch.total);
        if self.rest.charge.bytes() > 0 {
            self.rest.charge.resize(if self.queued > ALLOWANCE { self.queued } else { 0 });
        }
    }
}

/// The buffer, empty, to be used again; another one where a burst made it large.
pub(super) fn reusable(mut buffer: Vec<u8>) -> Vec<u8> {
    if buffer.capacity() > KEEP {
        return Vec::new();
    }
    buffer.clear();
    buffer
}

impl Batch {
    /// The buffer of what has been written, to be used again.
    pub(crate) fn take_buffer(&mut self) -> Vec<u8> {
        reusable(std::mem::take(&mut self.small))
    }

    pub(crate) fn is_done(&self) -> bool {
        self.written == self.total
    }

    pub(crate) fn advance(&mut self, n: usize) {
        self.written += n;
    }

    /// Gives the unwritten rest to `write`.
    pub(crate) fn with_slices<R>(&self, write: impl FnOnce(&[IoSlice<'_>]) -> R) -> R {
        if self.written < self.small.len() && self.bulk.is_empty() {
            return write(&[IoSlice::new(&self.small[self.written..])]);
        }
        let mut slices = [IoSlice::new(&[]); 16];
        let mut filled = 0;
        let mut skip = self.written;
        let parts = std::iter::once(&self.small[..])
            .chain(self.bulk.iter().flat_map(|b| [&b.head[..], &b.payload[..]]));
        for part in parts {
            if skip >= part.len() {
                skip -= part.len();
                continue;
            }
            slices[filled] = IoSlice::new(&part[skip..]);
            skip = 0;
            filled += 1;
            if filled == slices.len() {
                break;
            }
        }
        write(&slices[..filled])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::ByteBudget;

    fn outgoing() -> Outgoing {
        Outgoing::new(ByteBudget::new(1 << 30).charge())
    }

    fn bytes(batch: &Batch) -> Vec<u8> {
        batch.with_slices(|slices| slices.iter().flat_map(|s| s.to_vec()).collect())
    }

    #[test]
    fn small_frames_pass_large_ones_that_have_not_begun() {
        let mut out = outgoing();
        let large = out.append_large(b"L".to_vec(), Bytes::from_static(b"arge"));
        let small = out.append_encoded(b"small");
        let mut batch = out.take().unwrap();
        assert_eq!(bytes(&batch), b"smallLarge");
        assert!(out.take().is_none(), "one writer at a time");
        assert!(matches!(out.finished(&mut batch), Push::Nothing));
        assert!(out.is_written(small) && out.is_written(large));
        assert_eq!(out.queued(), 0);
    }

    #[test]
    fn only_what_the_kernel_took_whole_was_sent() {
        let mut out = outgoing();
        let a = out.append_encoded(b"aaaa");
        let b = out.append_encoded(b"bbbb");
        let c = out.append_large(vec![0; 10], Bytes::from(vec![0; 90]));
        let mut batch = out.take().unwrap();
        batch.advance(7);
        out.close(Some(&batch));
        assert!(out.is_written(a));
        assert!(!out.is_written(b) && !out.is_written(c));
    }

    #[test]
    fn closing_during_a_write_counts_what_is_being_written_as_sent() {
        let mut out = outgoing();
        let a = out.append_encoded(&[1]);
        let mut batch = out.take().unwrap();
        let b = out.append_encoded(&[2]);
        out.close(None);
        assert!(out.is_written(a) && !out.is_written(b));
        assert!(matches!(out.finished(&mut batch), Push::Nothing));
        assert!(!out.is_written(b));
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn what_every_frame_changes_is_in_one_line_of_the_cache_with_the_lock() {
        assert_eq!(size_of::<Outgoing>(), 64 - size_of::<usize>());
    }

    #[test]
    fn a_closed_queue_keeps_nothing() {
        let budget = ByteBudget::new(1 << 30);
        let mut out = Outgoing::new(budget.charge());
        out.close(None);
        let (mut batch, large) = (vec![0; 100_000], Bytes::from(vec![0; 100_000]));
        let places = [
            out.append_encoded(&large),
            out.append(|buf| {
                buf.extend_from_slice(&large);
                Ok::<_, ()>(())
            })
            .unwrap(),
            out.append_large(vec![0; 10], large.clone()),
        ];
        assert!(out.lend(&mut batch).is_none());
        assert!(places.into_iter().all(|place| !out.is_written(place)));
        assert_eq!((out.queued(), out.small.capacity(), out.rest.bulk.len(), budget.used()), (0, 0, 0, 0));
        assert!(large.is_unique());
    }

    #[test]
    fn a_lent_buffer_comes_back_and_is_lent_to_nobody_who_writes() {
        let mut out = outgoing();
        out.set_writer(Waker::noop());
        let mut frames = vec![1, 2];
        let memory = frames.as_ptr();
        let mut batch = out.lend(&mut frames).unwrap();
        assert_eq!((bytes(&batch), frames.len(), out.queued()), (vec![1, 2], 0, 2));
        frames.push(3);
        assert!(out.lend(&mut frames).is_none(), "it would overtake what is being written");
        let place = out.append_encoded(&frames);
        assert!(matches!(out.finished(&mut batch), Push::Wake(_)));
        let back = batch.take_buffer();
        assert_eq!((back.as_ptr(), back.len()), (memory, 0));
        assert!(out.lend(&mut frames).is_none(), "nor what waits");
        let mut batch = out.take().unwrap();
        out.finished(&mut batch);
        assert!(out.is_written(place) && out.queued() == 0);
    }

    #[test]
    fn a_buffer_that_a_burst_made_large_is_not_kept() {
        assert_eq!(reusable(Vec::with_capacity(KEEP + 1)).capacity(), 0);
        let kept = reusable(vec![1; 100]);
        assert_eq!((kept.len(), kept.capacity()), (0, 100));
    }

    #[test]
    fn what_comes_during_a_write_goes_to_the_writer_task() {
        let mut out = outgoing();
        out.set_writer(Waker::noop());
        out.append_encoded(&[1]);
        let Push::Write(mut batch) = out.pushed(true) else { panic!("a lone caller writes itself") };
        out.append_encoded(&[2]);
        assert!(matches!(out.pushed(true), Push::Nothing));
        assert!(matches!(out.finished(&mut batch), Push::Wake(_)));
        assert!(matches!(out.work(), Work::Yield));
        assert_eq!(bytes(&out.take().unwrap()), [2]);
    }

    #[test]
    fn a_writer_that_gathers_is_not_woken_and_misses_nothing() {
        let mut out = outgoing();
        out.set_writer(Waker::noop());
        out.append_encoded(&[1]);
        assert!(matches!(out.pushed(false), Push::Wake(_)));
        assert!(matches!(out.work(), Work::Yield));
        out.append_encoded(&[2; WRITE_AT_ONCE]);
        let Push::Write(mut batch) = out.pushed(false) else { panic!("there is enough to write") };
        out.append_encoded(&[3]);
        assert!(out.gathered().is_none(), "somebody else is writing");
        assert!(matches!(out.work(), Work::Wait));
        assert!(matches!(out.finished(&mut batch), Push::Wake(_)), "it no longer gathers");
        assert!(matches!(out.work(), Work::Yield));
        let seen = out.standing();
        out.append_encoded(&[4]);
        assert!(matches!(out.pushed(false), Push::Nothing));
        assert_eq!(out.standing(), (seen.0, seen.1 + 1));
        assert_eq!(bytes(&out.gathered().unwrap()), [3, 4]);
        assert_ne!(out.standing().0, seen.0, "another batch was taken");
    }

    #[test]
    fn a_partly_written_batch_goes_on_where_it_stopped() {
        let mut out = outgoing();
        out.append_encoded(b"abc");
        out.append_large(b"de".to_vec(), Bytes::from_static(b"fgh"));
        let mut batch = out.take().unwrap();
        for (n, rest) in [(1, &b"bcdefgh"[..]), (3, b"efgh"), (3, b"h")] {
            batch.advance(n);
            assert_eq!(bytes(&batch), rest);
        }
        batch.advance(1);
        assert!(batch.is_done());
    }

    #[test]
    fn unread_replies_are_charged_until_written() {
        let budget = ByteBudget::new(1 << 30);
        let mut out = Outgoing::new(budget.charge());
        out.append_large(vec![0; 16], Bytes::from(vec![0; 1 << 20]));
        assert_eq!(budget.used(), (1 << 20) + 16);
        let mut batch = out.take().unwrap();
        out.finished(&mut batch);
        assert_eq!(budget.used(), 0);
    }
}
