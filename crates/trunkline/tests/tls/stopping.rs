use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use trunkline::{Client, Failure, Sent};

use crate::authority::{Authority, math};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_order_loses_no_answer() {
    let authority = Authority::new("Example CA");
    let done = Arc::new(AtomicUsize::new(0));
    let finished = done.clone();
    let server =
        math().tls(authority.issue(&["127.0.0.1"]).server()).function("Slow", "Sleep", move |ms: u64| {
            let finished = finished.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                finished.fetch_add(1, Ordering::SeqCst);
                Ok::<_, Failure>(ms)
            }
        });
    let server = server.bind("tcp@127.0.0.1:0").await.unwrap().spawn();
    let client =
        Client::builder().tls(authority.trusted()).connections(4).connect(server.address()).await.unwrap();
    client.ready().await;
    let answered = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for _ in 0..32 {
        let (client, answered) = (client.clone(), answered.clone());
        callers.spawn(async move {
            loop {
                match client.service("Slow").call::<_, u64>("Sleep", &3).await {
                    Ok(_) => answered.fetch_add(1, Ordering::SeqCst),
                    Err(error) => return error,
                };
            }
        });
    }
    while answered.load(Ordering::SeqCst) < 500 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let report = server.stop().await;
    assert_eq!(report.cut, 0, "{report:?}");
    for error in callers.join_all().await {
        assert_ne!(error.sent(), Sent::Maybe, "{error}");
    }
    assert_eq!(answered.load(Ordering::SeqCst), done.load(Ordering::SeqCst));
}
