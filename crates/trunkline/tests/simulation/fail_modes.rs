//! Each fail mode against each way in which an attempt can end: who is asked, how often, and what
//! the caller hears.

use std::time::Duration;

use tokio::time::Instant;
use trunkline::client::FailMode::{self, Failbackup, Failfast, Failover, Failtry};
use trunkline::explain::GaveUp;
use trunkline::testing::{Network, Script, ScriptedServer, SettableRegistry, Step};
use trunkline::{Client, ErrorKind, Failure, Sent};

use crate::scene::{SERVICE, Scene, busy, busy_for, in_order, ms, retries};

/// What came of one call.
#[derive(Debug, PartialEq)]
struct Course {
    /// Who got it, in order.
    went: String,
    result: Result<i64, (ErrorKind, Sent, GaveUp)>,
}

const MODES: [FailMode; 4] = [Failfast, Failover, Failtry, Failbackup];

/// Three servers that all follow these steps.
async fn course(step: &Step, mode: FailMode, idempotent: bool) -> (Course, Duration) {
    let scene = Scene::new([vec![step.clone()], vec![step.clone()], vec![step.clone()]]).await;
    let call = scene.call().fail_mode(mode).retries(retries(3)).idempotent(idempotent).timeout(ms(5_000));
    let began = Instant::now();
    let result = call.await.map_err(|error| {
        let explanation = error.explanation().expect("a failed call has its explanation");
        (error.kind(), error.sent(), explanation.gave_up.expect("it says why it gave up"))
    });
    let took = began.elapsed();
    (Course { went: scene.went(), result }, took)
}

