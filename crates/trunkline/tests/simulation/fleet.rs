//! A hundred instances and ten thousand calls, by default settings unless a test says otherwise.

use std::time::Duration;

use trunkline::ErrorKind;
use trunkline::balance::RoundRobin;
use trunkline::client::{Breaker, RetryBudget};
use trunkline::explain::Exclusion;
use trunkline::testing::{Behaviour, Event, Load, Outcome, ServiceTime, Simulation};

use crate::scene::ms;

const USUAL: ServiceTime = ServiceTime::Between(Duration::from_millis(8), Duration::from_millis(12));

fn fleet(instances: usize) -> Simulation {
    Simulation::seeded(11).instances(instances, Behaviour::Serves(USUAL))
}

/// About ten seconds of it: each instance has ten calls a second.
fn load() -> Load {
    Load::rate(1_000.0).calls(10_000)
}

/// What is expected beside the calls themselves.
fn says(outcome: &Outcome, text: &str) -> bool {
    outcome.log().iter().any(|line| line.contains(text))
}

#[test]
fn one_slow_instance_of_a_hundred_is_not_felt() {
    let well = fleet(100).load(load()).run();
    let healthy = well.figures().percentile(0.99);
    let slow = fleet(99).instance("slow", Behaviour::Serves(USUAL.times(100))).load(load()).run();
    let felt = slow.figures().percentile(0.99);
    assert_eq!(well.figures().errors() + slow.figures().errors(), 0, "{well}{slow}");
    assert!(felt < 2 * healthy, "{felt:?} against {healthy:?}: {slow}");
    assert!(slow.received("slow") * 3 < slow.attempts() / 100, "{}: {slow}", slow.received("slow"));
}

#[test]
fn an_instance_that_becomes_slow_is_left_alone() {
    let event = Event::behave("i007", Behaviour::Serves(USUAL.times(100)));
    let outcome = fleet(100).at(ms(3_000), event).load(load()).run();
    let figures = outcome.figures_of(ms(4_000)..ms(10_000));
    assert_eq!(outcome.figures().errors(), 0, "{outcome}");
    assert!(figures.percentile(0.99) < ms(25), "{figures}");
}

#[test]
fn a_dead_instance_costs_the_calls_that_were_on_it_and_idempotent_ones_nothing() {
    let run = |idempotent| {
        let event = Event::behave("i007", Behaviour::Dead);
        fleet(100).at(ms(3_000), event).load(load().idempotent(idempotent)).run()
    };
    let (once, idempotent) = (run(false), run(true));
    assert!(once.figures().errors() <= 2, "{once}");
    assert_eq!(idempotent.figures().errors(), 0, "{idempotent}");
    assert!(idempotent.figures().percentile(1.0) < ms(60), "{idempotent}");
    assert_eq!(idempotent.most_at_a_time(&Exclusion::Down("".into())), 1, "{idempotent}");
}

#[test]
fn a_frozen_instance_holds_its_calls_for_four_seconds_and_gets_few() {
    let event = Event::behave("i007", Behaviour::Frozen);
    let outcome = fleet(100).at(ms(3_000), event).load(load().idempotent(true)).run();
    let figures = outcome.figures();
    assert_eq!(figures.errors(), 0, "{outcome}");
    // A second until it is asked, three until it is given up, and the retry.
    assert!(figures.percentile(1.0) < ms(4_100), "{outcome}");
    assert!(figures.percentile(0.99) < ms(25), "{outcome}");
}

#[test]
fn an_unreachable_newcomer_holds_up_a_call_for_half_a_second_at_most() {
    let event = Event::join("new", Behaviour::Lost);
    let outcome = fleet(10).at(ms(3_000), event).load(load()).run();
    let figures = outcome.figures();
    assert_eq!(figures.errors(), 0, "{outcome}");
    assert!(figures.percentile(1.0) < ms(530), "{outcome}");
    assert!(figures.percentile(0.99) < ms(520), "{outcome}");
}

#[test]
fn an_instance_that_cannot_is_kept_out_by_its_breaker() {
    let run = |fleet: Simulation| {
        let lies = Event::behave("i003", Behaviour::Lies(ErrorKind::Unavailable));
        let well = Event::behave("i003", Behaviour::Serves(USUAL));
        let breaker = Breaker::rate(0.5, 20, Duration::from_secs(10));
        fleet
            .at(ms(2_000), lies)
            .at(ms(5_000), well)
            // The default balancer would hardly call it, since errors count as slow.
            .client(move |client| client.breaker(breaker).ejection(None).balancer(RoundRobin::new()))
            .load(load().calls(12_000))
            .run()
    };
    let outcome = run(fleet(4));
    assert!(outcome.times(&Exclusion::BreakerOpen) >= 1, "{outcome}");
    let bad = outcome.figures_of(ms(2_000)..ms(5_000));
    // What it answers until the breaker opens, and a trial now and then.
    assert!((10..400).contains(&bad.errors()), "{bad}");
    let opened = outcome.log().iter().position(|line| line.contains("memory@i003 is kept out: BreakerOpen"));
    let last = outcome.log().iter().rposition(|line| line.contains("memory@i003 is not kept out any more"));
    assert!(opened < last, "{outcome}");
    let after = outcome.figures_of(ms(8_000)..ms(12_000));
    assert_eq!(after.errors(), 0, "{after}");
    let executed = |outcome: &Outcome| outcome.executed("i003");
    assert!(executed(&outcome) > 1_000, "it is called again: {}", executed(&outcome));
}

