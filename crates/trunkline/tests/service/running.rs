//! Where methods run, and whether they go on without their caller.

use std::thread::{self, ThreadId};
use std::time::Duration;

use tokio::sync::mpsc;
use trunkline::{ErrorKind, Result};

use crate::arith::serve;

#[trunkline::service]
trait Worker {
    async fn cancellable(&self) -> Result<()>;
    #[method(run_to_completion)]
    async fn stubborn(&self) -> Result<()>;
    async fn here(&self) -> Result<()>;
    #[method(blocking)]
    async fn elsewhere(&self) -> Result<()>;
}

struct Watched {
    ends: mpsc::Sender<&'static str>,
    threads: mpsc::Sender<ThreadId>,
}

/// Tells how the work ended.
struct Work(mpsc::Sender<&'static str>, &'static str);

impl Work {
    async fn run(mut self) {
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.1 = "finished";
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.0.try_send(self.1).unwrap();
    }
}

impl Worker for Watched {
    async fn cancellable(&self) -> Result<()> {
        Work(self.ends.clone(), "dropped").run().await;
        Ok(())
    }

    async fn stubborn(&self) -> Result<()> {
        Work(self.ends.clone(), "dropped").run().await;
        Ok(())
    }

    async fn here(&self) -> Result<()> {
        self.threads.send(thread::current().id()).await?;
        Ok(())
    }

    async fn elsewhere(&self) -> Result<()> {
        self.threads.send(thread::current().id()).await?;
        Ok(())
    }
}

struct Watch {
    worker: WorkerClient,
    ends: mpsc::Receiver<&'static str>,
    threads: mpsc::Receiver<ThreadId>,
    _server: trunkline::server::RunningServer,
}

async fn watch() -> Watch {
    let (ends, ended) = mpsc::channel(8);
    let (threads, ran_on) = mpsc::channel(8);
    let (_server, client) = serve([Watched { ends, threads }.into_service()]).await;
    Watch { worker: WorkerClient::new(client), ends: ended, threads: ran_on, _server }
}

#[tokio::test(start_paused = true)]
async fn a_method_ends_with_its_caller_unless_it_runs_to_completion() {
    let mut watch = watch().await;
    let error = watch.worker.cancellable().timeout(Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert_eq!(watch.ends.recv().await, Some("dropped"));

    let error = watch.worker.stubborn().timeout(Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert_eq!(watch.ends.recv().await, Some("finished"));
}

#[tokio::test]
async fn a_blocking_method_does_not_hold_up_the_runtime() {
    let mut watch = watch().await;
    watch.worker.here().await.unwrap();
    assert_eq!(watch.threads.recv().await, Some(thread::current().id()));
    watch.worker.elsewhere().await.unwrap();
    assert_ne!(watch.threads.recv().await, Some(thread::current().id()));
}
