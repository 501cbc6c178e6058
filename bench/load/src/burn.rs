//! The method that keeps a CPU busy.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// Computes for so many milliseconds of wall-clock time without ever yielding.
pub fn burn(millis: u32) {
    let end = Instant::now() + Duration::from_millis(millis.into());
    let mut state = 1_u64;
    while Instant::now() < end {
        for _ in 0..1_000 {
            state = black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
    }
}
