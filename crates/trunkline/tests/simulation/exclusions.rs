//! Every reason for which an instance is kept out, as an explanation says it.

use trunkline::client::{Breaker, ClientBuilder, Ejection, FailMode, Retries};
use trunkline::explain::{Exclusion, Explanation};
use trunkline::testing::{Network, Script, ScriptedServer, SettableRegistry, Step};
use trunkline::{Client, Error, ErrorKind, Failure};

use crate::scene::{Dials, METHOD, SERVICE, Scene, busy_for, in_order, ms, settle};

fn no() -> Step {
    Step::fail(|| Failure::new("no"))
}

/// Why this one was kept out.
fn why(explanation: &Explanation, address: &str) -> Option<Exclusion> {
    explanation.excluded.iter().find(|excluded| &*excluded.address == address).map(|e| e.why.clone())
}

/// The error of a call where only `a` can be called, which says no.
async fn only_a(list: &[&str], configure: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Error {
    let network = Network::new();
    let script = || Script::new().on(SERVICE, METHOD, [no()]);
    let _a = ScriptedServer::start(&network, "a", script()).await.unwrap();
    let _b = ScriptedServer::start(&network, "b", script()).await.unwrap();
    let registry = SettableRegistry::new();
    registry.set(SERVICE, list.iter().copied());
    let builder = Client::builder().transport(network).balancer(in_order());
    let client = configure(builder).connect_to(registry.resolver()).await.unwrap();
    client.service(SERVICE).call::<i64, i64>(METHOD, &42).await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn what_the_list_says() {
    for (list, address, expected) in [
        (["memory@a", "memory@b?state=inactive"], "memory@b", Exclusion::Inactive),
        (["memory@a?weight=1", "memory@b?weight=0"], "memory@b", Exclusion::NoWeight),
        (["memory@a", "carrier-pigeon@loft"], "carrier-pigeon@loft", Exclusion::UnknownNetwork),
    ] {
        let error = only_a(&list, |client| client).await;
        assert_eq!(error.address(), Some("memory@a"));
        assert_eq!(why(error.explanation().unwrap(), address), Some(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_client_wants() {
    let error = only_a(&["memory@a?group=blue", "memory@b?group=red"], |client| client.group("blue")).await;
    assert_eq!(why(error.explanation().unwrap(), "memory@b"), Some(Exclusion::OtherGroup));
    let error = only_a(&["memory@a?zone=1", "memory@b?zone=2"], |client| {
        client.filter(|instance| instance.attributes().get("zone") == Some("1"))
    })
    .await;
    assert_eq!(why(error.explanation().unwrap(), "memory@b"), Some(Exclusion::Filtered));
}

/// The explanation of a call that succeeds.
async fn explained(scene: &Scene) -> Explanation {
    scene.call().explain().response().await.unwrap().explanation.unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker() {
    let configure = |client: ClientBuilder| client.breaker(Breaker::consecutive(2).pause(ms(60_000)));
    let broken = || vec![Step::fail(|| Failure::new("broken").with_kind(ErrorKind::Internal))];
    let scene = Scene::with([broken(), vec![Step::echo()]], configure).await;
    for _ in 0..2 {
        scene.call().await.unwrap_err();
    }
    assert_eq!(why(&explained(&scene).await, "memory@a"), Some(Exclusion::BreakerOpen));
    assert_eq!(scene.went(), "aab");
}

#[tokio::test(start_paused = true)]
async fn an_outlier() {
    let configure = |client: ClientBuilder| {
        let ejection = Ejection::default().interval(ms(1_000)).calls(5).share(0.4);
        client.ejection(Some(ejection)).balancer(trunkline::balance::RoundRobin::new())
    };
    let well = || vec![Step::echo()];
    let scene = Scene::with([vec![no()], well(), well(), well()], configure).await;
    for _ in 0..40 {
        let _ = scene.call().await;
    }
    tokio::time::sleep(ms(1_100)).await;
    assert_eq!(why(&explained(&scene).await, "memory@a"), Some(Exclusion::Ejected));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_down() {
    let scene = Scene::new([vec![], vec![]]).await;
    scene.network.refuse("a");
    tokio::time::sleep(ms(200)).await;
    let explanation = explained(&scene).await;
    let Some(Exclusion::Down(text)) = why(&explanation, "memory@a") else { panic!("{explanation}") };
    assert!(text.contains("refuses connections"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn one_whose_connection_was_lost() {
    let scene = Scene::new([vec![], vec![]]).await;
    scene.network.lose("a");
    scene.network.cut("a");
    settle().await;
    assert_eq!(why(&explained(&scene).await, "memory@a"), Some(Exclusion::Lost));
}

#[tokio::test(start_paused = true)]
async fn one_that_takes_its_time_to_connect() {
    let scene = Scene::new([vec![], vec![]]).await;
    scene.network.lose("c");
    scene.registry.set(SERVICE, ["memory@b", "memory@c"]);
    tokio::time::sleep(ms(300)).await;
    assert_eq!(why(&explained(&scene).await, "memory@c"), Some(Exclusion::Lost));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_stopping() {
    let network = Network::new();
    let mut servers = Vec::new();
    for name in ["a", "b"] {
        let script = Script::new().on(SERVICE, METHOD, [Step::echo().after(ms(500))]);
        servers.push(ScriptedServer::start(&network, name, script).await.unwrap());
    }
    let registry = SettableRegistry::new();
    registry.set(SERVICE, ["memory@a", "memory@b"]);
    // The dial after the hint takes its time, or it would be known to be down at once.
    let dials = Dials::new(network, 1);
    let builder = Client::builder().transport(dials.clone()).balancer(in_order());
    let client = builder.connect_to(registry.resolver()).await.unwrap();
    client.ready_for(SERVICE).await;
    settle().await;
    let call = || client.service(SERVICE).call::<i64, i64>(METHOD, &42);
    let (slow, explanation) = tokio::join!(call(), async {
        settle().await;
        let a = servers.remove(0);
        let stopping = tokio::spawn(a.stop());
        settle().await;
        let response = call().explain().response().await.unwrap();
        assert_eq!(stopping.await.unwrap().cut, 0);
        response.explanation.unwrap()
    });
    assert_eq!(slow.unwrap(), 42, "what was under way is answered");
    assert_eq!(why(&explanation, "memory@a"), Some(Exclusion::Draining));
}

#[tokio::test(start_paused = true)]
async fn one_that_asked_for_a_rest() {
    let scene = Scene::new([vec![busy_for(ms(5_000)), Step::echo()], vec![Step::echo()]]).await;
    assert_eq!(scene.call().await.unwrap(), 42);
    assert_eq!(why(&explained(&scene).await, "memory@a"), Some(Exclusion::Resting));
    tokio::time::sleep(ms(5_010)).await;
    assert_eq!(why(&explained(&scene).await, "memory@a"), None);
    assert_eq!(scene.went(), "abba");
}

#[tokio::test(start_paused = true)]
async fn those_where_the_call_has_been() {
    let scene = Scene::new([vec![Step::cut()], vec![no()]]).await;
    let error = scene.call().idempotent(true).retries(Retries::new(3)).await.unwrap_err();
    let explanation = error.explanation().unwrap();
    assert_eq!(why(explanation, "memory@b"), Some(Exclusion::Tried));
    assert_eq!(scene.went(), "ab");
}

#[tokio::test(start_paused = true)]
async fn those_that_the_call_does_not_name() {
    let scene = Scene::new([vec![no()], vec![no()]]).await;
    let error = scene.call().to("memory@b").await.unwrap_err();
    assert_eq!((error.address(), &*scene.went()), (Some("memory@b"), "b"));
    assert_eq!(why(error.explanation().unwrap(), "memory@a"), Some(Exclusion::NotPinned));

    let error = scene.call().to("memory@z").fail_mode(FailMode::Failfast).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, trunkline::Sent::No));
    for address in ["memory@a", "memory@b"] {
        assert_eq!(why(error.explanation().unwrap(), address), Some(Exclusion::NotPinned));
    }
    assert_eq!(
        error.to_string(),
        "memory@z, which the call names, is not on the list of the registry of a test; see that it is registered \
         there, or let the client choose (calling Arith.Mul, not sent)\n\
         0 of 2 instances of the registry of a test could take it; kept out memory@a (not the address that the call \
         names), memory@b (not the address that the call names); the fail mode makes one attempt; 10s left"
    );
    assert_eq!(scene.went(), "b");
}

#[tokio::test(start_paused = true)]
async fn a_named_one_that_may_get_no_calls_says_why() {
    let scene = Scene::new([vec![], vec![]]).await;
    scene.registry.set(SERVICE, ["memory@a", "memory@b?state=inactive"]);
    settle().await;
    let error = scene.call().to("memory@b").fail_mode(FailMode::Failfast).await.unwrap_err();
    assert_eq!(error.message(), "memory@b, which the call names, cannot take it: inactive");
    assert_eq!(why(error.explanation().unwrap(), "memory@b"), Some(Exclusion::Inactive));
}

#[tokio::test(start_paused = true)]
async fn an_error_reads_well() {
    let scene = Scene::new([vec![Step::cut()], vec![Step::cut()]]).await;
    let error = scene.call().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "connection lost: the server closed the connection (calling Arith.Mul, at memory@a, may have run)\n\
         1 of 2 instances of the registry of a test could take it; kept out memory@a (not connected, being dialled); it may have run, and the method is \
         not marked idempotent; 10s left"
    );
    scene.registry.set(SERVICE, []);
    settle().await;
    let error = scene.call().fail_mode(FailMode::Failfast).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the registry of a test lists no instance of the service; see that one is registered there under this name \
         (calling Arith.Mul, not sent)\n\
         the registry of a test lists no instance; the fail mode makes one attempt; 10s left"
    );
}
