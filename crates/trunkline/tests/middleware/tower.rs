use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tower::layer::layer_fn;
use tower::{Layer, Service};
use trunkline::middleware::{ConcurrencyLimit, Rest, Tower};
use trunkline::{Call, Client, Error, ErrorKind, Reply, SerializeType, testing};

use crate::sample::{self, Log};

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A service around another, from a function of the inner one and the call.
#[derive(Clone)]
struct Around<S, F>(S, F);

impl<S, F> Service<Call> for Around<S, F>
where
    S: Service<Call>,
    F: Fn(&mut S, Call) -> BoxFuture<Result<Reply, BoxError>>,
{
    type Response = Reply;
    type Error = BoxError;
    type Future = BoxFuture<Result<Reply, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        (self.1)(&mut self.0, call)
    }
}

fn around<F>(f: F) -> impl Layer<Rest, Service = Around<Rest, F>>
where
    F: Fn(&mut Rest, Call) -> BoxFuture<Result<Reply, BoxError>> + Clone,
{
    layer_fn(move |rest| Around(rest, f.clone()))
}

fn marking() -> Tower<impl Service<Call, Response = Reply, Error = BoxError, Future: Send> + Clone + Send> {
    Tower::new(around(|rest, mut call| {
        call.metadata_mut().insert("mark", "tower");
        let answered = rest.call(call);
        Box::pin(async move {
            let mut reply = answered.await?;
            reply.metadata_mut().insert("answered", "yes");
            Ok(reply)
        })
    }))
}

#[tokio::test(start_paused = true)]
async fn a_tower_layer_changes_calls_and_replies_on_both_ends() {
    for (server, client) in [
        (sample::server().layer(marking()), Client::builder()),
        (sample::server(), Client::builder().layer(marking())),
    ] {
        let (client, running) = testing::connected_with(server, client).await.unwrap();
        let response =
            client.service("Meta").call::<_, Option<String>>("Get", "mark").response().await.unwrap();
        assert_eq!(response.value.as_deref(), Some("tower"));
        assert_eq!(response.metadata.get("answered"), Some("yes"));
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn errors_of_the_chain_stay_what_they_are_and_the_layers_own_are_mapped() {
    let failing = |call: &Call| call.method() == "Own";
    let layer = move || {
        Tower::new(around(move |rest, call| {
            if failing(&call) {
                return Box::pin(async { Err("out of ink".into()) });
            }
            let answered = rest.call(call);
            Box::pin(async move { Ok(answered.await?) })
        }))
    };
    let client = testing::direct(sample::server().layer(layer()));
    let error = client.service("Math").call::<_, ()>("Fail", "no").await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Application, "no"));
    let error = client.service("Math").call::<_, ()>("Own", &()).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Internal, "out of ink"));
    let mapped = layer().map_err(|error| Error::new(ErrorKind::Overloaded, error.to_string()).not_started());
    let client = testing::direct(sample::server().layer(mapped));
    let error = client.service("Math").call::<_, ()>("Own", &()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overloaded);
}

#[tokio::test(start_paused = true)]
async fn a_tower_layer_may_run_the_rest_twice_at_once() {
    let log = Log::default();
    // Takes whichever of two answers comes first, as hedging does.
    let hedging = Tower::new(around(|rest, call| {
        let mut second = Call::to(call.service(), call.method(), call.format(), call.body().to_vec());
        *second.extensions_mut() = call.extensions().unwrap().clone();
        let (first, second) = (rest.call(call), rest.call(second));
        Box::pin(async move {
            tokio::select! { reply = first => Ok(reply?), reply = second => Ok(reply?) }
        })
    }));
    let client = Client::builder().layer(hedging).layer(log.layer("inner"));
    let client = testing::direct_with(sample::server(), client);
    let slept: u64 = client.service("Math").call("Sleep", &1000).await.unwrap();
    assert_eq!(slept, 1000);
    let seen = log.take();
    assert_eq!(seen.iter().filter(|line| line.contains(" in ")).count(), 2, "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_layer_gives_up_is_given_up_at_once() {
    let limit = ConcurrencyLimit::new(1).waiting(0);
    // Gives the rest 100 ms, then asks again.
    let impatient = Tower::new(around(|rest, mut call| {
        let mut again = Call::to("Math", "Neg", call.format(), b"\x05".to_vec());
        *again.extensions_mut() = call.extensions_mut().clone();
        let (first, mut rest) = (rest.call(call), rest.clone());
        Box::pin(async move {
            match tokio::time::timeout(Duration::from_millis(100), first).await {
                Ok(reply) => Ok(reply?),
                Err(_) => Ok(rest.call(again).await?),
            }
        })
    }));
    let server = sample::server().layer(impatient).layer(limit);
    let (client, running) = testing::connected(server).await.unwrap();
    // Not refused by the limit: the first attempt has left its place by then.
    let answer: i64 = client.service("Math").call("Sleep", &5000).await.unwrap();
    assert_eq!(answer, -5);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stack_with_a_task_of_its_own_works() {
    // As tower's buffer does it: the rest is asked for from another task.
    let spawning = Tower::new(around(|rest, call| {
        let task = tokio::spawn(rest.call(call));
        Box::pin(async move { Ok(task.await??) })
    }));
    let (client, running) = testing::connected(sample::server().layer(spawning)).await.unwrap();
    let answer: i64 = client.service("Math").call("Neg", &5).await.unwrap();
    assert_eq!(answer, -5);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_did_not_come_through_the_middleware_is_refused() {
    let forging = Tower::new(around(|rest, _| {
        let made = rest.call(Call::to("Math", "Neg", SerializeType::JSON, b"5".to_vec()));
        Box::pin(async move { Ok(made.await?) })
    }));
    let client = testing::direct(sample::server().layer(forging));
    let error = client.service("Math").call::<_, i64>("Neg", &5).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
}

#[tokio::test(start_paused = true)]
async fn a_client_is_a_service_of_calls() {
    let (mut client, running) = testing::connected(sample::server()).await.unwrap();
    std::future::poll_fn(|cx| client.poll_ready(cx)).await.unwrap();
    let reply = client.call(Call::to("Math", "Neg", SerializeType::JSON, b"5".to_vec())).await.unwrap();
    assert_eq!((reply.body(), reply.address()), (&b"-5"[..], Some("memory@test")));
    let slow = Call::to("Math", "Sleep", SerializeType::JSON, b"60000".to_vec());
    let error = client.call(slow).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline, "there is always a limit");
    running.stop().await;
}
