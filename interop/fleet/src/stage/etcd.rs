//! A real etcd on free loopback ports, in a folder of its own.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};
use tokio::time::sleep;

use super::process::signal;
use crate::problem::{During, Outcome, problem};

const START_LIMIT: Duration = Duration::from_secs(20);

/// A running etcd. It is killed and its folder deleted when it is dropped.
pub(crate) struct Etcd {
    port: u16,
    peer: u16,
    folder: PathBuf,
    child: Option<Child>,
}

impl Etcd {
    pub(crate) async fn start() -> Outcome<Self> {
        let (port, peer) = (free_port()?, free_port()?);
        let folder = std::env::temp_dir().join(format!("trunkline-fleet-{}-{port}", std::process::id()));
        fs::create_dir_all(&folder).during("making etcd's folder")?;
        let mut etcd = Self { port, peer, folder, child: None };
        etcd.run().await?;
        Ok(etcd)
    }

    /// `host:port`.
    pub(crate) fn endpoint(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Starts the process on its ports, with what its folder holds, and waits until it answers.
    pub(crate) async fn run(&mut self) -> Outcome {
        let log = File::create(self.folder.join("log")).during("making etcd's log")?;
        let (client, peer) =
            (format!("http://127.0.0.1:{}", self.port), format!("http://127.0.0.1:{}", self.peer));
        let mut command = Command::new("etcd");
        command.arg("--data-dir").arg(self.folder.join("data")).args(["--name", "fleet"]);
        command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args(["--initial-cluster", &format!("fleet={peer}")]);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        self.child = Some(command.spawn().during("starting etcd")?);
        let begin = Instant::now();
        while begin.elapsed() < START_LIMIT {
            let gone = self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
            if gone {
                break;
            }
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() && self.is_healthy().await {
                return Ok(());
            }
            sleep(Duration::from_millis(50)).await;
        }
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let end = log.len().saturating_sub(600);
        problem(format!("etcd does not answer on port {}: {}", self.port, log.get(end..).unwrap_or(&log)))
    }

    async fn is_healthy(&self) -> bool {
        let mut command = Command::new("etcdctl");
        command.env("ETCDCTL_API", "3").args(["--endpoints", &self.endpoint(), "--command-timeout=2s"]);
        command.args(["endpoint", "health"]).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        command.status().await.is_ok_and(|status| status.success())
    }

    /// Kills it, as the system would.
    pub(crate) async fn kill(&mut self) -> Outcome {
        match self.child.take() {
            Some(mut child) => child.kill().await.during("killing etcd"),
            None => problem("etcd does not run"),
        }
    }

    /// Deletes all it has stored, while it does not run.
    pub(crate) fn wipe(&self) -> Outcome {
        fs::remove_dir_all(self.folder.join("data")).during("deleting etcd's data")
    }

    /// Stops it without ending it (`STOP`), or lets it go on (`CONT`).
    pub(crate) async fn signal(&self, name: &str) -> Outcome {
        match self.child.as_ref().and_then(Child::id) {
            Some(pid) => signal(pid, name).await,
            None => problem("etcd does not run"),
        }
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.start_kill();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A port that nothing listens on, from below the range that outgoing connections take theirs from.
pub(crate) fn free_port() -> Outcome<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let from = u16::try_from(std::process::id() % 19_000)?;
    for _ in 0..1000 {
        let port = 10_000 + (from + NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    problem("no port is free between 10000 and 30000")
}
