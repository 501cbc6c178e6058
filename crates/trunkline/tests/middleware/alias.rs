use trunkline::middleware::Alias;
use trunkline::testing::FramePeer;
use trunkline::transport::memory::Memory;
use trunkline::wire::{Header, Message};
use trunkline::{Client, ErrorKind, Metadata, SerializeType, testing};

use crate::sample::{self, Log};

const MARK: &str = "__aliasAppliedKey";

fn aliases() -> Alias {
    Alias::new().add(("Numbers", "Negate"), ("Math", "Neg")).add(("Pairs", "Read"), ("Meta", "Get"))
}

#[tokio::test(start_paused = true)]
async fn outer_layers_see_the_alias_and_inner_ones_the_method() {
    let log = Log::default();
    let server = sample::server().layer(log.layer("outer")).layer(aliases()).layer(log.layer("inner"));
    let (client, running) = testing::connected(server).await.unwrap();
    let answer: i64 = client.service("Numbers").call("Negate", &5).await.unwrap();
    assert_eq!(answer, -5);
    assert_eq!(log.take(), ["outer in Numbers.Negate", "inner in Math.Neg", "inner out ok", "outer out ok"]);
    // The real name is served as before; what has no alias is not found under its own name.
    let answer: i64 = client.service("Math").call("Neg", &5).await.unwrap();
    assert_eq!(answer, -5);
    let error = client.service("Numbers").call::<_, i64>("Neg", &5).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::NotFound, "rpcx: can't find service Numbers"));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_handler_alone_sees_the_mark() {
    let (client, running) = testing::connected(sample::server().layer(aliases())).await.unwrap();
    let mark: Option<String> = client.service("Pairs").call("Read", MARK).await.unwrap();
    assert_eq!(mark.as_deref(), Some("true"));
    let response = client.service("Pairs").call::<_, Option<String>>("Read", MARK).response().await.unwrap();
    assert_eq!(response.metadata.get(MARK), None);
    let mark: Option<String> = client.service("Meta").call("Get", MARK).await.unwrap();
    assert_eq!(mark, None);
    // A caller cannot set it.
    let forged: Option<String> =
        client.service("Meta").call("Get", MARK).metadata(MARK, "true").await.unwrap();
    assert_eq!(forged, None);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_response_carries_the_names_the_caller_used() {
    let network = Memory::new();
    let server = sample::server().layer(aliases()).transport(network.clone());
    let running = server.bind("memory@alias").await.unwrap().spawn();
    let mut peer = FramePeer::dial(&network, "alias").await.unwrap();
    let header = Header::request(SerializeType::JSON).with_seq(3);
    for payload in ["5", "\"no number\""] {
        let request = Message::new(header, "Numbers", "Negate", &Metadata::new(), payload.into());
        peer.send(&request.unwrap()).await.unwrap();
        let answer = peer.receive().await.unwrap().unwrap();
        assert_eq!((answer.service_path(), answer.service_method()), (&b"Numbers"[..], &b"Negate"[..]));
        assert_eq!(answer.metadata().get(MARK), None);
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn on_a_client_an_alias_sends_the_call_elsewhere_and_marks_nothing() {
    let client = Client::builder().layer(aliases());
    let (client, running) = testing::connected_with(sample::server(), client).await.unwrap();
    let mark: Option<String> = client.service("Pairs").call("Read", MARK).await.unwrap();
    assert_eq!(mark, None);
    running.stop().await;
}
