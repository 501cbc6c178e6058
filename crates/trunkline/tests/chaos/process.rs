//! A server in a process of its own: this test's program, told by its environment to be one.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::signal::unix::{SignalKind, signal};
use trunkline::{Failure, Server};

const ADDRESS: &str = "TRUNKLINE_CHAOS_SERVER";

/// A running server process. Dropping it kills it.
pub(crate) struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    pub(crate) address: String,
}

impl Process {
    /// Starts a server on a free port, or on this one.
    pub(crate) async fn start(address: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["process::server_process", "--exact", "--nocapture", "--test-threads", "1"])
            .env(ADDRESS, address)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = after("listening ", &mut lines).await;
        Self { child, lines, address }
    }

    pub(crate) async fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        assert!(Command::new("kill").args([name, &pid]).status().await.unwrap().success());
    }

    /// Kills it without a word.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to stop, and waits for that: how often each piece of work was done there.
    pub(crate) async fn stop(mut self) -> HashMap<u64, u64> {
        self.signal("-TERM").await;
        let done = after("done ", &mut self.lines).await;
        tokio::time::timeout(Duration::from_secs(40), self.child.wait()).await.expect("it ends").unwrap();
        let pair = |text: &str| {
            let (id, times) = text.split_once(':').unwrap();
            (id.parse().unwrap(), times.parse().unwrap())
        };
        done.split_whitespace().map(pair).collect()
    }
}

async fn after(word: &str, lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    let found = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            // The test's own output comes before it on the same line.
            if let Some((_, rest)) = line.split_once(word) {
                return rest.to_owned();
            }
        }
        panic!("the server process ended without `{word}`");
    };
    tokio::time::timeout(Duration::from_secs(60), found).await.expect("the server process says so in time")
}

/// Not a test: the program of the servers, when the environment says so.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a program of its own, no library")]
async fn server_process() {
    let Ok(address) = std::env::var(ADDRESS) else { return };
    let done: Arc<Mutex<HashMap<u64, u64>>> = Arc::default();
    let (work, pid) = (done.clone(), std::process::id());
    let server = Server::builder()
        .function("Chaos", "Who", move |(): ()| async move { Ok::<_, Failure>(pid) })
        .function("Chaos", "Work", move |id: u64| {
            let work = work.clone();
            async move {
                // Long enough for calls to be under way whenever something happens.
                tokio::time::sleep(Duration::from_millis(20)).await;
                *work.lock().unwrap().entry(id).or_default() += 1;
                Ok::<_, Failure>(pid)
            }
        })
        .bind(&address)
        .await
        .unwrap();
    let mut asked = signal(SignalKind::terminate()).unwrap();
    println!("listening {}", server.address());
    let orphaned = async {
        let mut nothing = [0; 1];
        // Whoever started this process is gone.
        let _ = tokio::io::stdin().read(&mut nothing).await;
        std::process::exit(1);
    };
    let stop = async {
        tokio::select! {
            _ = asked.recv() => {}
            () = orphaned => {}
        }
    };
    server.serve_until(stop).await;
    let done: Vec<_> = done.lock().unwrap().iter().map(|(id, times)| format!("{id}:{times}")).collect();
    println!("done {}", done.join(" "));
}
