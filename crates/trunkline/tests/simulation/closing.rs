//! Instances that leave the list, and clients that are closed.

use tokio::time::Instant;
use trunkline::Client;
use trunkline::testing::{Ending, Network, Script, ScriptedServer, SettableRegistry, Step};

use crate::scene::{Dials, METHOD, SERVICE, Scene, in_order, ms, settle};

#[tokio::test(start_paused = true)]
async fn calls_under_way_on_an_instance_that_leaves_the_list_are_answered() {
    let scene = Scene::new([vec![Step::echo().after(ms(300))], vec![Step::echo()]]).await;
    let began = Instant::now();
    let leave = async {
        settle().await;
        scene.registry.set(SERVICE, ["memory@b"]);
        settle().await;
        assert_eq!(scene.call().await.unwrap(), 42);
    };
    let (slow, ()) = tokio::join!(scene.call(), leave);
    assert_eq!(slow.unwrap(), 42);
    assert!(began.elapsed() >= ms(300));
    assert_eq!((scene.ends(), &*scene.went()), (vec![Ending::Replied; 2], "ab"));
    settle().await;
    // Nobody is connected any more, so nothing holds up its stop.
    let stopping = Instant::now();
    let mut servers = scene.servers;
    assert_eq!(servers.remove(0).stop().await.cut, 0);
    assert!(stopping.elapsed() < ms(10), "{:?}", stopping.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_closed_client_dials_nobody_whatever_comes_onto_the_list() {
    let network = Network::new();
    let mut servers = Vec::new();
    for name in ["a", "b"] {
        servers.push(ScriptedServer::start(&network, name, Script::new()).await.unwrap());
    }
    let registry = SettableRegistry::new();
    registry.set(SERVICE, ["memory@a"]);
    let dials = Dials::new(network, usize::MAX);
    let builder = Client::builder().transport(dials.clone()).balancer(in_order());
    let client = builder.connect_to(registry.resolver()).await.unwrap();
    let _: i64 = client.service(SERVICE).call(METHOD, &42).await.unwrap();
    client.close();
    registry.set(SERVICE, ["memory@a", "memory@b"]);
    tokio::time::sleep(ms(10_000)).await;
    assert_eq!(dials.made(), ["a"]);
    let error = client.service(SERVICE).call::<i64, i64>(METHOD, &42).await.unwrap_err();
    assert!(error.message().contains("the client was closed"), "{error}");
}
