use std::time::Duration;

use tokio::time::Instant;
use trunkline::config::{ClientConfig, MethodConfig};
use trunkline::middleware::from_fn;
use trunkline::server::ServerBuilder;
use trunkline::transport::memory::Memory;
use trunkline::{Client, ErrorKind, Failure, Server, testing};

fn sleeping() -> ServerBuilder {
    let sleep = |ms: u64| async move {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        Ok::<_, Failure>(())
    };
    Server::builder().function("Slow", "Sleep", sleep).function("Slow.er", "Sleep", sleep)
}

fn config(text: &str) -> ClientConfig {
    serde_json::from_str(text).unwrap()
}

/// How long calls that would take a minute took.
async fn gave_up_after(client: &Client, service: &str) -> u128 {
    let begun = Instant::now();
    let error = client.service(service).call::<_, ()>("Sleep", &60_000).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline, "{error}");
    begun.elapsed().as_millis()
}

#[tokio::test(start_paused = true)]
async fn times_are_the_methods_then_the_clients() {
    let config = config(
        r#"{ "timeout": "3s", "methods": { "Slow.Sleep": { "timeout": "50ms" }, "Slow.er.Sleep": {} } }"#,
    );
    let builder = || Client::builder().config(&config);
    let (client, running) = testing::connected_with(sleeping(), builder()).await.unwrap();
    assert_eq!(gave_up_after(&client, "Slow").await, 50);
    assert_eq!(gave_up_after(&client, "Slow.er").await, 3000);
    // The call's own word counts more, also for longer.
    let slow = client.service("Slow");
    slow.call::<_, ()>("Sleep", &200).timeout(Duration::from_secs(1)).await.unwrap();
    running.stop().await;
    // The same with layers around, and for calls put together by hand.
    let client = testing::direct_with(sleeping(), builder());
    assert_eq!(gave_up_after(&client, "Slow").await, 50);
    let call = trunkline::Call::to("Slow", "Sleep", trunkline::SerializeType::JSON, b"60000".to_vec());
    let begun = Instant::now();
    client.send(call).await.unwrap_err();
    assert_eq!(begun.elapsed().as_millis(), 50);
}

#[tokio::test(start_paused = true)]
async fn later_words_on_the_builder_count() {
    let config = config(r#"{ "timeout": "3s", "methods": { "Slow.Sleep": { "timeout": "50ms" } } }"#);
    let mut method = MethodConfig::default();
    method.timeout = Some(Duration::from_millis(70));
    let builder =
        Client::builder().config(&config).method("Slow", "Sleep", method).timeout(Duration::from_secs(4));
    let client = testing::direct_with(sleeping(), builder);
    assert_eq!(gave_up_after(&client, "Slow").await, 70);
    assert_eq!(gave_up_after(&client, "Slow.er").await, 4000);
}

#[tokio::test(start_paused = true)]
async fn a_method_is_idempotent_as_the_call_the_file_or_the_service_says() {
    let config = config(r#"{ "methods": { "Slow.Sleep": { "idempotent": true } } }"#);
    let shown = from_fn(|call, _| {
        let text = if call.is_idempotent() { "yes" } else { "no" };
        Box::pin(async move { Err(trunkline::Error::new(ErrorKind::Unavailable, text)) })
    });
    let client = testing::direct_with(sleeping(), Client::builder().config(&config).layer(shown));
    for (service, own, expected) in [
        ("Slow", None, "yes"),
        ("Slow", Some(false), "no"),
        ("Slow.er", None, "no"),
        ("Slow.er", Some(true), "yes"),
    ] {
        let service = client.service(service);
        let mut request = service.call::<_, ()>("Sleep", &1);
        if let Some(own) = own {
            request = request.idempotent(own);
        }
        let error = request.await.unwrap_err();
        assert_eq!(error.message(), expected, "{service:?} {own:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_an_error_that_names_the_key() {
    for (text, expected) in [
        (r#"{"timeout":"0s"}"#, "timeout: it must be longer than nothing"),
        (r#"{"heartbeat":"0s"}"#, "heartbeat: it must be longer than nothing; write \"off\""),
        (r#"{"connections":0}"#, "connections: it must be at least 1"),
        (r#"{"compress":"zip"}"#, "compress: `zip` is no compressor; write `none`, `gzip` or a number"),
        (r#"{"compress":"8"}"#, "compress: `8` is no compressor"),
        (r#"{"backoff":{"first":"0"}}"#, "backoff.first: it must be longer than nothing"),
        (r#"{"methods":{"Mul":{}}}"#, "methods.\"Mul\": the name is not of the form `Service.Method`"),
        (r#"{"methods":{".Mul":{}}}"#, "methods.\".Mul\": the name is not of the form"),
        (r#"{"methods":{"A.B":{"timeout":"0s"}}}"#, "methods.\"A.B\".timeout: it must be longer"),
    ] {
        let builder = Client::builder().config(&config(text)).transport(Memory::new());
        let error = builder.connect("memory@nobody").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let expected = format!("the configuration cannot be: {expected}");
        assert!(error.message().starts_with(&expected), "{text}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_happens_to_failed_attempts_can_be_told() {
    let text = r#"{
        "balancer": "ConsistentHash", "group": "a", "fail_mode": "FailTry", "ejection": false,
        "retries": { "most": 1, "first": "5ms", "longest": "50ms", "attempt_timeout": "100ms", "blind": true },
        "retry_budget": { "share": 0.5, "per_second": 1 },
        "breaker": { "consecutive": 3, "pause": "2s" }
    }"#;
    let read = config(text);
    assert_eq!(config(&serde_json::to_string(&read).unwrap()), read);
    let network = Memory::new();
    let client = Client::builder().config(&read).transport(network);
    let client = client.connect("memory@nobody?group=a,memory@other?group=b").await.unwrap();
    let error = client.service("S").call::<_, ()>("M", &()).await.unwrap_err();
    let explanation = error.explanation().unwrap();
    let addresses: Vec<_> = explanation.attempts.iter().map(|a| a.address.as_deref()).collect();
    assert_eq!(addresses, [Some("memory@nobody"); 2], "{error}");
    assert_eq!(explanation.balancer, "go-hash");

    for (wrong, key) in [
        (r#"{ "balancer": "best" }"#, "balancer"),
        (r#"{ "fail_mode": "fail" }"#, "fail_mode"),
        (r#"{ "retries": { "attempt_timeout": "0s" } }"#, "retries.attempt_timeout"),
        (r#"{ "retry_budget": { "share": 2 } }"#, "retry_budget.share"),
        (r#"{ "breaker": { "calls": 0 } }"#, "breaker.calls"),
    ] {
        let error = Client::builder().config(&config(wrong)).connect("127.0.0.1:1").await.unwrap_err();
        assert!(error.message().contains(key), "{error}");
    }
}
