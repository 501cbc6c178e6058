//! A fleet through an outage: how two settings do, in figures that a seed repeats. `cargo run --example simulation`

use std::time::Duration;

use trunkline::client::{FailMode, Retries};
use trunkline::testing::{Behaviour, Event, Load, Outcome, RegistryEvent, ServiceTime, Simulation};

/// Twenty instances; one becomes slow, one dies, one freezes, and the registry is away when that happens.
fn outage(mode: FailMode, retries: Retries) -> Outcome {
    let usual = ServiceTime::Exponential(Duration::from_millis(10));
    let second = Duration::from_secs;
    Simulation::seeded(2026)
        .instances(20, Behaviour::Serves(usual))
        .at(second(1), RegistryEvent::Stops.into())
        .at(second(1), Event::behave("i001", Behaviour::Serves(usual.times(50))))
        .at(second(2), Event::behave("i002", Behaviour::Dead))
        .at(second(3), Event::behave("i003", Behaviour::Frozen))
        .at(second(8), RegistryEvent::Starts.into())
        .client(move |client| client.fail_mode(mode).retries(retries).timeout(Duration::from_secs(5)))
        .load(Load::rate(400.0).calls(4_000).idempotent(true))
        .run()
}

fn main() {
    let fast = outage(FailMode::Failfast, Retries::default());
    let over = outage(FailMode::Failover, Retries::default());
    let backup = outage(FailMode::Failbackup, Retries::new(3).backup_after(Duration::from_millis(60)));
    for (name, outcome) in [("one attempt", &fast), ("failover", &over), ("second copies", &backup)] {
        println!("--- {name}\n{outcome}");
    }
    assert!(fast.figures().errors() > 0);
    assert_eq!(over.figures().errors() + backup.figures().errors(), 0);

    println!("--- the log of the first, around the outage");
    for line in over.log().iter().filter(|line| !line.contains("call ")).take(12) {
        println!("{line}");
    }
    assert_eq!(outage(FailMode::Failover, Retries::default()).log(), over.log(), "the seed repeats it");
}
