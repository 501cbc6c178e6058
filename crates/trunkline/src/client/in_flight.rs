//! Sequence number to waiting caller: a table without I/O or clock.
//!
//! A slot's place and generation are the sequence number, so finding a caller is an index and
//! not a hash, and a late reply finds another generation and is dropped. Slots are used again:
//! a call allocates nothing here.

use std::collections::{BTreeMap, VecDeque};
use std::task::{Poll, Waker};

use tokio::time::Instant;

use super::outcome::Outcome;
use crate::frame::link::Beside;
use crate::frame::outgoing::{KEEP, Outgoing, Place, WRITE_AT_ONCE};

/// What every call changes is one line of the cache, the rest stands behind a pointer.
pub(crate) struct InFlight {
    slots: Vec<Slot>,
    /// The free slot that is taken next; it knows the one after it. No slot: [`NONE`].
    free: u32,
    taken: u32,
    limit: u32,
    /// How many calls in a row found nobody else in flight.
    alone: u8,
    /// How many reads in a row brought one answer.
    single_reads: u8,
    earliest: Option<Instant>,
    rest: Box<Rest>,
}

/// What changes rarely.
#[derive(Default)]
struct Rest {
    /// Callers that wait for a slot, in turn, by ticket.
    room: BTreeMap<u64, Waker>,
    next_ticket: u64,
    /// Slots that wait for their frame to be written rather than answered.
    notices: Notices,
}

/// Frames whose callers wait for them to be written, in the order in which they will be. What a
/// caller leaves behind stays until its frame is out, so there are no more than frames queued.
#[derive(Default)]
struct Notices {
    small: VecDeque<(Place, Key)>,
    bulk: VecDeque<(Place, Key)>,
}

/// As large as a line of a core's cache: callers and the reader pass it to and fro between cores.
#[repr(align(64))]
struct Slot {
    generation: u32,
    state: State,
}

enum State {
    /// Which one is free as well.
    Free(u32),
    Waiting {
        waker: Waker,
        place: Place,
        deadline: Option<Instant>,
        notice: bool,
    },
    Done(Outcome),
}

/// Names a waiting caller: a slot's generation and its index, as the sequence number has them. One
/// number and not two: two would be written apart and read together, which cores wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(u64);

impl Key {
    fn new(index: u32, generation: u32) -> Self {
        Self(u64::from(generation) << 32 | u64::from(index))
    }

    fn index(self) -> u32 {
        self.0 as u32
    }

    fn slot(self) -> usize {
        self.index() as usize
    }

    fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    pub(crate) fn seq(self) -> u64 {
        self.0
    }

    pub(crate) fn from_seq(seq: u64) -> Self {
        Self(seq)
    }
}

/// So many lone calls in a row make the next one write at once.
const ALONE: u8 = 3;

/// So many calls at once may each be alone, if their answers come one by one.
const FEW: usize = 4;

/// What each caller who waits adds to what is written at once: a part of a small request.
const ENOUGH_EACH: usize = 256;
const MOST_AT_ONCE: usize = 128 * 1024;

// A buffer that was filled is to be used again.
const _: () = assert!(2 * MOST_AT_ONCE <= KEEP);

/// No slot.
const NONE: u32 = u32::MAX;

/// More calls do not fit into memory. Heartbeats take a slot beyond any limit.
const MOST: u32 = NONE / 2;

/// Callers that wait for a slot beyond this many are refused.
const MOST_WAITING: usize = 65_536;

impl Slot {
    fn next_free(&self) -> u32 {
        if let State::Free(next) = self.state { next } else { NONE }
    }
}

