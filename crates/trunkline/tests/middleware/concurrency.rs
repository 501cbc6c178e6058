use std::time::Duration;

use tokio::time::Instant;
use trunkline::middleware::ConcurrencyLimit;
use trunkline::{Client, Error, ErrorKind, Sent, testing};

use crate::sample;

/// So many calls of a second each, all at once; how each ended, and when.
async fn at_once(client: &Client, calls: usize) -> Vec<(Result<u64, Error>, u64)> {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..calls)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                let result = client.service("Math").call::<_, u64>("Sleep", &1000).await;
                (result, begun.elapsed().as_secs())
            })
        })
        .collect();
    let mut ends = Vec::new();
    for task in tasks {
        ends.push(task.await.unwrap());
    }
    ends
}

fn seconds(ends: &[(Result<u64, Error>, u64)]) -> Vec<(Option<ErrorKind>, u64)> {
    let mut seen: Vec<_> =
        ends.iter().map(|(result, at)| (result.as_ref().err().map(Error::kind), *at)).collect();
    seen.sort_by_key(|(kind, at)| (kind.is_some(), *at));
    seen
}

#[tokio::test(start_paused = true)]
async fn further_calls_wait_and_those_beyond_are_refused() {
    let server = sample::server().layer(ConcurrencyLimit::new(2).waiting(2));
    let (client, running) = testing::connected(server).await.unwrap();
    let over = Some(ErrorKind::Overloaded);
    let mut ends = Vec::new();
    // Twice: those who waited have left the line.
    for _ in 0..2 {
        ends = at_once(&client, 5).await;
        assert_eq!(seconds(&ends), [(None, 1), (None, 1), (None, 2), (None, 2), (over, 0)]);
    }
    let error = ends.into_iter().find_map(|(result, _)| result.err()).unwrap();
    assert_eq!(error.sent(), Sent::NotStarted);
    assert!(error.is_retryable() && error.is_remote());
    assert_eq!(error.message(), "2 calls run already, as many as may, and 2 wait");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_may_be() {
    let limit = ConcurrencyLimit::new(1).waiting(10).wait(Duration::from_millis(1500));
    let (client, running) = testing::connected(sample::server().layer(limit)).await.unwrap();
    let over = Some(ErrorKind::Overloaded);
    let ends = at_once(&client, 4).await;
    assert_eq!(seconds(&ends), [(None, 1), (None, 2), (over, 1), (over, 1)]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_clients_limit_sends_nothing_of_what_it_refuses() {
    let client = Client::builder().layer(ConcurrencyLimit::new(1).waiting(0));
    let (client, running) = testing::connected_with(sample::server(), client).await.unwrap();
    let ends = at_once(&client, 2).await;
    assert_eq!(seconds(&ends), [(None, 1), (Some(ErrorKind::Overloaded), 0)]);
    let error = ends.into_iter().find_map(|(result, _)| result.err()).unwrap();
    assert_eq!((error.sent(), error.is_remote()), (Sent::No, false));
    assert_eq!(error.service(), Some("Math"));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_its_caller_does() {
    let client = Client::builder().layer(ConcurrencyLimit::new(1));
    let (client, running) = testing::connected_with(sample::server(), client).await.unwrap();
    let math = client.service("Math");
    let runs = async { math.call::<_, u64>("Sleep", &5000).await };
    let waits = async {
        let begun = Instant::now();
        let result = math.call::<_, u64>("Sleep", &1).timeout(Duration::from_secs(2)).await;
        (result.unwrap_err().kind(), begun.elapsed().as_secs())
    };
    let (ran, waited) = tokio::join!(runs, waits);
    assert_eq!((ran.unwrap(), waited), (5000, (ErrorKind::Overloaded, 2)));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_leaves_its_place_to_others() {
    let limit = ConcurrencyLimit::new(1).waiting(1);
    let client = Client::builder().layer(limit);
    let (client, running) = testing::connected_with(sample::server(), client).await.unwrap();
    for _ in 0..3 {
        let math = client.service("Math");
        let mut runs = Box::pin(async { math.call::<_, u64>("Sleep", &1000).await });
        let mut waits = Box::pin(async { math.call::<_, u64>("Sleep", &1000).await });
        let both = async { tokio::join!(&mut runs, &mut waits) };
        assert!(tokio::time::timeout(Duration::from_millis(500), both).await.is_err());
        drop((runs, waits));
    }
    let ends = at_once(&client, 2).await;
    assert_eq!(seconds(&ends), [(None, 1), (None, 2)]);
    running.stop().await;
}
