//! A good client, which calls all the while and is to notice nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinHandle;
use trunkline::server::{RunningServer, ServerBuilder, ServerLimits};
use trunkline::{ByteBudget, Client, SerializeType, Server};

/// What the servers of these tests may hold for their peers: a quarter of the default, so that few
/// attackers use it up.
pub(crate) const BUDGET: usize = 64 << 20;

/// Frames that are small beside the budget get a quarter more of it, a few at a time; and answers
/// that exist already are counted beyond it.
pub(crate) const MOST: usize = BUDGET + BUDGET / 4 + (8 << 20);

/// Now and then a call has so many bytes each way.
const LARGE: usize = 1 << 20;

/// A server that echoes, within the budget.
pub(crate) async fn serve(limit: impl FnOnce(&mut ServerLimits)) -> RunningServer {
    let server: ServerBuilder = Server::builder().raw("S", "Echo", |_, body| async { Ok(body) });
    let server = server.budget(&ByteBudget::new(BUDGET)).limit(limit);
    server.bind("tcp@127.0.0.1:0").await.unwrap().spawn()
}

pub(crate) struct Bystander {
    stop: Arc<AtomicBool>,
    small: Calling,
    large: Calling,
}

/// One call after another, from a connection of its own.
struct Calling {
    done: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Bystander {
    pub(crate) const CONNECTIONS: usize = 2;

    pub(crate) async fn start(server: &RunningServer) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let small = Calling::start(server, &stop, Bytes::from_static(b"small"), Duration::ZERO).await;
        let large = vec![7; LARGE].into();
        let large = Calling::start(server, &stop, large, Duration::from_millis(50)).await;
        Self { stop, small, large }
    }

    /// How many small calls and how many large ones were served.
    pub(crate) fn served(&self) -> (usize, usize) {
        (self.small.done.load(Ordering::Relaxed), self.large.done.load(Ordering::Relaxed))
    }

    /// Ends its calls; fails if one of them failed.
    pub(crate) async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.small.task.await.unwrap();
        self.large.task.await.unwrap();
    }
}

impl Calling {
    async fn start(server: &RunningServer, stop: &Arc<AtomicBool>, payload: Bytes, pause: Duration) -> Self {
        // The time is for a busy machine; it is no measure.
        let client = Client::builder().timeout(Duration::from_secs(60)).heartbeat(None);
        let client = client.connect(server.address()).await.unwrap();
        client.ready().await;
        let done = Arc::new(AtomicUsize::new(0));
        let (stop, served) = (stop.clone(), done.clone());
        let task = tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let echo = client.raw("S", "Echo", SerializeType::RAW, payload.clone()).await;
                assert!(echo.expect("a good client is served") == payload);
                served.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(pause).await;
            }
        });
        Self { done, task }
    }
}
