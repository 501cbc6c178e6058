use std::time::Duration;

use trunkline::middleware::from_fn;
use trunkline::server::ServerBuilder;
use trunkline::{ErrorKind, testing};

use crate::sample;

fn panicking() -> ServerBuilder {
    sample::server().layer(from_fn(|call, next| {
        Box::pin(async move {
            match call.metadata().get("panic") {
                Some("at once") => panic!("secret thing"),
                Some(_) => {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    panic!("secret thing");
                }
                None => next.run(call).await,
            }
        })
    }))
}

async fn panics_are_answers(client: &trunkline::Client) {
    let math = client.service("Math");
    for when in ["at once", "later"] {
        let error = math.call::<_, i64>("Neg", &5).metadata("panic", when).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal, "{when}: {error}");
        assert!(error.is_remote());
        assert!(!error.to_string().contains("secret"), "{error}");
        let answer: i64 = math.call("Neg", &5).await.unwrap();
        assert_eq!(answer, -5, "after a panic {when}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_layer_is_an_answer_and_the_connection_lives() {
    let (client, running) = testing::connected(panicking()).await.unwrap();
    panics_are_answers(&client).await;
    assert_eq!(running.stop().await.connections, 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_layer_is_an_answer_without_a_connection_too() {
    panics_are_answers(&testing::direct(panicking())).await;
}
