//! What is known of a service's instances at one moment, and how to learn of the next.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;

use super::Instance;

/// The instances of one service at one moment: the whole list, never a difference.
#[derive(Clone, Debug)]
pub struct Snapshot {
    instances: Arc<[Instance]>,
    trust: Trust,
}

/// How far a list may be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// Nothing was heard yet: the list is empty because nobody has answered.
    Waiting,
    /// What the source says now.
    Fresh,
    /// What the source said before something went wrong, or a file from an earlier run.
    Stale {
        /// Since when.
        since: Instant,
        /// What went wrong.
        why: Arc<str>,
    },
}

/// The list of one service, now and whenever it changes. A slow reader misses steps in between
/// and never the last one.
#[derive(Clone, Debug)]
pub struct Watch(watch::Receiver<Snapshot>);

impl Snapshot {
    /// A list: sorted by address; of several with one address the last counts.
    pub fn new(instances: impl IntoIterator<Item = Instance>, trust: Trust) -> Self {
        let mut list: Vec<Instance> = instances.into_iter().collect();
        list.reverse();
        list.sort_by(|a, b| a.address().as_str().cmp(b.address().as_str()));
        list.dedup_by(|a, b| a.address() == b.address());
        Self { instances: list.into(), trust }
    }

    /// What is known before anything was heard.
    pub fn waiting() -> Self {
        Self { instances: Arc::new([]), trust: Trust::Waiting }
    }

    /// The instances, sorted by address, each address once.
    pub fn instances(&self) -> &Arc<[Instance]> {
        &self.instances
    }

    /// How far the list may be believed.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Whether it says the same as another: the same instances, figures that Go servers write at
    /// each tick aside, believed alike.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        self.trust == other.trust
            && self.instances.len() == other.instances.len()
            && self
                .instances
                .iter()
                .zip(&*other.instances)
                .all(|(a, b)| a.address() == b.address() && a.attributes().are_like(b.attributes()))
    }

    /// The same list, believed otherwise.
    pub fn with_trust(&self, trust: Trust) -> Self {
        Self { instances: self.instances.clone(), trust }
    }
}

impl Watch {
    /// Watches what is sent on this channel; for those who write a resolver.
    pub fn new(receiver: watch::Receiver<Snapshot>) -> Self {
        Self(receiver)
    }

    /// A list that never changes.
    pub fn fixed(instances: impl IntoIterator<Item = Instance>) -> Self {
        Self(watch::channel(Snapshot::new(instances, Trust::Fresh)).1)
    }

    /// The list as it is now, which counts as seen.
    pub fn current(&mut self) -> Snapshot {
        self.0.borrow_and_update().clone()
    }

    /// Waits for the next list; none when nobody will send one any more.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn changed(&mut self) -> Option<Snapshot> {
        self.0.changed().await.ok()?;
        Some(self.current())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_with_one_address_the_last_counts() {
        let list = ["b:1?weight=1", "a:1", "b:1?weight=2"].map(|text| text.parse().unwrap());
        let snapshot = Snapshot::new(list, Trust::Fresh);
        let texts: Vec<_> = snapshot.instances().iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["tcp@a:1", "tcp@b:1?weight=2"]);
    }
}
