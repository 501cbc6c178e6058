//! Where chance comes from: numbers that follow from a seed, so that a run can be repeated.

use std::sync::atomic::{AtomicU64, Ordering};

/// Chance that can be repeated: the same seed gives the same numbers. Shared without a lock.
#[derive(Debug)]
pub struct Random(AtomicU64);

impl Random {
    /// Numbers that follow from this seed.
    pub fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// Numbers of their own for one use of a seed, so that how many one use draws changes nothing
    /// for the others; without a seed, numbers that nobody can foretell.
    pub(crate) fn for_use(seed: Option<u64>, what: &str) -> Self {
        let Some(seed) = seed else { return Self::new() };
        // FNV-1a: the same for a name on every machine.
        let hash = what.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self::seeded(Self::seeded(seed ^ hash).next())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_use_of_a_seed_has_numbers_of_its_own() {
        let first = |seed, what| Random::for_use(Some(seed), what).next();
        assert_eq!(first(7, "dial a"), first(7, "dial a"));
        assert_ne!(first(7, "dial a"), first(7, "dial b"));
        assert_ne!(first(7, "dial a"), first(8, "dial a"));
        assert_ne!(Random::for_use(None, "a").next(), Random::for_use(None, "a").next());
    }
}
