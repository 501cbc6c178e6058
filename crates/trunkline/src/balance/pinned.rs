//! This one and no other.

use std::sync::Arc;

use super::by_name::{Make, Named, wrong};
use super::{Balancer, Candidate, Pick, Picker};
use crate::transport::Address;

/// Picks the candidate at one address, or nothing while it is not open or not in the list.
///
/// ```
/// use trunkline::balance::{Balancer, Pinned};
///
/// let balancer = Pinned::to("tcp@127.0.0.1:8972".parse()?);
/// assert_eq!(balancer.name(), "pinned");
/// # Ok::<(), trunkline::transport::AddressError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pinned {
    address: Address,
}

impl Pinned {
    /// Pinned to this address.
    pub fn to(address: Address) -> Self {
        Self { address }
    }
}

impl Balancer for Pinned {
    fn picker(&self, candidates: &[Candidate], _: Option<&dyn Picker>) -> Box<dyn Picker> {
        let place = candidates.iter().position(|candidate| *candidate.instance.address() == self.address);
        Box::new(PinnedPicker { place })
    }

    fn name(&self) -> &'static str {
        "pinned"
    }
}

struct PinnedPicker {
    place: Option<usize>,
}

impl Picker for PinnedPicker {
    fn pick(&self, pick: &Pick<'_>) -> Option<usize> {
        self.place.filter(|&place| pick.is_open(place))
    }
}

pub(super) const NAMED: Named = Named {
    names: &["pinned"],
    make: Make::From(|argument| {
        let text = argument
            .ok_or_else(|| wrong("the balancer needs an address: write pinned(ADDRESS)".to_owned()))?;
        let address = text.parse().map_err(|e| {
            wrong(format!("pinned(`{text}`) needs an address"))
                .with_source(e as crate::transport::AddressError)
        })?;
        Ok(Arc::new(Pinned::to(address)))
    }),
};

#[cfg(test)]
mod tests {
    use super::super::testbed::Fleet;
    use super::*;

    #[test]
    fn it_is_that_one_or_nothing() {
        let fleet = Fleet::new(3);
        let address = fleet.candidates[1].instance.address().clone();
        let picker = Pinned::to(address).picker(&fleet.candidates, None);
        assert_eq!(fleet.pick(&*picker), Some(1));
        fleet.close(1);
        assert_eq!(fleet.pick(&*picker), None);

        let elsewhere = Pinned::to("tcp@elsewhere:1".parse().unwrap()).picker(&fleet.candidates, None);
        assert_eq!(fleet.pick(&*elsewhere), None);
    }
}
