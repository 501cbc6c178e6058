use std::time::Duration;

use tokio::time::Instant;
use trunkline::server::ServerBuilder;
use trunkline::{Client, CompressType, Ctx, ErrorKind, Failure, Sent, SerializeType, Server, testing};

fn server() -> ServerBuilder {
    Server::builder()
        .function("Echo", "Say", |ctx: Ctx, text: String| async move {
            ctx.reply_metadata("served", "yes");
            Ok::<_, Failure>(text)
        })
        .function("Echo", "Fail", |ctx: Ctx, text: String| async move {
            ctx.reply_metadata("served", "yes");
            Err::<(), _>(
                Failure::new(text).with_code("c7").with_retry_after(Duration::from_secs(1)).with_reply(()),
            )
        })
        .function("Echo", "Panic", |_: ()| async { panic!("secret") as Result<(), Failure> })
        .function("Echo", "Sleep", |ms: u64| async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok::<_, Failure>(())
        })
        .function("Echo", "Peer", |ctx: Ctx, _: ()| async move { Ok::<_, Failure>(ctx.peer().is_some()) })
}

/// What may differ between a call over a connection and one without is the address alone.
#[tokio::test(start_paused = true)]
async fn errors_are_those_of_a_connection() {
    let direct = testing::direct(server());
    let (connected, running) = testing::connected(server()).await.unwrap();
    let mut seen = Vec::new();
    for client in [&direct, &connected] {
        let echo = client.service("Echo");
        let mut errors = vec![
            echo.call::<_, ()>("Fail", "no").await.unwrap_err(),
            echo.call::<_, ()>("Nope", "no").await.unwrap_err(),
            client.service("Nope").call::<_, ()>("Say", "no").await.unwrap_err(),
            echo.call::<_, String>("Say", &5).await.unwrap_err(),
        ];
        let thrift = SerializeType::THRIFT;
        errors.push(client.raw("Echo", "Say", thrift, "x".into()).await.unwrap_err());
        let facts = |e: &trunkline::Error| {
            let facts = (e.kind(), e.message().to_owned(), e.code().map(str::to_owned), e.sent());
            let pairs: Vec<_> = e.metadata().iter_str().map(|(k, v)| format!("{k:?}={v:?}")).collect();
            let names = (e.service().map(str::to_owned), e.method().map(str::to_owned));
            (facts, pairs, names, e.is_remote(), e.retry_after(), e.raw_reply().map(|(_, b)| b.clone()))
        };
        seen.push(errors.iter().map(facts).collect::<Vec<_>>());
    }
    assert_eq!(seen[0], seen[1]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn replies_bring_their_metadata() {
    let client = testing::direct(server());
    let response = client.service("Echo").call::<_, String>("Say", "hi").response().await.unwrap();
    assert_eq!((response.value.as_str(), response.metadata.get("served")), ("hi", Some("yes")));
    assert_eq!(response.address, None);
    let peer: bool = client.service("Echo").call("Peer", &()).await.unwrap();
    assert!(!peer);
}

#[tokio::test(start_paused = true)]
async fn compressed_arguments_arrive_plain() {
    let client = testing::direct_with(server(), Client::builder().compress(CompressType::GZIP));
    let long = "x".repeat(10_000);
    let said: String = client.service("Echo").call("Say", &long).await.unwrap();
    assert_eq!(said, long);
}

#[tokio::test(start_paused = true)]
async fn time_and_panics_end_calls_as_they_would() {
    let client = testing::direct(server());
    let echo = client.service("Echo");
    let begun = Instant::now();
    let error = echo.call::<_, ()>("Sleep", &60_000).timeout(Duration::from_secs(2)).await.unwrap_err();
    assert_eq!((error.kind(), begun.elapsed().as_secs()), (ErrorKind::Deadline, 2));
    let error = echo.call::<_, ()>("Panic", &()).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Internal, Sent::Maybe));
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_oneway_call_has_run_when_it_returns_and_tells_no_error() {
    let (sender, mut ran) = tokio::sync::mpsc::channel(1);
    let server = server().function("Note", "Down", move |n: u64| {
        let sender = sender.clone();
        async move {
            sender.send(n).await?;
            Err::<(), _>(Failure::new("nobody hears this"))
        }
    });
    let client = testing::direct(server);
    client.service("Note").notify("Down", &7).await.unwrap();
    assert_eq!(ran.try_recv(), Ok(7));
}

#[tokio::test(start_paused = true)]
async fn the_servers_own_error_texts_count() {
    let client = testing::direct(server().error_text(|error| format!("<{}>", error.message())));
    let error = client.service("Echo").call::<_, ()>("Fail", "no").await.unwrap_err();
    assert_eq!(error.message(), "<no>");
}

#[test]
#[should_panic(expected = "limits.connections: it must be at least 1")]
fn a_builder_that_cannot_be_panics() {
    let config = serde_json::from_str(r#"{"limits":{"connections":0}}"#).unwrap();
    testing::direct(server().config(&config));
}
