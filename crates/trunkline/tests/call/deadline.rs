use std::time::Duration;

use tokio::time::{Instant, sleep};
use trunkline::wire::{Header, Status, keys};
use trunkline::{Client, Ctx, ErrorKind, Failure, Sent, SerializeType, Server};

use crate::events::events;
use crate::pair::{connect, pair, with_server};
use crate::raw_peer::{RawPeer, RawServer, message};

const HOUR: Duration = Duration::from_secs(3600);

fn timed(seq: u64, ms: &str) -> trunkline::wire::Message {
    let header = Header::request(SerializeType::RAW).with_seq(seq);
    message(header, "Slow", "Sleep", &[(keys::SERVER_TIMEOUT, ms)], b"")
}

#[tokio::test(start_paused = true)]
async fn a_late_handler_is_dropped_and_its_caller_told_in_gos_words() {
    let (events, mut seen) = events();
    let pair = with_server(|s| {
        s.raw("Slow", "Sleep", move |_, _| {
            let events = events.clone();
            async move {
                let _dropped = events.on_drop("dropped");
                events.note("started");
                sleep(HOUR).await;
                events.note("finished");
                Ok("".into())
            }
        })
    })
    .await;
    let mut peer = RawPeer::dial(&pair.network).await;
    let begun = Instant::now();
    peer.send_message(&timed(7, "250")).await;
    let answer = peer.next().await.unwrap();
    assert_eq!(begun.elapsed().as_millis() / 10, 25);
    assert_eq!((answer.header().seq(), answer.header().status()), (7, Status::Error));
    let metadata = answer.metadata();
    assert_eq!(metadata.get(keys::ERROR), Some("context deadline exceeded"));
    assert_eq!(metadata.get(keys::KIND), Some("deadline"));
    assert_eq!(metadata.get(keys::STARTED), None, "it had started");
    assert_eq!((seen.next().await, seen.next().await), ("started", "dropped"));
    assert_eq!(pair.server.handle().in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_late_on_arrival_does_not_start() {
    let (events, mut seen) = events();
    let pair = with_server(|s| {
        s.raw("Slow", "Sleep", move |_, _| {
            events.note("started");
            async { Ok("".into()) }
        })
    })
    .await;
    let mut peer = RawPeer::dial(&pair.network).await;
    for (seq, ms) in [(1, "0"), (2, "-5")] {
        peer.send_message(&timed(seq, ms)).await;
        let answer = peer.next().await.unwrap();
        assert_eq!(answer.metadata().get(keys::ERROR), Some("context deadline exceeded"), "{ms}");
        assert_eq!(answer.metadata().get(keys::STARTED), Some("0"), "{ms}");
    }
    assert_eq!(seen.rest(), [""; 0]);
    // What is not a number says nothing.
    peer.send_message(&timed(3, "soon")).await;
    assert_eq!(peer.next().await.unwrap().header().status(), Status::Normal);
}

#[tokio::test(start_paused = true)]
async fn a_second_hop_has_what_is_left_and_ends_with_the_first() {
    let (events, mut seen) = events();
    let far = with_server(|s| {
        s.function("Far", "Left", |ctx: Ctx, (): ()| async move {
            Ok::<_, Failure>(ctx.remaining().map(|left| left.as_millis() as u64))
        })
        .function("Far", "Sleep", move |(): ()| {
            let events = events.clone();
            async move {
                let _dropped = events.on_drop("far dropped");
                events.note("far started");
                sleep(HOUR).await;
                Ok::<_, Failure>(())
            }
        })
    })
    .await;
    let (nested, spawned) = (far.client.clone(), far.client.clone());
    let near = with_server(|s| {
        s.function("Near", "Left", move |(): ()| {
            let far = nested.clone();
            async move {
                sleep(Duration::from_millis(300)).await;
                Ok::<Option<u64>, Failure>(far.service("Far").call("Left", &()).await?)
            }
        })
        .function("Near", "Spawned", move |ctx: Ctx, (): ()| {
            let far = spawned.clone();
            async move {
                let task = tokio::spawn(async move {
                    let outside: Option<u64> = far.service("Far").call("Left", &()).await?;
                    let within: Option<u64> = far.service("Far").call("Left", &()).within(&ctx).await?;
                    Ok::<_, trunkline::Error>((outside, within))
                });
                Ok::<(Option<u64>, Option<u64>), Failure>(task.await??)
            }
        })
        .function("Near", "Sleep", {
            let far = far.client.clone();
            move |(): ()| {
                let far = far.clone();
                async move { Ok::<(), Failure>(far.service("Far").call("Sleep", &()).await?) }
            }
        })
    })
    .await;
    let near = near.client.service("Near");
    let second = Duration::from_secs(1);

    let left: Option<u64> = near.call("Left", &()).timeout(second).await.unwrap();
    assert_eq!(left, Some(700));

    let (outside, within): (Option<u64>, Option<u64>) =
        near.call("Spawned", &()).timeout(second).await.unwrap();
    assert_eq!((outside, within), (Some(10_000), Some(1_000)), "a spawned task is told whose work it does");

    let error = near.call::<_, ()>("Sleep", &()).timeout(second).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert_eq!((seen.next().await, seen.next().await), ("far started", "far dropped"));
}

#[tokio::test(start_paused = true)]
async fn the_time_ends_at_the_caller_even_if_the_server_says_nothing() {
    let network = trunkline::transport::memory::Memory::new();
    let mut server = RawServer::listen(&network).await;
    let client = connect(&network, Client::builder().heartbeat(None)).await;
    let mut peer = server.accept().await;
    let begun = Instant::now();
    let error = client.service("S").call::<_, ()>("M", &()).await.unwrap_err();
    assert_eq!(begun.elapsed().as_secs(), 10, "the default");
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Deadline, Sent::Maybe));
    assert!(!error.is_remote() && !error.is_retryable());
    let request = peer.next().await.unwrap();
    assert_eq!(request.metadata().get(keys::SERVER_TIMEOUT), Some("10000"));

    // The answer to a call given up wakes nobody, and the connection lives.
    peer.answer(&request, b"\xc0").await;
    let call = client.service("S").call::<_, ()>("M", &());
    let serve = async {
        let request = peer.next().await.unwrap();
        peer.answer(&request, b"\xc0").await;
    };
    let (result, ()) = tokio::join!(call.into_future(), serve);
    result.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_timeout_is_the_calls_own_then_the_clients() {
    let server = Server::builder().function("Time", "Left", |ctx: Ctx, (): ()| async move {
        Ok::<_, Failure>(ctx.remaining().map(|left| left.as_millis() as u64))
    });
    let pair = pair(server, Client::builder().timeout(Duration::from_secs(3))).await;
    let time = pair.client.service("Time");
    assert_eq!(time.call::<_, Option<u64>>("Left", &()).await.unwrap(), Some(3_000));
    let own = time.call::<_, Option<u64>>("Left", &()).timeout(Duration::from_millis(1_500));
    assert_eq!(own.await.unwrap(), Some(1_500));
    let none = time.call::<_, Option<u64>>("Left", &()).timeout(Duration::ZERO).await.unwrap_err();
    assert_eq!((none.kind(), none.sent()), (ErrorKind::Deadline, Sent::No));
}

#[tokio::test(start_paused = true)]
async fn run_to_completion_answers_late_and_goes_on() {
    let (events, mut seen) = events();
    let service = trunkline::Service::new("Slow").function_in::<trunkline::DefaultFormats, _, _, _>(
        trunkline::server::MethodInfo::new("Save")
            .flags(trunkline::server::MethodFlags { run_to_completion: true, ..Default::default() }),
        move |ctx: Ctx, (): ()| {
            let events = events.clone();
            async move {
                ctx.cancelled().await;
                events.note("told");
                sleep(Duration::from_secs(1)).await;
                events.note("saved");
                Ok::<_, Failure>(())
            }
        },
    );
    let pair = with_server(|s| s.service(service)).await;
    let call = pair.client.service("Slow").call::<_, ()>("Save", &()).timeout(Duration::from_millis(50));
    let error = call.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert_eq!((seen.next().await, seen.next().await), ("told", "saved"));
}

#[tokio::test(start_paused = true)]
async fn without_a_connection_the_call_waits_for_one_until_its_time_is_up() {
    let network = trunkline::transport::memory::Memory::new();
    // It takes connections into its backlog and never looks at them: a dial that hangs.
    let _server = RawServer::listen(&network).await;
    for _ in 0..128 {
        std::mem::forget(RawPeer::dial(&network).await);
    }
    let client = connect(&network, Client::builder().connect_timeout(HOUR)).await;
    let begun = Instant::now();
    let error =
        client.service("S").call::<_, ()>("M", &()).timeout(Duration::from_secs(2)).await.unwrap_err();
    assert_eq!(begun.elapsed().as_secs(), 2);
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Deadline, Sent::No));
}