#[test]
fn one_that_lies_is_ejected() {
    let lies = Event::behave("i003", Behaviour::Lies(ErrorKind::Application));
    let outcome = fleet(10).at(ms(1_000), lies).load(load().calls(30_000)).run();
    assert_eq!(outcome.most_at_a_time(&Exclusion::Ejected), 1, "{outcome}");
    assert!(says(&outcome, "memory@i003 is kept out: Ejected"), "{outcome}");
    let before = outcome.figures_of(ms(1_000)..ms(10_000));
    let after = outcome.figures_of(ms(10_100)..ms(30_000));
    assert!(before.errors() > 300, "{before}");
    assert_eq!(after.errors(), 0, "{after}");
}

#[test]
fn one_without_the_service_is_ejected_too() {
    let lies = Event::behave("i003", Behaviour::Lies(ErrorKind::NotFound));
    let outcome = fleet(10).at(ms(1_000), lies).load(load().calls(15_000)).run();
    assert!(says(&outcome, "memory@i003 is kept out: Ejected"), "{outcome}");
    assert_eq!(outcome.figures_of(ms(10_100)..ms(15_000)).errors(), 0, "{outcome}");
}

#[test]
fn never_more_than_a_tenth_is_ejected() {
    let mut simulation = fleet(50);
    for n in 0..15 {
        let name = format!("i{n:03}");
        simulation = simulation.at(ms(1_000), Event::behave(&name, Behaviour::Lies(ErrorKind::Application)));
    }
    let outcome = simulation.load(Load::rate(1_500.0).calls(32_000)).run();
    assert_eq!(outcome.most_at_a_time(&Exclusion::Ejected), 5, "{outcome}");
}

#[test]
fn instances_that_come_and_go_in_order_cost_no_call() {
    let mut simulation = fleet(20);
    for n in 0..8 {
        let at = ms(1_000 * (n + 1));
        simulation = simulation
            .at(at, Event::leave(&format!("i{n:03}")))
            .at(at, Event::join(&format!("new{n}"), Behaviour::Serves(USUAL)));
    }
    let outcome = simulation.load(load()).run();
    assert_eq!(outcome.figures().errors(), 0, "{outcome}");
    assert!(outcome.figures().percentile(0.99) < ms(20), "{outcome}");
    assert!(outcome.executed("new0") > 200, "{}", outcome.executed("new0"));
    assert!(outcome.executed("i000") < 100, "{}", outcome.executed("i000"));
}

#[test]
fn one_that_flaps_costs_idempotent_calls_nothing() {
    let flaps = Behaviour::Flaps { up: ms(300), down: ms(300), time: USUAL };
    let outcome = fleet(20).at(ms(1_000), Event::behave("i003", flaps)).load(load().idempotent(true)).run();
    assert_eq!(outcome.figures().errors(), 0, "{outcome}");
    assert!(outcome.figures().percentile(0.99) < ms(30), "{outcome}");
}

#[test]
fn retries_add_a_fifth_when_all_is_lost() {
    // Every call is too late, everywhere: the worst time for retries without a bound.
    let run = |budget| {
        Simulation::seeded(5)
            .instances(10, Behaviour::Serves(ServiceTime::Fixed(ms(10_000))))
            .client(move |client| {
                let retries = trunkline::client::Retries::new(3).attempt_timeout(ms(100));
                client.retries(retries).retry_budget(budget).breaker(Breaker::off()).ejection(None)
            })
            .load(Load::rate(500.0).calls(3_000).idempotent(true).timeout(ms(1_000)))
            .run()
    };
    let (bounded, unbounded) = (run(RetryBudget::default()), run(RetryBudget::unlimited()));
    let added = |outcome: &Outcome| outcome.attempts() as f64 / 3_000.0 - 1.0;
    assert!(added(&unbounded) > 2.5, "{}", added(&unbounded));
    // A fifth, ten a second, and what was saved up.
    assert!(added(&bounded) < 0.35, "{}", added(&bounded));
}
