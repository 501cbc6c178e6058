//! What holds for every balancer, whatever the list and whoever is open.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::super::testbed::Fleet;
use super::super::*;

/// A balancer, and whether it picks somebody whenever somebody is open.
struct Kind {
    balancer: Arc<dyn Balancer>,
    always: bool,
}

/// A new balancer passes the suite by its line here.
fn kinds() -> Vec<Kind> {
    let always = |balancer: Arc<dyn Balancer>| Kind { balancer, always: true };
    let here = Position::new(10.0, 10.0).unwrap();
    let pinned = Pinned::to("tcp@10.0.0.1:8972".parse().unwrap());
    let split = Split::over(P2c::new()).share("version", "2", 5.0).unwrap();
    vec![
        always(Arc::new(RandomSelect::new())),
        always(Arc::new(WeightedRandom::new())),
        always(Arc::new(RoundRobin::new())),
        always(Arc::new(WeightedRoundRobin::new())),
        always(Arc::new(LeastConnections::new())),
        always(Arc::new(P2c::new())),
        always(Arc::new(GoHash::new())),
        always(Arc::new(Rendezvous::new())),
        always(Arc::new(Nearest::to(here))),
        always(Arc::new(NetworkQuality::new())),
        always(Arc::new(Sticky::over(RoundRobin::new()))),
        always(Arc::new(split)),
        always(Arc::new(WarmUp::over(WeightedRandom::new(), Duration::from_secs(10)))),
        always(Arc::new(Sticky::over(WarmUp::over(GoHash::new(), Duration::from_secs(10))))),
        Kind { balancer: Arc::new(pinned), always: false },
        Kind { balancer: Arc::new(from_fn(|pick| Some(pick.random.below(100)))), always: false },
    ]
}

/// A list as it may come, and what is known of it.
#[derive(Clone, Debug)]
struct Member {
    port: u8,
    weight: u64,
    text: &'static str,
    is_closed: bool,
    is_tried: bool,
    age: u64,
    calls: u32,
    latency: Option<u64>,
    heartbeat: Option<u64>,
}

prop_compose! {
    fn member()(
        port in 0u8..40,
        weight in prop_oneof![Just(1), 1u64..20, Just(u64::MAX)],
        text in prop::sample::select(&["", "?latitude=10&longitude=10", "?latitude=-80&longitude=170", "?version=2"][..]),
        is_closed in prop::bool::weighted(0.4),
        is_tried in prop::bool::weighted(0.2),
        age in 0u64..30,
        calls in 0u32..4,
        latency in prop::option::of(0u64..100_000),
        heartbeat in prop::option::of(0u64..3_000),
    ) -> Member {
        Member { port, weight, text, is_closed, is_tried, age, calls, latency, heartbeat }
    }
}

fn fleet_of(members: &[Member], seed: u64) -> Fleet {
    let mut fleet =
        Fleet::at(members.iter().map(|m| format!("tcp@10.0.0.{}:8972{}", m.port, m.text))).seeded(seed);
    fleet.now += Duration::from_secs(30);
    for (candidate, member) in fleet.candidates.iter_mut().zip(members) {
        candidate.weight = member.weight;
        let stats = Stats::born_at(fleet.now - Duration::from_secs(member.age));
        (0..member.calls).for_each(|_| stats.begin());
        member.latency.iter().for_each(|&micros| stats.took(Duration::from_micros(micros), fleet.now));
        member.heartbeat.iter().for_each(|&millis| stats.heartbeat_in(Duration::from_millis(millis)));
        candidate.stats = Arc::new(stats);
    }
    for (place, _) in members.iter().enumerate().filter(|(_, member)| member.is_closed) {
        fleet.close(place);
    }
    fleet
}

fn tried_of(fleet: &Fleet, members: &[Member]) -> Vec<Arc<Stats>> {
    let both = fleet.candidates.iter().zip(members);
    both.filter(|(_, member)| member.is_tried).map(|(candidate, _)| candidate.stats.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn what_is_picked_is_open_and_somebody_is_picked_when_somebody_is(
        lists in prop::collection::vec(prop::collection::vec(member(), 0..30), 1..4),
        keys in prop::collection::vec(prop::option::of(prop::collection::vec(any::<u8>(), 0..5)), 1..6),
        seed: u64,
    ) {
        for kind in kinds() {
            let name = kind.balancer.name();
            let mut picker: Option<Box<dyn Picker>> = None;
            for members in &lists {
                let fleet = fleet_of(members, seed);
                let tried = tried_of(&fleet, members);
                let next = kind.balancer.picker(&fleet.candidates, picker.as_deref());
                let is_any_open = members.iter().any(|member| !member.is_closed && !member.is_tried);
                for key in &keys {
                    let pick = Pick { key: key.as_deref(), ..fleet.question(&tried) };
                    match next.pick(&pick) {
                        Some(place) => {
                            prop_assert!(place < members.len(), "{name}: {place}");
                            prop_assert!(pick.is_open(place), "{name}: {place} is not open");
                        }
                        None => prop_assert!(!(kind.always && is_any_open), "{name}: somebody was open"),
                    }
                }
                picker = Some(next);
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_picks(members in prop::collection::vec(member(), 1..30), seed: u64) {
        for kind in kinds() {
            let picks = || {
                let fleet = fleet_of(&members, seed);
                let picker = kind.balancer.picker(&fleet.candidates, None);
                (0..20).map(|_| fleet.pick(&*picker)).collect::<Vec<_>>()
            };
            prop_assert_eq!(picks(), picks(), "{}", kind.balancer.name());
        }
    }
}

#[test]
fn of_nobody_nobody_is_picked() {
    for kind in kinds() {
        let fleet = Fleet::new(0);
        let picker = kind.balancer.picker(&fleet.candidates, None);
        assert_eq!(fleet.pick(&*picker), None, "{}", kind.balancer.name());
        assert_eq!(fleet.pick_by(&*picker, "", "", Some(b"key")), None, "{}", kind.balancer.name());
    }
}

/// A picker that is asked about another list than its own may pick nobody, but must not panic or
/// pick who is not there.
#[test]
fn a_picker_survives_another_list() {
    for kind in kinds() {
        for (own, asked) in [(5, 2), (2, 5), (3, 0), (100, 1)] {
            let picker = kind.balancer.picker(&Fleet::new(own).candidates, None);
            let fleet = Fleet::new(asked);
            for _ in 0..20 {
                let place = fleet.pick(&*picker);
                assert!(place.is_none_or(|place| place < asked), "{}: {place:?}", kind.balancer.name());
            }
        }
    }
}

/// What takes quadratic time would not come to an end here.
#[test]
fn a_hundred_thousand_are_no_trouble() {
    const MANY: u64 = 100_000;
    let weights: Vec<u64> = (0..MANY).map(|i| 1 + i * i % 1_000).collect();
    let fleet = Fleet::weighing(&weights);
    let fewer = fleet.only(|place| place % 1_000 != 0);
    for kind in kinds() {
        let first = kind.balancer.picker(&fleet.candidates, None);
        let second = kind.balancer.picker(&fewer.candidates, Some(&*first));
        for key in 0..10u8 {
            let place = fewer.pick_by(&*second, "Arith", "Mul", Some(&[key]));
            assert!(place.is_some() || !kind.always, "{}", kind.balancer.name());
        }
    }
}
