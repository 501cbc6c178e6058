//! Buffers to encode into, used again by the next call of the same thread.
//!
//! A call encodes its body outside any lock and copies it into the connection's queue; without
//! a pool that would be one allocation and one free per message.

use std::cell::RefCell;

/// Larger buffers are freed: they are rare, and keeping them would pin memory per thread.
const KEEP: usize = 32 * 1024;
const POOLED: usize = 16;

thread_local! {
    static POOL: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn take() -> Vec<u8> {
    POOL.with_borrow_mut(Vec::pop).unwrap_or_default()
}

pub(crate) fn give(mut buffer: Vec<u8>) {
    if buffer.capacity() <= KEEP && buffer.capacity() > 0 {
        buffer.clear();
        POOL.with_borrow_mut(|pool| {
            if pool.len() < POOLED {
                pool.push(buffer);
            }
        });
    }
}