impl InFlight {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            slots: Vec::new(),
            free: NONE,
            taken: 0,
            limit: u32::try_from(limit).unwrap_or(MOST).min(MOST),
            alone: 0,
            single_reads: 0,
            earliest: None,
            rest: Box::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.taken as usize
    }

    pub(crate) fn is_full(&self) -> bool {
        self.taken >= self.limit
    }

    /// Takes a slot; one for a heartbeat although there is none. The caller appends its frame and
    /// calls [`wait`](Self::wait).
    pub(crate) fn reserve(&mut self, heartbeat: bool) -> Option<Key> {
        if self.is_full() && !heartbeat {
            return None;
        }
        let index = self.free;
        let key = match self.slots.get(index as usize) {
            Some(slot) => {
                self.free = slot.next_free();
                Key::new(index, slot.generation)
            }
            None => {
                self.slots.push(Slot { generation: 0, state: State::Free(NONE) });
                Key::new(self.slots.len() as u32 - 1, 0)
            }
        };
        self.taken += 1;
        Some(key)
    }

    /// Parks the caller. True: the timer has to look again.
    pub(crate) fn wait(
        &mut self,
        key: Key,
        waker: Waker,
        place: Place,
        deadline: Option<Instant>,
        notice: bool,
    ) -> bool {
        let slot = &mut self.slots[key.slot()];
        // Known to be free it can be written in place. A state that may have to be dropped first is put
        // together elsewhere and copied, in larger pieces than it was written in, for which a core waits
        // until all that it wrote before has reached its cache.
        let State::Free(_) = slot.state else { unreachable!("a slot that was reserved is free") };
        slot.state = State::Waiting { waker, place, deadline, notice };
        if notice {
            self.rest.notices.of(place).push_back((place, key));
        }
        match (deadline, self.earliest) {
            (Some(new), Some(old)) if new >= old => false,
            (Some(new), _) => {
                self.earliest = Some(new);
                true
            }
            (None, _) => false,
        }
    }

    /// A read brought so many answers.
    pub(crate) fn was_read(&mut self, answers: usize) {
        self.single_reads = if answers == 1 { (self.single_reads + 1).min(ALONE) } else { 0 };
    }

    /// Whether the caller who just took a slot has been alone for a few calls, or is one of a few
    /// whose answers come one by one, so that no two of them send at the same time.
    pub(crate) fn is_alone(&mut self) -> bool {
        if self.len() > 1 {
            self.alone = 0;
            return self.len() <= FEW && self.single_reads == ALONE;
        }
        self.alone = (self.alone + 1).min(ALONE);
        self.alone == ALONE
    }

    /// How many bytes are written without waiting for more, once a frame stands there. The server should
    /// never run dry, and has the more to do meanwhile the more callers wait; where it is sent crumbs, it
    /// answers in crumbs. A large frame is no crumb.
    pub(crate) fn enough(&self, place: Place) -> usize {
        match place {
            Place::Small(_) => (self.len() * ENOUGH_EACH).clamp(WRITE_AT_ONCE, MOST_AT_ONCE),
            Place::Bulk(_) => WRITE_AT_ONCE,
        }
    }

    /// A reply came. None: nobody waits for it any more.
    pub(crate) fn complete(&mut self, key: Key, outcome: Outcome) -> Option<Waker> {
        let slot = self.slots.get_mut(key.slot())?;
        if slot.generation != key.generation() || !matches!(slot.state, State::Waiting { notice: false, .. })
        {
            return None;
        }
        match std::mem::replace(&mut slot.state, State::Done(outcome)) {
            State::Waiting { waker, .. } => Some(waker),
            _ => None,
        }
    }

    /// Asks for the outcome. The second value is a caller to wake who waits for a slot.
    pub(crate) fn poll(&mut self, key: Key, waker: &Waker) -> (Poll<Outcome>, Option<Waker>) {
        let slot = &mut self.slots[key.slot()];
        debug_assert_eq!(
            slot.generation,
            key.generation(),
            "a slot belongs to its caller until it is polled to its end"
        );
        match &mut slot.state {
            State::Waiting { waker: kept, .. } => {
                if !kept.will_wake(waker) {
                    kept.clone_from(waker);
                }
                (Poll::Pending, None)
            }
            State::Done(_) => {
                let State::Done(outcome) = std::mem::replace(&mut slot.state, State::Free(NONE)) else {
                    unreachable!("matched above")
                };
                (Poll::Ready(outcome), self.vacate(key.index()))
            }
            State::Free(_) => (Poll::Ready(Outcome::Lost { sent: true }), None),
        }
    }

    /// The caller has gone.
    pub(crate) fn cancel(&mut self, key: Key) -> Option<Waker> {
        match self.slots.get(key.slot()) {
            Some(slot) if slot.generation == key.generation() => self.vacate(key.index()),
            _ => None,
        }
    }

    fn vacate(&mut self, index: u32) -> Option<Waker> {
        let slot = &mut self.slots[index as usize];
        slot.generation = slot.generation.wrapping_add(1);
        slot.state = State::Free(std::mem::replace(&mut self.free, index));
        self.taken -= 1;
        self.rest.room.pop_first().map(|(_, waker)| waker)
    }

    /// Lines up for a slot; the ticket names the place in the line. None: the line is full.
    pub(crate) fn line_up(&mut self, ticket: Option<u64>, waker: &Waker) -> Option<u64> {
        if let Some(ticket) = ticket
            && let Some(kept) = self.rest.room.get_mut(&ticket)
        {
            kept.clone_from(waker);
            return Some(ticket);
        }
        if self.rest.room.len() >= MOST_WAITING {
            return None;
        }
        let ticket = self.rest.next_ticket;
        self.rest.next_ticket += 1;
        self.rest.room.insert(ticket, waker.clone());
        Some(ticket)
    }

    /// Leaves the line. If the ticket's turn had come, the next one is to be woken in its place.
    pub(crate) fn leave_line(&mut self, ticket: u64) -> Option<Waker> {
        if self.rest.room.remove(&ticket).is_some() || self.is_full() {
            return None;
        }
        self.rest.room.pop_first().map(|(_, waker)| waker)
    }

    pub(crate) fn earliest(&self) -> Option<Instant> {
        self.earliest
    }

    /// Ends the waits that are late. This looks at every slot, once for each millisecond at most in
    /// which a call is late: timers are no finer.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Waker> {
        let mut earliest: Option<Instant> = None;
        let mut woken = Vec::new();
        for slot in &mut self.slots {
            let State::Waiting { deadline: Some(at), .. } = &slot.state else { continue };
            if *at > now {
                earliest = Some(earliest.map_or(*at, |e| e.min(*at)));
                continue;
            }
            let done = State::Done(Outcome::Late);
            if let State::Waiting { waker, .. } = std::mem::replace(&mut slot.state, done) {
                woken.push(waker);
            }
        }
        self.earliest = earliest;
        woken
    }

    /// Ends all waits: the connection is lost, and `out` knows what was sent.
    pub(crate) fn fail(&mut self, out: &Outgoing) -> Vec<Waker> {
        self.rest.notices = Notices::default();
        let mut woken = Vec::new();
        for slot in &mut self.slots {
            let State::Waiting { place, notice, .. } = &slot.state else { continue };
            let sent = out.is_written(*place);
            let outcome = if *notice && sent { Outcome::Written } else { Outcome::Lost { sent } };
            if let State::Waiting { waker, .. } = std::mem::replace(&mut slot.state, State::Done(outcome)) {
                woken.push(waker);
            }
        }
        woken.extend(std::mem::take(&mut self.rest.room).into_values());
        woken
    }
}