fn refused(why: GaveUp) -> Result<i64, (ErrorKind, Sent, GaveUp)> {
    Err((ErrorKind::Overloaded, Sent::NotStarted, why))
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_and_lost() {
    let lost = |why| Err((ErrorKind::Unavailable, Sent::Maybe, why));
    for (mode, idempotent, went, why) in [
        (Failfast, false, "a", GaveUp::NotIdempotent),
        (Failfast, true, "a", GaveUp::Mode),
        (Failover, false, "a", GaveUp::NotIdempotent),
        (Failover, true, "abca", GaveUp::Attempts),
        (Failtry, false, "a", GaveUp::NotIdempotent),
        (Failtry, true, "aaaa", GaveUp::Attempts),
        (Failbackup, false, "a", GaveUp::NotIdempotent),
        (Failbackup, true, "abca", GaveUp::Attempts),
    ] {
        let (course, _) = course(&Step::cut(), mode, idempotent).await;
        let expected = Course { went: went.into(), result: lost(why) };
        assert_eq!(course, expected, "{mode:?} {idempotent}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_service_answered_is_final() {
    let no = Step::fail(|| Failure::new("no"));
    for (mode, idempotent) in MODES.into_iter().flat_map(|mode| [(mode, false), (mode, true)]) {
        let (course, _) = course(&no, mode, idempotent).await;
        let result = Err((ErrorKind::Application, Sent::Maybe, GaveUp::Final));
        assert_eq!(course, Course { went: "a".into(), result }, "{mode:?} {idempotent}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_before_it_started() {
    for idempotent in [false, true] {
        for (mode, went, why) in [
            (Failfast, "a", GaveUp::Mode),
            (Failover, "abc", GaveUp::NoInstance),
            (Failtry, "aaaa", GaveUp::Attempts),
            (Failbackup, "abc", GaveUp::NoInstance),
        ] {
            let (course, took) = course(&busy(), mode, idempotent).await;
            assert_eq!(course, Course { went: went.into(), result: refused(why) }, "{mode:?} {idempotent}");
            assert!(took < ms(100), "{mode:?}: {took:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_wants_a_rest_is_asked_again_after_it_and_others_at_once() {
    let step = busy_for(ms(200));
    for idempotent in [false, true] {
        for (mode, went, why, least, most) in [
            (Failfast, "a", GaveUp::Mode, 0, 10),
            (Failover, "abc", GaveUp::NoInstance, 0, 30),
            (Failtry, "aaaa", GaveUp::Attempts, 600, 620),
            (Failbackup, "abc", GaveUp::NoInstance, 0, 30),
        ] {
            let (course, took) = course(&step, mode, idempotent).await;
            assert_eq!(course, Course { went: went.into(), result: refused(why) }, "{mode:?} {idempotent}");
            assert!((ms(least)..ms(most)).contains(&took), "{mode:?}: {took:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_slow_is_waited_for_unless_a_second_copy_may_be_sent() {
    for (mode, idempotent, went, most) in [
        (Failfast, false, "a", 320),
        (Failfast, true, "a", 320),
        (Failover, false, "a", 320),
        (Failover, true, "a", 320),
        (Failtry, false, "a", 320),
        (Failtry, true, "a", 320),
        (Failbackup, false, "a", 320),
        (Failbackup, true, "ab", 30),
    ] {
        let scene = Scene::new([vec![Step::echo().after(ms(300))], vec![Step::echo()]]).await;
        let began = Instant::now();
        let answer = scene.call().fail_mode(mode).idempotent(idempotent).await.unwrap();
        assert!(began.elapsed() < ms(most), "{mode:?} {idempotent}: {:?}", began.elapsed());
        assert_eq!((answer, &*scene.went()), (42, went), "{mode:?} {idempotent}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_out_of_time_is_over() {
    for (mode, idempotent, went) in [
        (Failfast, false, "a"),
        (Failfast, true, "a"),
        (Failover, false, "a"),
        (Failover, true, "a"),
        (Failtry, false, "a"),
        (Failtry, true, "a"),
        (Failbackup, false, "a"),
        (Failbackup, true, "ab"),
    ] {
        let (course, took) = course(&Step::silence(), mode, idempotent).await;
        let result = Err((ErrorKind::Deadline, Sent::Maybe, GaveUp::Time));
        assert_eq!(course, Course { went: went.into(), result }, "{mode:?} {idempotent}");
        assert!((ms(5_000)..ms(5_010)).contains(&took), "{took:?}");
    }
}

/// `a` cannot be reached and has not been given up yet; `b` is connected.
async fn unreachable(mode: FailMode, idempotent: bool) -> (String, Result<i64, Sent>, Vec<String>, Duration) {
    let network = Network::new();
    let mut servers = Vec::new();
    for name in ["a", "b"] {
        servers.push(ScriptedServer::start(&network, name, Script::new()).await.unwrap());
    }
    network.lose("a");
    let registry = SettableRegistry::new();
    registry.set(SERVICE, ["memory@a", "memory@b"]);
    let builder = Client::builder().transport(network).seed(1).balancer(in_order());
    let client = builder.connect_to(registry.resolver()).await.unwrap();
    client.ready_for(SERVICE).await;
    let began = Instant::now();
    let request = client.service(SERVICE).call::<i64, i64>("Mul", &42).retries(retries(3));
    let result = request.fail_mode(mode).idempotent(idempotent).explain().response().await;
    let explanation = match &result {
        Ok(response) => response.explanation.as_ref(),
        Err(error) => error.explanation(),
    };
    let address =
        |attempt: &trunkline::explain::Attempt| attempt.address.as_deref().unwrap_or("nobody").to_owned();
    let attempts = explanation.unwrap().attempts.iter().map(address).collect();
    let went = ["a", "b"].iter().zip(&servers).map(|(name, server)| name.repeat(server.calls())).collect();
    (went, result.map(|response| response.value).map_err(|e| e.sent()), attempts, began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn what_was_not_sent_goes_elsewhere_whatever_it_is() {
    for idempotent in [false, true] {
        for mode in [Failover, Failbackup] {
            let (went, result, attempts, took) = unreachable(mode, idempotent).await;
            let expected = match (mode, idempotent) {
                // The second copy does not wait for the first to be sent.
                (Failbackup, true) => (vec!["memory@a", "memory@b"], ms(10)),
                _ => (vec!["memory@a", "memory@b"], ms(500)),
            };
            assert_eq!(
                (&*went, result, attempts),
                ("b", Ok(42), expected.0.into_iter().map(String::from).collect())
            );
            assert!(took >= expected.1 && took < expected.1 + ms(10), "{mode:?} {idempotent}: {took:?}");
        }
        let (went, result, attempts, took) = unreachable(Failfast, idempotent).await;
        assert_eq!((&*went, result, attempts.len()), ("", Err(Sent::No), 1));
        assert!(took < ms(510), "{took:?}");
        // Who wants the same one waits for it: a dial takes up to 5 s, and later ones are known to
        // be in vain.
        let (went, result, attempts, took) = unreachable(Failtry, idempotent).await;
        assert_eq!((&*went, result), ("", Err(Sent::No)));
        assert_eq!(attempts, ["memory@a"; 4]);
        assert!((ms(5_000)..ms(5_100)).contains(&took), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn while_all_are_down_calls_fail_soon_and_say_that_nothing_was_sent() {
    for (mode, attempts) in [(Failfast, 1), (Failover, 4), (Failtry, 4), (Failbackup, 4)] {
        let scene = Scene::new([vec![], vec![]]).await;
        ["a", "b"].iter().for_each(|name| scene.network.refuse(name));
        tokio::time::sleep(ms(500)).await;
        let began = Instant::now();
        let error = scene.call().fail_mode(mode).retries(retries(3)).await.unwrap_err();
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, Sent::No), "{mode:?}");
        assert_eq!(error.explanation().unwrap().attempts.len(), attempts, "{mode:?}");
        assert!(began.elapsed() < ms(100), "{mode:?}: {:?}", began.elapsed());
        assert_eq!(scene.went(), "");
    }
}
