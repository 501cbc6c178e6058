//! What bounds retries and copies, and what they wait for.

use tokio::time::Instant;
use trunkline::client::{FailMode, RetryBudget};
use trunkline::explain::GaveUp;
use trunkline::testing::{Ending, Step};
use trunkline::{Error, ErrorKind, Failure};

use crate::scene::{Scene, busy, ms, retries, settle};

fn gave_up(error: &Error) -> Option<GaveUp> {
    error.explanation()?.gave_up
}

#[tokio::test(start_paused = true)]
async fn blind_retries_run_twice_what_is_not_idempotent() {
    let scene = Scene::new([vec![Step::cut()], vec![Step::echo()]]).await;
    assert_eq!(scene.call().retries(retries(3).blind()).await.unwrap(), 42);
    assert_eq!(scene.went(), "ab");
}

#[tokio::test(start_paused = true)]
async fn an_attempts_own_time_is_for_idempotent_calls() {
    for (idempotent, went, took) in [(true, "ab", 100), (false, "a", 1_000)] {
        let scene = Scene::new([vec![Step::silence()], vec![Step::echo()]]).await;
        let began = Instant::now();
        let call = scene.call().retries(retries(3).attempt_timeout(ms(100))).timeout(ms(1_000));
        let result = call.idempotent(idempotent).await;
        assert_eq!((result.is_ok(), &*scene.went()), (idempotent, went));
        assert!((ms(took)..ms(took + 10)).contains(&began.elapsed()), "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn what_had_no_connection_in_an_attempts_time_goes_elsewhere_free() {
    let scene = Scene::with([vec![], vec![]], |client| client.retry_budget(RetryBudget::new(0.0, 0.0))).await;
    scene.network.lose("c");
    scene.registry.set(crate::scene::SERVICE, ["memory@c", "memory@z"]);
    settle().await;
    // Nobody else can take it, so it waits for a connection as long as the attempt may.
    let error = scene.call().idempotent(true).retries(retries(1).attempt_timeout(ms(50))).await.unwrap_err();
    let explanation = error.explanation().unwrap();
    assert_eq!((explanation.attempts.len(), gave_up(&error)), (2, Some(GaveUp::Attempts)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_budget_bounds_what_may_have_run() {
    let configure =
        |client: trunkline::client::ClientBuilder| client.retry_budget(RetryBudget::new(0.0, 1.0));
    let scene = Scene::with([vec![Step::silence()], vec![Step::echo()]], configure).await;
    let call = || scene.call().idempotent(true).retries(retries(3).attempt_timeout(ms(1)));
    let mut refused = 0;
    for _ in 0..30 {
        match call().await {
            Ok(answer) => assert_eq!(answer, 42),
            Err(error) => {
                assert_eq!((error.kind(), gave_up(&error)), (ErrorKind::Deadline, Some(GaveUp::Budget)));
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 20, "what ten seconds bring is there from the start");
    tokio::time::sleep(ms(2_050)).await;
    assert_eq!((call().await.is_ok(), call().await.is_ok(), call().await.is_ok()), (true, true, false));
}

#[tokio::test(start_paused = true)]
async fn the_budget_is_not_for_what_has_not_run() {
    let configure =
        |client: trunkline::client::ClientBuilder| client.retry_budget(RetryBudget::new(0.0, 0.0));
    let scene = Scene::with([vec![busy()], vec![Step::echo()]], configure).await;
    for _ in 0..100 {
        assert_eq!(scene.call().await.unwrap(), 42);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_under_way_on_a_lost_connection_is_all_tried_again() {
    let configure =
        |client: trunkline::client::ClientBuilder| client.retry_budget(RetryBudget::new(0.0, 0.0));
    let scene = Scene::with([vec![Step::silence()], vec![Step::echo()]], configure).await;
    let calls = (0..200).map(|_| Box::pin(scene.call().idempotent(true).response()));
    let mut calls: Vec<_> = calls.collect();
    let all = async {
        let mut answers = 0;
        for call in &mut calls {
            answers += call.await.map(|response| response.value).unwrap();
        }
        answers
    };
    // The first is awaited before the others have begun, so begin them all.
    let cut = async {
        settle().await;
        scene.network.cut("a");
    };
    let (answers, ()) = tokio::join!(all, cut);
    assert_eq!(answers, 200 * 42);
}

#[tokio::test(start_paused = true)]
async fn a_second_copy_takes_from_the_budget() {
    let configure = |client: trunkline::client::ClientBuilder| {
        client.retry_budget(RetryBudget::new(0.0, 0.0)).fail_mode(FailMode::Failbackup)
    };
    let scene = Scene::with([vec![Step::echo().after(ms(100))], vec![Step::echo()]], configure).await;
    assert_eq!(scene.call().idempotent(true).await.unwrap(), 42);
    assert_eq!(scene.went(), "a");
}

#[tokio::test(start_paused = true)]
async fn a_second_copy_is_sent_when_the_first_is_later_than_nearly_all() {
    let usual = (0..150).map(|_| Step::echo().after(ms(40)));
    let first = usual.chain([Step::echo().after(ms(500))]).collect();
    let scene =
        Scene::with([first, vec![Step::echo()]], |client| client.fail_mode(FailMode::Failbackup)).await;
    // While too few were seen, it is 10 ms; these are waited for.
    for _ in 0..150 {
        let patient = retries(3).backup_after(ms(1_000));
        scene.call().idempotent(true).retries(patient).await.unwrap();
    }
    assert_eq!(scene.went(), "a".repeat(150));
    let began = Instant::now();
    scene.call().idempotent(true).await.unwrap();
    let took = began.elapsed();
    assert!((ms(40)..ms(60)).contains(&took), "{took:?}");
    assert_eq!(scene.servers[1].calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_failed_leaves_the_other_to_answer() {
    for (first, second) in [
        (Step::cut().after(ms(50)), Step::echo().after(ms(200))),
        (Step::echo().after(ms(200)), Step::cut().after(ms(20))),
    ] {
        let scene = Scene::new([vec![first], vec![second]]).await;
        let call = scene.call().idempotent(true).fail_mode(FailMode::Failbackup);
        assert_eq!(call.await.unwrap(), 42);
        assert_eq!(scene.went(), "ab");
    }
}

#[tokio::test(start_paused = true)]
async fn when_both_copies_fail_the_error_tells_of_the_one_that_came_farther() {
    let scene = Scene::new([vec![Step::cut().after(ms(50))], vec![busy().after(ms(100))]]).await;
    let call = scene.call().idempotent(true).fail_mode(FailMode::Failbackup).retries(retries(0));
    let error = call.await.unwrap_err();
    assert_eq!((error.sent(), error.kind()), (trunkline::Sent::Maybe, ErrorKind::Unavailable), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_copy_that_lost_is_given_up() {
    let scene = Scene::new([vec![Step::echo().after(ms(300))], vec![Step::echo()]]).await;
    let call = scene.call().idempotent(true).fail_mode(FailMode::Failbackup).timeout(ms(200));
    let response = call.explain().response().await.unwrap();
    let explanation = response.explanation.unwrap().to_string();
    assert_eq!((response.value, response.address.as_deref()), (42, Some("memory@b")));
    assert!(explanation.contains("tried memory@a (10ms), memory@b as a backup (0ns)"), "{explanation}");
    tokio::time::sleep(ms(1_000)).await;
    assert_eq!(scene.ends(), [Ending::Dropped, Ending::Replied]);
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_asks_for_is_waited_for_elsewhere_too() {
    let locked = Step::fail(|| Failure::new("locked").with_retry_after(ms(300)));
    for (idempotent, went) in [(true, "ab"), (false, "a")] {
        let scene = Scene::new([vec![locked.clone()], vec![Step::echo()]]).await;
        let began = Instant::now();
        let result = scene.call().idempotent(idempotent).await;
        assert_eq!((result.is_ok(), &*scene.went()), (idempotent, went));
        assert_eq!(began.elapsed() >= ms(300), idempotent, "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_named_server_that_is_busy_is_not_asked_twice_by_one_call() {
    let scene = Scene::new([vec![busy()], vec![Step::echo()]]).await;
    let error = scene.call().to("memory@a").await.unwrap_err();
    assert_eq!((gave_up(&error), &*scene.went()), (Some(GaveUp::NoInstance), "a"));
}

#[tokio::test(start_paused = true)]
async fn a_oneway_that_was_sent_is_not_sent_again() {
    let scene = Scene::new([vec![Step::cut()], vec![Step::echo()]]).await;
    scene.call().notify().await.unwrap();
    settle().await;
    assert_eq!(scene.went(), "a");
}

#[tokio::test(start_paused = true)]
async fn no_setting_of_times_overflows() {
    let longest = std::time::Duration::MAX;
    let configure = move |client: trunkline::client::ClientBuilder| {
        let breaker = trunkline::client::Breaker::consecutive(1).pause(longest).longest(longest);
        let ejection = trunkline::client::Ejection::default().interval(longest).pause(longest);
        client.breaker(breaker).ejection(Some(ejection)).connect_timeout(longest).heartbeat(Some(longest))
    };
    let scene = Scene::with([vec![Step::cut()], vec![Step::echo()], vec![Step::echo()]], configure).await;
    let rules = retries(3).pause(longest, longest).attempt_timeout(longest).backup_after(longest);
    let call = scene.call().idempotent(true).fail_mode(FailMode::Failbackup).retries(rules).timeout(longest);
    assert_eq!(call.await.unwrap(), 42);
    assert_eq!(scene.went(), "ab");
}
