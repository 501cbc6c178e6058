//! Breakers, rests and connections at the moments when they change.

use trunkline::client::{Breaker, ClientBuilder};
use trunkline::testing::{Network, Script, ScriptedServer, SettableRegistry, Step};
use trunkline::{Client, ErrorKind, Failure};

use crate::scene::{Dials, METHOD, SERVICE, Scene, busy_for, in_order, ms, settle};

fn broken() -> Step {
    Step::fail(|| Failure::new("broken").with_kind(ErrorKind::Internal))
}

fn breaker(client: ClientBuilder) -> ClientBuilder {
    client.breaker(Breaker::consecutive(2).pause(ms(1_000)))
}

#[tokio::test(start_paused = true)]
async fn a_oneway_that_is_sent_closes_a_breaker() {
    let scene = Scene::with([vec![broken(), broken(), Step::echo()]], breaker).await;
    for _ in 0..2 {
        scene.call().await.unwrap_err();
    }
    let error = scene.call().await.unwrap_err();
    assert!(error.to_string().contains("its breaker is open"), "{error}");
    tokio::time::sleep(ms(1_600)).await;
    for _ in 0..5 {
        scene.call().notify().await.unwrap();
    }
    settle().await;
    assert_eq!(scene.servers[0].calls(), 2 + 5);
    assert_eq!(scene.call().await.unwrap(), 42);
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_finds_no_connection_is_not_used_up() {
    let scene = Scene::with([vec![broken(), broken(), Step::echo()]], breaker).await;
    for _ in 0..2 {
        scene.call().await.unwrap_err();
    }
    scene.network.refuse("a");
    tokio::time::sleep(ms(1_600)).await;
    for _ in 0..3 {
        let error = scene.call().await.unwrap_err();
        assert!(error.message().contains("cannot connect"), "{error}");
    }
    scene.network.restore("a");
    scene.client.ready().await;
    assert_eq!(scene.call().await.unwrap(), 42, "the trial was still to be had");
}

#[tokio::test(start_paused = true)]
async fn a_trial_whose_caller_went_away_makes_room_for_another() {
    let scene = Scene::with([vec![broken(), broken(), Step::silence(), Step::echo()]], breaker).await;
    for _ in 0..2 {
        scene.call().await.unwrap_err();
    }
    tokio::time::sleep(ms(1_600)).await;
    assert!(tokio::time::timeout(ms(10), scene.call()).await.is_err(), "the trial, given up");
    scene.call().await.unwrap_err();
    tokio::time::sleep(ms(1_600)).await;
    assert_eq!(scene.call().await.unwrap(), 42);
}

#[tokio::test(start_paused = true)]
async fn the_only_instance_is_called_although_it_wants_a_rest() {
    let scene = Scene::new([vec![busy_for(ms(5_000)), Step::echo()]]).await;
    scene.call().await.unwrap_err();
    assert_eq!(scene.call().await.unwrap(), 42);
}

#[tokio::test(start_paused = true)]
async fn where_all_want_a_rest_they_are_called_all_the_same() {
    let steps = || vec![busy_for(ms(5_000)), Step::echo()];
    let scene = Scene::new([steps(), steps()]).await;
    scene.call().await.unwrap_err();
    assert_eq!(scene.call().await.unwrap(), 42);
    assert_eq!(scene.went(), "aba");
}

#[tokio::test(start_paused = true)]
async fn one_lost_connection_of_several_keeps_no_calls_out() {
    let network = Network::new();
    let lose_one = Script::new().on("Other", "Cut", [Step::cut()]);
    let a = ScriptedServer::start(&network, "a", lose_one).await.unwrap();
    let b = ScriptedServer::start(&network, "b", Script::new()).await.unwrap();
    let registry = SettableRegistry::new();
    for service in [SERVICE, "Other"] {
        registry.set(service, [a.address(), b.address()]);
    }
    // Three lines to each; one that is lost is dialled in vain.
    let builder = Client::builder().transport(Dials::new(network, 3)).connections(3).balancer(in_order());
    let client = builder.connect_to(registry.resolver()).await.unwrap();
    client.ready_for(SERVICE).await;
    settle().await;
    client.service("Other").call::<i64, i64>("Cut", &1).await.unwrap_err();
    tokio::time::sleep(ms(300)).await;
    for _ in 0..6 {
        let call = client.service(SERVICE).call::<i64, i64>(METHOD, &42);
        let response = call.explain().response().await.unwrap();
        let explanation = response.explanation.unwrap();
        assert_eq!(explanation.candidates_in_all, 2, "{explanation}");
        assert_eq!(response.address.as_deref(), Some("memory@a"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_breaker_of_a_short_window_knows_its_successes() {
    let configure = |client: ClientBuilder| client.breaker(Breaker::rate(0.5, 5, ms(200))).ejection(None);
    let well = (0..990).map(|_| Step::echo().after(ms(1)));
    let steps = well.chain((0..6).map(|_| broken())).chain([Step::echo()]).collect();
    let scene = Scene::with([steps, vec![broken()]], configure).await;
    // Many at a time, so that all of them are within the window.
    for _ in 0..110 {
        let calls = std::array::from_fn::<_, 9, _>(|_| scene.call());
        let [a, b, c, d, e, f, g, h, i] = calls;
        let _ = tokio::join!(
            a.into_future(),
            b.into_future(),
            c.into_future(),
            d.into_future(),
            e.into_future(),
            f.into_future(),
            g.into_future(),
            h.into_future(),
            i.into_future()
        );
    }
    for _ in 0..6 {
        scene.call().await.unwrap_err();
    }
    assert_eq!(scene.call().await.unwrap(), 42, "six of several hundred is not half");
    assert_eq!(scene.servers[1].calls(), 0);
}