impl Beside for InFlight {
    fn written(&mut self, out: &Outgoing, wakers: &mut Vec<Waker>) {
        for line in [&mut self.rest.notices.small, &mut self.rest.notices.bulk] {
            while let Some((place, key)) = line.front().copied() {
                if !out.is_written(place) {
                    break;
                }
                line.pop_front();
                let slot = &mut self.slots[key.slot()];
                // It may have been given up, or be late.
                if slot.generation == key.generation()
                    && matches!(slot.state, State::Waiting { .. })
                    && let State::Waiting { waker, .. } =
                        std::mem::replace(&mut slot.state, State::Done(Outcome::Written))
                {
                    wakers.push(waker);
                }
            }
        }
    }
}

impl Notices {
    fn of(&mut self, place: Place) -> &mut VecDeque<(Place, Key)> {
        match place {
            Place::Small(_) => &mut self.small,
            Place::Bulk(_) => &mut self.bulk,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::budget::ByteBudget;
    use crate::frame::outgoing::Push;
    use bytes::Bytes;
    use trunkline_wire::{Header, Message, Metadata, SerializeType};

    fn outgoing() -> Outgoing {
        Outgoing::new(ByteBudget::new(1 << 20).charge())
    }

    fn reply(table: &mut InFlight, key: Key) -> Option<Waker> {
        let header = Header::request(SerializeType::RAW).response_to();
        let message = Message::new(header, "", "", &Metadata::new(), Bytes::new()).unwrap();
        table.complete(key, Outcome::of(message))
    }

    fn park(table: &mut InFlight, place: Place) -> Key {
        let key = table.reserve(false).unwrap();
        table.wait(key, Waker::noop().clone(), place, None, false);
        key
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn a_slot_is_one_line_of_the_cache_and_so_is_what_every_call_changes() {
        assert_eq!((size_of::<Slot>(), size_of::<InFlight>()), (64, 64));
    }

    #[test]
    fn a_late_reply_is_dropped() {
        let mut table = InFlight::new(10);
        let first = park(&mut table, Place::Small(1));
        table.cancel(first);
        let second = park(&mut table, Place::Small(2));
        assert_eq!(first.index(), second.index(), "the slot is used again");
        assert!(reply(&mut table, first).is_none());
        assert!(reply(&mut table, second).is_some());
        assert!(reply(&mut table, second).is_none(), "a second answer to one call");
        assert!(reply(&mut table, Key::from_seq(u64::MAX)).is_none());
        assert!(matches!(table.poll(second, Waker::noop()).0, Poll::Ready(Outcome::Plain(_))));
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn a_lost_connection_says_which_calls_were_sent() {
        let mut out = outgoing();
        let mut table = InFlight::new(10);
        let place = out.append_encoded(&[1]);
        let sent = park(&mut table, place);
        let mut batch = out.take().unwrap();
        out.finished(&mut batch);
        let place = out.append_encoded(&[2]);
        let queued = park(&mut table, place);
        out.close(None);
        assert_eq!(table.fail(&out).len(), 2);
        assert!(matches!(table.poll(sent, Waker::noop()).0, Poll::Ready(Outcome::Lost { sent: true })));
        assert!(matches!(table.poll(queued, Waker::noop()).0, Poll::Ready(Outcome::Lost { sent: false })));
    }

    #[test]
    fn what_is_enough_to_write_grows_with_those_who_wait_and_is_bounded() {
        let mut table = InFlight::new(10_000);
        let mut enough = vec![table.enough(Place::Small(0))];
        for n in 0..4_000 {
            park(&mut table, Place::Small(n));
            enough.push(table.enough(Place::Small(n)));
        }
        assert_eq!((enough[0], enough[100], enough[4_000]), (WRITE_AT_ONCE, WRITE_AT_ONCE, MOST_AT_ONCE));
        assert!(enough.is_sorted() && enough[500] == 500 * ENOUGH_EACH);
        assert_eq!(table.enough(Place::Bulk(1)), WRITE_AT_ONCE);

        let mut out = outgoing();
        out.set_writer(Waker::noop());
        out.append_encoded(&[0; WRITE_AT_ONCE]);
        assert!(matches!(out.pushed_until(false, enough[500]), Push::Wake(_)));
        out.append_encoded(&vec![0; enough[500] - WRITE_AT_ONCE]);
        assert!(matches!(out.pushed_until(false, enough[500]), Push::Write(_)));
    }

    #[test]
    fn a_few_whose_answers_come_one_by_one_are_each_alone() {
        let mut table = InFlight::new(100);
        for n in 0..FEW {
            park(&mut table, Place::Small(n as u64));
        }
        assert!(!table.is_alone());
        (0..ALONE).for_each(|_| table.was_read(1));
        assert!(table.is_alone());
        table.was_read(2);
        assert!(!table.is_alone(), "two were woken at a time");
        (0..ALONE).for_each(|_| table.was_read(1));
        park(&mut table, Place::Small(9));
        assert!(!table.is_alone(), "they are many");
    }

    #[test]
    fn a_full_table_lets_callers_in_one_by_one() {
        let mut table = InFlight::new(1);
        let first = park(&mut table, Place::Small(1));
        assert!(table.is_full() && table.reserve(false).is_none());
        let ticket = table.line_up(None, Waker::noop()).unwrap();
        let behind = table.line_up(None, Waker::noop()).unwrap();
        assert_eq!(table.line_up(Some(ticket), Waker::noop()), Some(ticket));
        assert!(table.cancel(first).is_some(), "the first in line is woken");
        assert!(table.leave_line(ticket).is_some(), "it leaves: the next one is woken in its place");
        assert!(table.leave_line(behind).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn only_late_calls_expire() {
        let mut table = InFlight::new(4);
        let now = Instant::now();
        let ms = |n| now + std::time::Duration::from_millis(n);
        let keys: Vec<_> = [5, 10, 20]
            .map(|n| {
                let key = table.reserve(false).unwrap();
                table.wait(key, Waker::noop().clone(), Place::Small(0), Some(ms(n)), false);
                key
            })
            .into();
        assert_eq!(table.earliest(), Some(ms(5)));
        assert_eq!(table.expire(ms(10)).len(), 2);
        assert_eq!(table.earliest(), Some(ms(20)));
        assert!(matches!(table.poll(keys[0], Waker::noop()).0, Poll::Ready(Outcome::Late)));
        assert!(table.poll(keys[2], Waker::noop()).0.is_pending());
    }

    #[test]
    fn a_oneway_is_done_when_its_frame_is_written() {
        let mut out = outgoing();
        let mut table = InFlight::new(4);
        let place = out.append_encoded(&[1]);
        let key = table.reserve(false).unwrap();
        table.wait(key, Waker::noop().clone(), place, None, true);
        let mut wakers = Vec::new();
        table.written(&out, &mut wakers);
        assert!(wakers.is_empty());
        let mut batch = out.take().unwrap();
        out.finished(&mut batch);
        table.written(&out, &mut wakers);
        assert_eq!(wakers.len(), 1);
        assert!(matches!(table.poll(key, Waker::noop()).0, Poll::Ready(Outcome::Written)));
    }

    #[test]
    fn a_oneway_that_was_given_up_leaves_its_slot_to_the_next() {
        let mut out = outgoing();
        let mut table = InFlight::new(4);
        let notice = |out: &mut Outgoing, table: &mut InFlight, large: bool| {
            let place =
                if large { out.append_large(vec![1], Bytes::new()) } else { out.append_encoded(&[1]) };
            let key = table.reserve(false).unwrap();
            table.wait(key, Waker::noop().clone(), place, None, true);
            key
        };
        let gone = notice(&mut out, &mut table, true);
        table.cancel(gone);
        let place = out.append_encoded(&[1]);
        let call = park(&mut table, place);
        assert_eq!(call.index(), gone.index(), "the slot is used again");
        let (large, small) = (notice(&mut out, &mut table, true), notice(&mut out, &mut table, false));
        let mut batch = out.take().unwrap();
        out.finished(&mut batch);
        let mut wakers = Vec::new();
        table.written(&out, &mut wakers);
        assert_eq!(wakers.len(), 2);
        for key in [large, small] {
            assert!(matches!(table.poll(key, Waker::noop()).0, Poll::Ready(Outcome::Written)));
        }
        assert!(table.poll(call, Waker::noop()).0.is_pending(), "a call waits for its answer");
        assert!(table.rest.notices.small.is_empty() && table.rest.notices.bulk.is_empty());
    }

    #[test]
    fn who_leaves_the_line_leaves_the_others_their_turns() {
        let mut table = InFlight::new(1);
        let mut busy = park(&mut table, Place::Small(0));
        let wakers: Vec<_> = (0..5).map(|_| Arc::new(Flag::default())).collect();
        let line: Vec<_> = wakers.iter().map(|w| table.line_up(None, &w.clone().into()).unwrap()).collect();
        for gone in [3, 0] {
            assert!(table.leave_line(line[gone]).is_none(), "nobody's turn has come");
        }
        for next in [1, 2, 4] {
            table.cancel(busy).unwrap().wake();
            let woken: Vec<_> = wakers.iter().map(|w| w.0.swap(false, Ordering::Relaxed)).collect();
            assert_eq!(woken, (0..5).map(|n| n == next).collect::<Vec<_>>());
            busy = park(&mut table, Place::Small(0));
        }
        assert!(table.cancel(busy).is_none(), "nobody is left");
    }

    #[derive(Default)]
    struct Flag(AtomicBool);

    impl std::task::Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}
