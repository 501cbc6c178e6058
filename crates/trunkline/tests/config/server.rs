use std::time::Duration;

use tokio::time::Instant;
use trunkline::config::ServerConfig;
use trunkline::server::ServerBuilder;
use trunkline::testing::FramePeer;
use trunkline::transport::memory::Memory;
use trunkline::{Client, ErrorKind, Failure, Server, testing};

fn sleeping() -> ServerBuilder {
    Server::builder().function("Slow", "Sleep", |ms: u64| async move {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        Ok::<_, Failure>(())
    })
}

fn config(text: &str) -> ServerConfig {
    serde_json::from_str(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn limits_hold() {
    let config =
        config(r#"{ "limits": { "in_flight_per_connection": 1, "queue_per_connection": 0, "idle": "3s" } }"#);
    let (client, running) = testing::connected(sleeping().config(&config)).await.unwrap();
    let slow = client.service("Slow");
    let call = || async { slow.call::<_, ()>("Sleep", &1000).await };
    let (first, second) = tokio::join!(call(), call());
    first.unwrap();
    assert_eq!(second.unwrap_err().kind(), ErrorKind::Overloaded);
    running.stop().await;

    let network = Memory::new();
    let server = sleeping().config(&config).transport(network.clone());
    let running = server.bind("memory@idle").await.unwrap().spawn();
    let begun = Instant::now();
    let mut silent = FramePeer::dial(&network, "idle").await.unwrap();
    let next = tokio::time::timeout(Duration::from_secs(60), silent.receive()).await;
    assert!(next.expect("the connection is closed").unwrap().is_none());
    assert_eq!(begun.elapsed().as_secs(), 3);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_takes_no_longer_than_the_file_says() {
    let (client, running) =
        testing::connected_with(sleeping().config(&config(r#"{"drain":"2s"}"#)), Client::builder())
            .await
            .unwrap();
    let slow = client.service("Slow");
    let call = async { slow.call::<_, ()>("Sleep", &9000).await };
    let stop = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        running.stop().await
    };
    let (ended, report) = tokio::join!(call, stop);
    assert_eq!((ended.unwrap_err().kind(), report.cut), (ErrorKind::Unavailable, 1));
    assert_eq!(report.took.as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_an_error_that_names_the_key() {
    for (text, expected) in [
        (r#"{"limits":{"connections":0}}"#, "limits.connections: it must be at least 1"),
        (r#"{"limits":{"in_flight":0}}"#, "limits.in_flight: it must be at least 1"),
        (r#"{"limits":{"idle":"0s"}}"#, "limits.idle: it must be longer than nothing; write \"off\""),
        (r#"{"limits":{"read_stall":"0s"}}"#, "limits.read_stall: it must be longer than nothing"),
    ] {
        let error = sleeping().config(&config(text)).bind("tcp@127.0.0.1:0").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let expected = format!("the configuration cannot be: {expected}");
        assert!(error.message().starts_with(&expected), "{text}: {error}");
    }
}

#[tokio::test]
async fn what_cannot_be_registered_names_its_key() {
    for (text, begins) in [
        (r#"{"register":"gopher://h"}"#, "register: `gopher://h`: no registry has the scheme `gopher`"),
        (r#"{"register":"etcd:me:hush@h"}"#, "register: what to register in is no URL"),
        (r#"{"advertise":["h","0.0.0.0"]}"#, "advertise: `0.0.0.0` cannot be advertised: "),
        (r#"{"advertise_from":"10.0.0.0/33"}"#, "advertise_from: `10.0.0.0/33` is no block of addresses"),
        (r#"{"attributes":"a;b"}"#, "attributes: the attributes `a;b` do not parse"),
        (
            r#"{"service_attributes":{"Math":"%"}}"#,
            "service_attributes.\"Math\": the attributes `%` do not parse",
        ),
        (r#"{"ready_when":"never"}"#, "ready_when: `never` is none; write `everywhere`, "),
    ] {
        let error = sleeping().config(&config(text)).bind("memory@x").await.unwrap_err().to_string();
        let begins = format!("the configuration cannot be: {begins}");
        assert!(error.contains(&begins) && !error.contains("hush"), "{text}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_registered_is_as_the_file_says() {
    let registry = trunkline::registry::MemoryRegistry::new().registry();
    let text = r#"{
        "advertise": ["tcp@h1:1", "tcp@h2:1"], "attributes": "weight=3",
        "service_attributes": { "Slow": "group=a" }, "grace": "0s"
    }"#;
    let server = sleeping().register_with(registry.clone()).config(&config(text)).transport(Memory::new());
    let running = server.bind("memory@x").await.unwrap().spawn();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let entries = registry.catalog().unwrap().instances("Slow").await.unwrap();
    let entries: Vec<_> = entries.iter().map(|entry| entry.instance.to_string()).collect();
    assert_eq!(entries, ["tcp@h1:1?group=a&weight=3", "tcp@h2:1?group=a&weight=3"]);
    assert_eq!(running.stop().await.took.as_secs(), 0);
}

#[cfg(not(feature = "tls"))]
#[tokio::test]
async fn tls_without_the_feature_is_an_error_that_names_it() {
    let asked = config(r#"{"tls":{"certificate":"a","key":"b"}}"#);
    let error = sleeping().config(&asked).bind("tcp@127.0.0.1:0").await.unwrap_err();
    assert!(error.message().contains("enable the feature `tls` of `trunkline`"), "{error}");
    let asked = serde_json::from_str(r#"{"tls":{}}"#).unwrap();
    let error = Client::builder().config(&asked).connect("tcp@127.0.0.1:1").await.unwrap_err();
    assert!(error.message().contains("enable the feature `tls` of `trunkline`"), "{error}");
}
