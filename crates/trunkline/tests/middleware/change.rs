use trunkline::middleware::from_fn;
use trunkline::{Body, Client, testing};

use crate::sample;

#[tokio::test(start_paused = true)]
async fn a_clients_layer_changes_metadata_body_and_target() {
    let client = Client::builder().layer(from_fn(|call, next| {
        Box::pin(async move {
            call.set_target("Meta", "Get");
            // `"tenant"`, as MessagePack writes it.
            call.set_body(Body::from(b"\xa6tenant".to_vec()));
            call.metadata_mut().insert("tenant", "seven");
            next.run(call).await
        })
    }));
    let (client, running) = testing::connected_with(sample::server(), client).await.unwrap();
    let value: Option<String> = client.service("Else").call("Where", &1).await.unwrap();
    assert_eq!(value.as_deref(), Some("seven"));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_servers_layer_changes_metadata_body_and_target() {
    let server = sample::server().layer(from_fn(|call, next| {
        Box::pin(async move {
            assert_eq!(call.body(), [1], "the argument as it came");
            call.set_target("Meta", "Get");
            call.set_body(Body::from(b"\xa6tenant".to_vec()));
            call.metadata_mut().insert("tenant", "seven");
            next.run(call).await
        })
    }));
    let (client, running) = testing::connected(server).await.unwrap();
    let value: Option<String> = client.service("Else").call("Where", &1).await.unwrap();
    assert_eq!(value.as_deref(), Some("seven"));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn layers_add_to_the_replys_metadata() {
    let adding = |key: &'static str| {
        from_fn(move |call, next| {
            Box::pin(async move {
                let mut reply = next.run(call).await?;
                reply.metadata_mut().insert(key, "was here");
                Ok(reply)
            })
        })
    };
    let (client, running) = testing::connected_with(
        sample::server().layer(adding("server")),
        Client::builder().layer(adding("client")),
    )
    .await
    .unwrap();
    let response = client.service("Math").call::<_, i64>("Neg", &5).response().await.unwrap();
    for key in ["server", "client"] {
        assert_eq!(response.metadata.get(key), Some("was here"), "{key}");
    }
    running.stop().await;
}
