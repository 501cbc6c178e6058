//! Choosing: which of a service's instances gets the next call.
//!
//! A [`Balancer`] makes an immutable [`Picker`] of each new list of candidates; picking takes no
//! lock. What a picker wants to know of an instance's present state stands in its
//! [`Stats`], as atomics, so that nothing has to be fed back to the picker.
//!
//! | balancer | picks | a pick of n takes |
//! |---|---|---|
//! | [`P2c`] (the default) | the one of two that will answer sooner | O(1) |
//! | [`RandomSelect`], [`WeightedRandom`] | by chance | O(1) |
//! | [`RoundRobin`], [`WeightedRoundRobin`] | one after the other | O(1) |
//! | [`LeastConnections`] | who has the fewest calls under way | O(1), up to 64 all |
//! | [`GoHash`] | by key, as rpcx does | O(log n) |
//! | [`Rendezvous`] | by key, all clients alike | O(n) |
//! | [`Nearest`] | who is nearest on earth | O(1) |
//! | [`NetworkQuality`] | who answers heartbeats quickly | O(1) |
//! | [`Pinned`], [`from_fn`] | what you say | |
//! | [`Sticky`], [`Split`], [`WarmUp`] | over any of these: the same as before; by shares; new ones less | |
//!
//! These are the costs while most candidates are open; where most are not, all are looked at.
//! [`by_name`] knows them by the names that stand in configurations.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::registry::Instance;

mod by_name;
mod from_fn;
mod go_hash;
mod hash;
mod least_connections;
mod lots;
mod nearest;
mod network_quality;
mod p2c;
mod pinned;
mod random;
mod rendezvous;
mod ring;
mod round_robin;
mod split;
mod stats;
mod sticky;
#[cfg(test)]
mod testbed;
#[cfg(test)]
mod tests;
mod turn;
mod warm_up;
mod weighted;
mod weighted_random;

pub use crate::chance::Random;
pub use by_name::by_name;
pub use from_fn::{FromFn, from_fn};
pub use go_hash::GoHash;
pub use least_connections::LeastConnections;
pub use nearest::{Nearest, Position};
pub use network_quality::NetworkQuality;
pub use p2c::P2c;
pub use pinned::Pinned;
pub use random::RandomSelect;
pub use rendezvous::Rendezvous;
pub use round_robin::RoundRobin;
pub use split::Split;
pub(crate) use stats::Shut;
pub use stats::Stats;
pub use sticky::Sticky;
pub use warm_up::WarmUp;
pub use weighted::WeightedRoundRobin;
pub use weighted_random::WeightedRandom;

/// Those with a name in configurations, in the order in which they are listed to who asks for
/// another.
const NAMED: &[by_name::Named] = &[
    p2c::NAMED,
    random::NAMED,
    weighted_random::NAMED,
    round_robin::NAMED,
    weighted::NAMED,
    network_quality::NAMED,
    least_connections::NAMED,
    go_hash::NAMED,
    rendezvous::NAMED,
    nearest::NAMED,
    pinned::NAMED,
    sticky::NAMED,
];

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

/// What a picker replaces, if that was of the same kind.
fn replaced<P: Picker>(before: Option<&dyn Picker>) -> Option<&P> {
    (before? as &dyn Any).downcast_ref()
}

impl<B: Balancer + ?Sized> Balancer for Arc<B> {
    fn picker(&self, candidates: &[Candidate], before: Option<&dyn Picker>) -> Box<dyn Picker> {
        (**self).picker(candidates, before)
    }

    fn refresh(&self) -> Option<Duration> {
        (**self).refresh()
    }

    fn name(&self) -> &'static str {
        (**self).name()
    }
}

impl fmt::Debug for dyn Balancer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
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

impl<'a> Pick<'a> {
    /// A question without a key, of a call that has been nowhere; for tests of one's own balancers.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use trunkline::balance::{Balancer, Candidate, P2c, Pick, Random, Stats};
    ///
    /// let instance = "tcp@127.0.0.1:8972".parse()?;
    /// let candidates = [Candidate { instance, weight: 1, stats: Arc::new(Stats::new()) }];
    /// let picker = P2c::new().picker(&candidates, None);
    /// let random = Random::seeded(7);
    /// let pick = Pick::new("Arith", "Mul", &candidates, tokio::time::Instant::now(), &random);
    /// assert_eq!(picker.pick(&pick.with_key(Some(b"user-1"))), Some(0));
    /// # Ok::<(), trunkline::transport::AddressError>(())
    /// ```
    pub fn new(
        service: &'a str,
        method: &'a str,
        candidates: &'a [Candidate],
        now: Instant,
        random: &'a Random,
    ) -> Self {
        Self { service, method, key: None, candidates, tried: &[], now, random, in_need: false }
    }

    /// The same with this key.
    pub fn with_key(self, key: Option<&'a [u8]>) -> Self {
        Self { key, ..self }
    }

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
