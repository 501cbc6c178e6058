use trunkline::middleware::{Side, from_fn};
use trunkline::{Client, testing};

use crate::sample::{self, Log};

#[tokio::test(start_paused = true)]
async fn the_first_layer_added_is_the_outermost_and_attempts_are_inside_calls() {
    let log = Log::default();
    let server = sample::server().layer(log.layer("server 1")).layer(log.layer("server 2"));
    let client = Client::builder()
        .attempt_layer(log.layer("attempt 1"))
        .layer(log.layer("call 1"))
        .attempt_layer(log.layer("attempt 2"))
        .layer(log.layer("call 2"));
    let (client, running) = testing::connected_with(server, client).await.unwrap();
    let _: i64 = client.service("Math").call("Neg", &5).await.unwrap();
    let names = ["call 1", "call 2", "attempt 1", "attempt 2", "server 1", "server 2"];
    let ins = names.iter().map(|name| format!("{name} in Math.Neg"));
    let outs = names.iter().rev().map(|name| format!("{name} out ok"));
    assert_eq!(log.take(), ins.chain(outs).collect::<Vec<_>>());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn errors_pass_the_layers_on_their_way_back() {
    let log = Log::default();
    let (client, running) = testing::connected_with(
        sample::server().layer(log.layer("server")),
        Client::builder().layer(log.layer("client")),
    )
    .await
    .unwrap();
    client.service("Math").call::<_, ()>("Fail", "no").await.unwrap_err();
    assert_eq!(
        log.take(),
        ["client in Math.Fail", "server in Math.Fail", "server out error", "client out error"]
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_oneway_call_passes_the_layers_of_both_ends() {
    let log = Log::default();
    let (client, running) = testing::connected_with(
        sample::server().layer(log.layer("server")),
        Client::builder().layer(log.layer("client")),
    )
    .await
    .unwrap();
    client.service("Math").notify("Neg", &5).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    let mut seen = log.take();
    // The client is done once the request is out, whatever the server does by then.
    seen.sort();
    assert_eq!(seen, ["client in Math.Neg", "client out ok", "server in Math.Neg", "server out ok"]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_layer_knows_its_side_and_a_server_its_methods() {
    let log = Log::default();
    let looking = |log: Log| {
        from_fn(move |call, next| {
            let side = if next.side() == Side::Client { "client" } else { "server" };
            log.note(format!("{side} knows {}.{}: {}", call.service(), call.method(), next.knows(call)));
            Box::pin(async move { next.run(call).await })
        })
    };
    let (client, running) = testing::connected_with(
        sample::server().layer(looking(log.clone())),
        Client::builder().layer(looking(log.clone())),
    )
    .await
    .unwrap();
    let _: i64 = client.service("Math").call("Neg", &5).await.unwrap();
    client.service("Math").call::<_, i64>("Nope", &5).await.unwrap_err();
    client.service("Nope").call::<_, i64>("Neg", &5).await.unwrap_err();
    assert_eq!(
        log.take(),
        [
            "client knows Math.Neg: true",
            "server knows Math.Neg: true",
            "client knows Math.Nope: true",
            "server knows Math.Nope: false",
            "client knows Nope.Neg: true",
            "server knows Nope.Neg: false",
        ]
    );
    running.stop().await;
}
