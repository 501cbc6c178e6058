use std::time::Duration;

use trunkline::ErrorKind;
use trunkline::client::FailMode;
use trunkline::testing::{Behaviour, Event, Load, Outcome, RegistryEvent, ServiceTime, Simulation};

/// A run in which everything happens.
fn run(seed: u64) -> Outcome {
    let time = ServiceTime::Exponential(Duration::from_millis(10));
    let second = Duration::from_secs;
    Simulation::seeded(seed)
        .instances(20, Behaviour::Serves(time))
        .workers(4)
        .grace(second(2))
        .at(second(1), Event::behave("i000", Behaviour::Dead))
        .at(second(1), Event::behave("i001", Behaviour::Frozen))
        .at(second(1), Event::behave("i002", Behaviour::Lies(ErrorKind::Internal)))
        .at(second(2), Event::behave("i003", Behaviour::Flaps { up: second(1), down: second(1), time }))
        .at(second(2), Event::behave("i004", Behaviour::Lost))
        .at(second(3), Event::join("late", Behaviour::Serves(time)))
        .at(second(3), Event::leave("i005"))
        .at(second(4), RegistryEvent::ReversesEvents(true).into())
        .at(second(4), RegistryEvent::Forgets("i006".into()).into())
        .at(second(4), RegistryEvent::Lists("i006".into()).into())
        .at(second(5), RegistryEvent::LosesEvents(1).into())
        .at(second(5), RegistryEvent::Forgets("i007".into()).into())
        .at(second(6), RegistryEvent::Stops.into())
        .at(second(8), RegistryEvent::Starts.into())
        .at(second(9), RegistryEvent::Wiped.into())
        .client(|client| client.fail_mode(FailMode::Failbackup).timeout(Duration::from_secs(2)))
        .load(Load::rate(400.0).calls(4_000).idempotent(true))
        .run()
}

#[test]
fn one_seed_gives_one_log_and_another_one_another() {
    let (first, second, other) = (run(7), run(7), run(8));
    if let Some(n) = (0..first.log().len()).find(|n| first.log().get(*n) != second.log().get(*n)) {
        let around = |outcome: &Outcome| {
            outcome.log()[n.saturating_sub(5)..].iter().take(10).cloned().collect::<Vec<_>>()
        };
        panic!("line {n} differs: {:#?} {:#?}", around(&first), around(&second));
    }
    assert_eq!(first.log().len(), second.log().len());
    assert_ne!(first.log(), other.log());
    assert_eq!(first.figures().calls(), 4_000, "{first}");
    assert!(first.figures().errors() < 40, "{first}");
}
