use trunkline::middleware::from_fn;
use trunkline::{Body, Client, Error, ErrorKind, Reply, Sent, testing};

use crate::sample::{self, Log};

#[tokio::test(start_paused = true)]
async fn a_clients_layer_answers_without_a_call() {
    let log = Log::default();
    let client = Client::builder()
        .layer(from_fn(|_, _| Box::pin(async { Ok(Reply::new(Body::from(vec![7]))) })))
        .layer(log.layer("inner"));
    let server = sample::server().layer(log.layer("server"));
    let (client, running) = testing::connected_with(server, client).await.unwrap();
    let answer: i64 = client.service("Math").call("Neg", &5).await.unwrap();
    assert_eq!(answer, 7);
    assert!(log.take().is_empty());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_servers_layer_answers_in_the_handlers_place() {
    let log = Log::default();
    let server = sample::server()
        .layer(from_fn(|call, next| {
            Box::pin(async move {
                match call.service() {
                    "Cached" => Ok(Reply::new(Body::from(vec![7]))),
                    "Closed" => Err(Error::new(ErrorKind::Unavailable, "closed for the night").not_started()),
                    _ => next.run(call).await,
                }
            })
        }))
        .layer(log.layer("inner"));
    let (client, running) = testing::connected(server).await.unwrap();
    // Names that no service has reach the layers, too.
    let answer: i64 = client.service("Cached").call("Anything", &5).await.unwrap();
    assert_eq!(answer, 7);
    let error = client.service("Closed").call::<_, i64>("Neg", &5).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, "closed for the night"));
    assert_eq!(error.sent(), Sent::NotStarted);
    assert!(error.is_retryable() && error.is_remote());
    assert!(log.take().is_empty());
    let answer: i64 = client.service("Math").call("Neg", &5).await.unwrap();
    assert_eq!(answer, -5);
    assert_eq!(log.take().len(), 2);
    running.stop().await;
}
