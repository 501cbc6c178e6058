//! Faults as a layer, on either end.

use tokio::time::Instant;
use trunkline::middleware::{Fault, Faults};
use trunkline::testing::{self, Network, Script, ScriptedServer};
use trunkline::{Client, ErrorKind, Failure, Sent, Server};

use crate::scene::{METHOD, SERVICE, Scene, ms};

async fn served(faults: &Faults) -> (Client, trunkline::server::RunningServer) {
    let server = Server::builder()
        .function("Math", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) })
        .function("Math", "Abs", |n: i64| async move { Ok::<_, Failure>(n.abs()) })
        .layer(faults.clone());
    testing::connected(server).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_server_cuts_is_silent_and_recovers() {
    let faults = Faults::new();
    let (client, running) = served(&faults).await;
    let math = client.service("Math");
    let neg = || math.call::<i64, i64>("Neg", &5).timeout(ms(500));

    faults.set([Fault::cut()]);
    let error = neg().await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, Sent::Maybe), "{error}");

    faults.set([Fault::lose_reply()]);
    let began = Instant::now();
    let error = neg().await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Deadline, Sent::Maybe), "{error}");
    assert!(began.elapsed() >= ms(500));

    faults.set([]);
    assert_eq!(neg().await.unwrap(), -5);
    assert_eq!(faults.struck(), 2);
    assert_eq!(running.stop().await.cut, 0);
}

#[tokio::test(start_paused = true)]
async fn a_fault_is_for_its_method_and_its_share() {
    let faults = Faults::seeded(3);
    let (client, _running) = served(&faults).await;
    faults.set([Fault::error(ErrorKind::Internal, "a drill").method("Math", "Neg").share(0.25)]);
    let math = client.service("Math");
    let mut failed = 0;
    for _ in 0..1_000 {
        failed += usize::from(math.call::<i64, i64>("Neg", &5).await.is_err());
        math.call::<i64, i64>("Abs", &5).await.unwrap();
    }
    assert!((200..300).contains(&failed), "{failed}");
    assert_eq!(faults.struck(), failed as u64);
}

#[tokio::test(start_paused = true)]
async fn delays_are_within_their_bounds_and_add_up() {
    let faults = Faults::seeded(3);
    let (client, _running) = served(&faults).await;
    faults.set([Fault::delay(ms(100)), Fault::delay_between(ms(10), ms(50))]);
    for _ in 0..50 {
        let began = Instant::now();
        client.service("Math").call::<i64, i64>("Neg", &5).await.unwrap();
        assert!((ms(110)..=ms(153)).contains(&began.elapsed()), "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn around_attempts_a_clients_own_retries_have_to_cope() {
    let faults = Faults::seeded(5);
    faults.set([
        Fault::error(ErrorKind::Overloaded, "a drill").not_started().share(0.1),
        Fault::cut().share(0.05),
    ]);
    let layer = faults.clone();
    let scene = Scene::with([vec![], vec![], vec![]], |client| client.attempt_layer(layer)).await;
    for _ in 0..200 {
        scene.call().idempotent(true).await.unwrap();
    }
    assert!(faults.struck() > 20, "{}", faults.struck());
}

#[tokio::test(start_paused = true)]
async fn around_calls_the_application_has_to_cope() {
    let network = Network::new();
    let server = ScriptedServer::start(&network, "a", Script::new()).await.unwrap();
    let faults = Faults::new();
    faults.set([Fault::lose_reply()]);
    let builder = Client::builder().transport(network).layer(faults.clone());
    let client = builder.connect(server.address()).await.unwrap();
    let call = || client.service(SERVICE).call::<i64, i64>(METHOD, &42).idempotent(true).timeout(ms(300));
    let error = call().await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Deadline, Sent::Maybe));
    faults.switch(false);
    assert_eq!(call().await.unwrap(), 42);
    assert_eq!(server.calls(), 2, "the work was done the first time too");
}
