//! Calls waiting for their answers: a slab, with slot and generation in the sequence number.

use std::task::{Context, Poll, Waker};

use bytes::Bytes;

#[derive(Default)]
pub(crate) struct InFlight {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

struct Slot {
    /// Told apart: an answer that comes after its call was dropped must not reach the slot's next one.
    generation: u32,
    state: State,
}

enum State {
    Free,
    Waiting(Waker),
    Answered(Bytes),
}

impl InFlight {
    /// Takes a slot; the sequence number names it.
    pub(crate) fn park(&mut self, waker: Waker) -> u64 {
        let state = State::Waiting(waker);
        let index = match self.free.pop() {
            Some(index) => {
                self.slots[index as usize].state = state;
                index
            }
            None => {
                self.slots.push(Slot { generation: 0, state });
                (self.slots.len() - 1) as u32
            }
        };
        u64::from(self.slots[index as usize].generation) << 32 | u64::from(index)
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Stores an answer; the waker is to be woken outside the lock.
    pub(crate) fn answer(&mut self, seq: u64, payload: Bytes) -> Option<Waker> {
        let slot = self.slot(seq)?;
        match std::mem::replace(&mut slot.state, State::Answered(payload)) {
            State::Waiting(waker) => Some(waker),
            State::Free | State::Answered(_) => None,
        }
    }

    /// The answer, if it is there; the slot is free then.
    pub(crate) fn poll(&mut self, seq: u64, cx: &mut Context<'_>) -> Poll<Bytes> {
        let Some(slot) = self.slot(seq) else { return Poll::Pending };
        match &mut slot.state {
            State::Answered(payload) => {
                let payload = std::mem::take(payload);
                self.release(seq);
                Poll::Ready(payload)
            }
            State::Waiting(waker) => {
                waker.clone_from(cx.waker());
                Poll::Pending
            }
            State::Free => Poll::Pending,
        }
    }

    /// Frees the slot of a call that is over.
    pub(crate) fn release(&mut self, seq: u64) {
        if let Some(slot) = self.slot(seq) {
            slot.state = State::Free;
            slot.generation = slot.generation.wrapping_add(1);
            self.free.push(seq as u32);
        }
    }

    /// Everybody who waits, when the connection is lost.
    pub(crate) fn wakers(&mut self) -> Vec<Waker> {
        let waiting = self.slots.iter().filter_map(|slot| match &slot.state {
            State::Waiting(waker) => Some(waker.clone()),
            State::Free | State::Answered(_) => None,
        });
        waiting.collect()
    }

    fn slot(&mut self, seq: u64) -> Option<&mut Slot> {
        self.slots.get_mut(seq as u32 as usize).filter(|slot| u64::from(slot.generation) == seq >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_to_a_dropped_call_does_not_reach_the_next() {
        let mut calls = InFlight::default();
        let mut cx = Context::from_waker(Waker::noop());
        let dropped = calls.park(Waker::noop().clone());
        calls.release(dropped);
        let next = calls.park(Waker::noop().clone());
        assert!(calls.answer(dropped, Bytes::from_static(b"late")).is_none());
        assert!(calls.poll(next, &mut cx).is_pending());
        assert!(calls.answer(next, Bytes::from_static(b"mine")).is_some());
        assert_eq!(calls.poll(next, &mut cx), Poll::Ready(Bytes::from_static(b"mine")));
        assert_eq!(calls.len(), 0);
    }
}
