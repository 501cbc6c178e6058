//! Go's consistent hash, for fleets in which Go and Rust clients share keys.

use std::collections::HashMap;
use std::sync::Arc;

use super::by_name::{Make, Named};
use super::hash::{fnv1a, jump, mix};
use super::{Balancer, Candidate, Pick, Picker, replaced};
use crate::registry::Instance;

/// Sends equal keys to the same instance, as rpcx's `ConsistentHash` does: "double jump" over
/// FNV-1a.
///
/// What is hashed is `/service/method/key`, with the key as Go prints it: the text of a string or
/// number, `&{10 20}` for a pointer to a struct, `[1 2 3]` for bytes. Calls without a key go
/// anywhere.
///
/// Where a key goes depends on the history of the list: an instance that leaves makes a hole, into
/// which the next new one steps. When one of n instances leaves, its keys move and nobody else's
/// (but for those that another hole had sent to the instance last in the list). A client that has seen
/// the same lists in the same order as another sends keys to the same places; one that started
/// later may not. Use [`Rendezvous`](super::Rendezvous) where all clients are Rust's. rpcx itself
/// begins with a random order; here the first list, and what is new in each later one, is sorted by
/// address.
///
/// A key whose instance is not open goes to another for that time, the same for all clients that
/// know so: the key is hashed again with a salt until an open one is met. Other keys stay where
/// they are. A pick takes O(log n); weights are ignored.
///
/// ```
/// use trunkline::balance::{Balancer, GoHash};
///
/// assert_eq!(GoHash::new().name(), "go-hash");
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct GoHash;

impl GoHash {
    /// The balancer.
    pub fn new() -> Self {
        Self
    }
}

impl Balancer for GoHash {
    fn picker(&self, candidates: &[Candidate], before: Option<&dyn Picker>) -> Box<dyn Picker> {
        let members = candidates.iter().map(|candidate| candidate.instance.clone()).collect();
        Box::new(DoubleJump::new(members, replaced(before)))
    }

    fn name(&self) -> &'static str {
        "go-hash"
    }
}

/// How often a key is hashed again before all places are gone through.
const SALTS: u64 = 32;

struct DoubleJump {
    /// The list that the places below are places of.
    members: Vec<Instance>,
    /// Every member keeps its slot here while others come and go.
    loose: Vec<u32>,
    /// The free slots of `loose`; the one freed last is taken first.
    holes: Vec<u32>,
    /// All members without holes, for keys that meet one.
    compact: Vec<u32>,
}

const HOLE: u32 = u32::MAX;

impl DoubleJump {
    fn new(members: Vec<Instance>, before: Option<&Self>) -> Self {
        let count = members.len() as u32;
        let mut places: HashMap<&str, u32> = HashMap::with_capacity(members.len());
        for (place, member) in members.iter().enumerate() {
            places.entry(member.address().as_str()).or_insert(place as u32);
        }

        // In place of members that have left stand numbers past those of the list, until they are
        // taken out: Go puts the new ones in first.
        let old = before.map_or(&[][..], |before| &before.members);
        let renumber = |slots: &[u32]| -> Vec<u32> {
            let number = |&slot: &u32| match slot {
                HOLE => HOLE,
                slot => {
                    let address = old[slot as usize].address().as_str();
                    places.get(address).copied().unwrap_or(count + slot)
                }
            };
            slots.iter().map(number).collect()
        };
        let (mut loose, mut holes, mut compact) = match before {
            Some(before) => (renumber(&before.loose), before.holes.clone(), renumber(&before.compact)),
            None => Default::default(),
        };

        let mut is_old = vec![false; members.len()];
        compact.iter().filter(|&&member| member < count).for_each(|&member| is_old[member as usize] = true);
        let mut new: Vec<u32> = places.values().copied().filter(|&place| !is_old[place as usize]).collect();
        new.sort_unstable_by_key(|&place| members[place as usize].address().as_str());
        for member in new {
            match holes.pop() {
                Some(hole) => loose[hole as usize] = member,
                None => loose.push(member),
            }
            compact.push(member);
        }

        let mut gone: Vec<(usize, u32)> = loose
            .iter()
            .copied()
            .enumerate()
            .filter(|&(_, member)| member >= count && member != HOLE)
            .collect();
        gone.sort_unstable_by_key(|&(_, member)| old[(member - count) as usize].address().as_str());
        let mut at: HashMap<u32, usize> = HashMap::with_capacity(gone.len());
        if !gone.is_empty() {
            at.extend(
                compact.iter().copied().enumerate().map(|(at, m)| (m, at)).filter(|&(m, _)| m >= count),
            );
        }
        for (slot, member) in gone {
            loose[slot] = HOLE;
            holes.push(slot as u32);
            if let Some(hole) = at.remove(&member) {
                compact.swap_remove(hole);
                if let Some(moved) = compact.get(hole).and_then(|moved| at.get_mut(moved)) {
                    *moved = hole;
                }
            }
        }
        Self { members, loose, holes, compact }
    }

    fn get(&self, hash: u64) -> Option<usize> {
        match self.loose.get(jump(hash, self.loose.len())) {
            Some(&HOLE) | None => self.get_compact(hash.wrapping_mul(0xc6a4_a793_5bd1_e995)),
            Some(&place) => Some(place as usize),
        }
    }

    fn get_compact(&self, hash: u64) -> Option<usize> {
        self.compact.get(jump(hash, self.compact.len())).map(|&place| place as usize)
    }
}

