//! Choosing: which of a service's instances gets the next call.
//!
//! A [`Balancer`] makes an immutable [`Picker`] of each new list of candidates; picking takes no
//! lock. What a picker wants to know of an instance's present state stands in its
//! [`Stats`], as atomics, so that nothing has to be fed back to the picker.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::registry::Instance;

mod p2c;
mod stats;

pub use p2c::P2c;
pub(crate) use stats::Shut;
pub use stats::Stats;

/// A way to spread calls over instances.
///
/// The candidates are those that may get calls at all: active, of the right group, with a weight,
/// passed by every filter. Which of them are able to right now is asked at each pick, with
/// [`Pick::is_open`].
pub trait Balancer: Send + Sync + 'static {
    /// A picker for these candidates. `before` is the picker that this one replaces, where there
    /// was one: a place in the round, a hash with its history, can go on from there.
    fn picker(&self, candidates: &[Candidate], before: Option<&dyn Picker>) -> Box<dyn Picker>;

    /// How often a picker is made anew although no list came, for balancers that look at measured
    /// times when they make it.
    fn refresh(&self) -> Option<Duration> {
        None
    }

    /// Its name, for status pages and explanations.
    fn name(&self) -> &'static str;
}

/// Picks one of the candidates it was made for.
pub trait Picker: Any + Send + Sync {
    /// The place of an open candidate in the list; none when none is open.
    ///
    /// A picker passes over candidates that are not [open](Pick::is_open). What it returns
    /// although it is not open counts as no pick.
    fn pick(&self, pick: &Pick<'_>) -> Option<usize>;
}

/// An instance that may get calls, and how it does.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The instance.
    pub instance: Instance,
    /// Its share against the others', at least 1.
    pub weight: u64,
    /// How it does now.
    pub stats: Arc<Stats>,
}

/// What is picked for.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Pick<'a> {
    /// The service.
    pub service: &'a str,
    /// The method.
    pub method: &'a str,
    /// What the call's caller wants calls with the same key to have in common: the instance.
    pub key: Option<&'a [u8]>,
    /// The candidates that the picker was made for.
    pub candidates: &'a [Candidate],
    /// Candidates that this call has been to already.
    pub tried: &'a [Arc<Stats>],
    /// Now.
    pub now: Instant,
    /// Where chance comes from.
    pub random: &'a Random,
    /// Nobody is open: those will do that would rather be left alone.
    pub(crate) in_need: bool,
}

impl Pick<'_> {
    /// Whether the candidate at this place is able to take this call: it is not kept out by a
    /// breaker or a lost connection, and the call has not been there.
    pub fn is_open(&self, place: usize) -> bool {
        self.candidates.get(place).is_some_and(|candidate| {
            let stats = &candidate.stats;
            (stats.is_open() || self.in_need && stats.is_nearly_open())
                && !self.tried.iter().any(|tried| Arc::ptr_eq(tried, stats))
        })
    }
}

impl fmt::Debug for Pick<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pick")
            .field("service", &self.service)
            .field("method", &self.method)
            .field("candidates", &self.candidates.len())
            .finish_non_exhaustive()
    }
}

/// Chance that can be repeated: the same seed gives the same numbers. Shared without a lock.
#[derive(Debug)]
pub struct Random(AtomicU64);

impl Random {
    /// Numbers that follow from this seed.
    pub fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// Numbers that nobody can foretell.
    pub fn new() -> Self {
        use std::hash::{BuildHasher, Hasher};
        Self::seeded(std::hash::RandomState::new().build_hasher().finish())
    }

    /// The next number (SplitMix64).
    pub fn next(&self) -> u64 {
        let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, each as likely as any other; 0 for a bound of 0.
    pub fn below(&self, bound: usize) -> usize {
        // Multiplying and shifting is a division that was saved (Lemire); the bias is below
        // bound / 2^64.
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// A number from 0 up to, and without, 1.
    pub fn fraction(&self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

impl Default for Random {
    fn default() -> Self {
        Self::new()
    }
}