impl Picker for DoubleJump {
    fn pick(&self, pick: &Pick<'_>) -> Option<usize> {
        let is_open = |place: &usize| pick.is_open(*place);
        // Of several with one address only the first is in the hash.
        let any = || (0..self.members.len()).find(is_open);
        let Some(key) = pick.key else {
            return pick.any_open(&self.compact).or_else(any);
        };
        let hash = fnv1a([b"/", pick.service.as_bytes(), b"/", pick.method.as_bytes(), b"/", key]);
        let salted = |salt| self.get_compact(mix(hash ^ mix(salt)));
        self.get(hash)
            .filter(is_open)
            .or_else(|| (1..=SALTS).filter_map(salted).find(is_open))
            .or_else(|| {
                let (before, from) = self.compact.split_at(jump(hash, self.compact.len()));
                from.iter().chain(before).map(|&place| place as usize).find(is_open)
            })
            .or_else(any)
    }
}

pub(super) const NAMED: Named =
    Named { names: &["go-hash", "ConsistentHash"], make: Make::Plain(|| Arc::new(GoHash::new())) };

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testbed::Fleet;
    use super::*;

    fn ports(picker: &dyn Picker, fleet: &Fleet) -> Vec<u16> {
        let port = |i: usize| {
            let place = fleet.pick_by(picker, "Arith", "Mul", Some(format!("key{i}").as_bytes())).unwrap();
            let address = fleet.candidates[place].instance.address().as_str();
            address.rsplit(':').next().unwrap().parse().unwrap()
        };
        (0..6).map(port).collect()
    }

    fn on_ports(ports: &[u16]) -> Fleet {
        Fleet::at(ports.iter().map(|port| format!("tcp@127.0.0.1:{port}")))
    }

    #[test]
    fn the_history_of_the_reference_gives_its_places() {
        let balancer = GoHash::new();
        let five = on_ports(&[9000, 9001, 9002, 9003, 9004]);
        let first = balancer.picker(&five.candidates, None);
        assert_eq!(ports(&*first, &five), [9004, 9003, 9002, 9002, 9004, 9000]);

        let four = on_ports(&[9000, 9001, 9002, 9003]);
        let second = balancer.picker(&four.candidates, Some(&*first));
        assert_eq!(ports(&*second, &four), [9001, 9003, 9002, 9002, 9002, 9000]);

        // The order of a list does not matter.
        let again = on_ports(&[9005, 9003, 9001, 9000, 9002]);
        let third = balancer.picker(&again.candidates, Some(&*second));
        assert_eq!(ports(&*third, &again), [9005, 9003, 9002, 9002, 9005, 9000]);
    }

    /// Go's structure, written down once more in the plainest way.
    #[derive(Default)]
    struct Plain {
        loose: Vec<Option<u16>>,
        holes: Vec<usize>,
        compact: Vec<u16>,
    }

    impl Plain {
        fn update(&mut self, to: &[u16]) {
            let before = self.compact.clone();
            let mut new: Vec<_> = to.iter().copied().filter(|port| !before.contains(port)).collect();
            let mut gone: Vec<_> = before.iter().copied().filter(|port| !to.contains(port)).collect();
            new.sort_unstable();
            gone.sort_unstable();
            for port in new {
                match self.holes.pop() {
                    Some(hole) => self.loose[hole] = Some(port),
                    None => self.loose.push(Some(port)),
                }
                self.compact.push(port);
            }
            for port in gone {
                let slot = self.loose.iter().position(|p| *p == Some(port)).unwrap();
                self.loose[slot] = None;
                self.holes.push(slot);
                let at = self.compact.iter().position(|p| *p == port).unwrap();
                self.compact.swap_remove(at);
            }
        }
    }

    proptest! {
        #[test]
        fn any_history_is_kept(lists in prop::collection::vec(prop::collection::btree_set(1000u16..1020, 0..12), 1..12)) {
            let mut plain = Plain::default();
            let mut before: Option<DoubleJump> = None;
            for list in lists {
                let ports: Vec<u16> = list.into_iter().collect();
                plain.update(&ports);
                let members: Vec<Instance> =
                    ports.iter().map(|port| format!("tcp@127.0.0.1:{port}").parse().unwrap()).collect();
                let now = DoubleJump::new(members, before.as_ref());
                let port = |place: u32| (place != HOLE).then(|| ports[place as usize]);
                prop_assert_eq!(now.loose.iter().map(|&place| port(place)).collect::<Vec<_>>(), plain.loose.clone());
                prop_assert_eq!(now.compact.iter().filter_map(|&place| port(place)).collect::<Vec<_>>(), plain.compact.clone());
                prop_assert_eq!(now.holes.iter().map(|&hole| hole as usize).collect::<Vec<_>>(), plain.holes.clone());
                before = Some(now);
            }
        }
    }

    #[test]
    fn keys_of_a_closed_one_go_elsewhere_and_the_others_stay() {
        let fleet = Fleet::new(20);
        let picker = GoHash::new().picker(&fleet.candidates, None);
        let before = fleet.places_of_keys(&*picker, 5_000);
        fleet.close(7);
        let after = fleet.places_of_keys(&*picker, 5_000);
        let mut refuge = std::collections::HashSet::new();
        for (before, after) in before.iter().zip(&after) {
            if *before == 7 {
                refuge.insert(*after);
            } else {
                assert_eq!(before, after);
            }
        }
        assert!(refuge.len() > 12 && !refuge.contains(&7), "spread over the others: {refuge:?}");
    }
}
