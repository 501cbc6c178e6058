//! Members as processes.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::process::Process;
use super::programs::{Kind, Programs};
use super::store::Store;
use crate::problem::{Outcome, problem};

/// Where members register.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) etcd: String,
    pub(crate) base: String,
}

/// A member that is ready.
pub(crate) struct Member {
    pub(crate) name: String,
    /// `tcp@host:port`.
    pub(crate) node: String,
    pub(crate) metadata: String,
    /// What it said when it was ready.
    pub(crate) ready: Value,
    pub(crate) process: Process,
}

impl Place {
    pub(crate) fn new(etcd: &str, base: &str) -> Self {
        Self { etcd: etcd.to_owned(), base: base.to_owned() }
    }

    pub(crate) fn flags(&self) -> Vec<String> {
        ["--etcd", &self.etcd, "--base", &self.base].map(str::to_owned).to_vec()
    }

    pub(crate) fn key(&self, node: &str) -> String {
        format!("{}/Fleet/{node}", self.base)
    }
}

impl Member {
    /// Starts a member, which registers if there is a place for that, and waits until it is ready.
    pub(crate) async fn start(
        programs: &Programs,
        kind: Kind,
        name: &str,
        metadata: &str,
        place: Option<&Place>,
        more: &[&str],
    ) -> Outcome<Self> {
        let mut arguments: Vec<String> =
            ["server", "--name", name, "--metadata", metadata].map(str::to_owned).to_vec();
        if let Some(place) = place {
            arguments.extend(place.flags());
            // The node is there at once, and each tick comes soon.
            arguments.extend(["--update", "2s", "--await-start"].map(str::to_owned));
            if kind == Kind::Rust {
                arguments.extend(["--options", "check=1s"].map(str::to_owned));
            }
        }
        arguments.extend(more.iter().map(|&flag| flag.to_owned()));
        let mut process = Process::start(programs, kind, &arguments)?;
        let ready = process.line().await?;
        let (true, Some(node)) = (ready["ready"] == true, ready["node"].as_str()) else {
            return problem(format!("{name} ({}) did not become ready: {ready}", kind.title()));
        };
        let (name, metadata, node) = (name.to_owned(), metadata.to_owned(), node.to_owned());
        Ok(Self { name, node, metadata, ready, process })
    }

    /// Stops it in order; what it says at its end.
    pub(crate) async fn stop(mut self) -> Outcome<Value> {
        self.process.signal("TERM").await?;
        let last = self.process.line().await?;
        self.process.ended(Duration::from_secs(15)).await?;
        if last["stopped"] == true {
            Ok(last)
        } else {
            problem(format!("{} said at its end {last}", self.name))
        }
    }
}

/// Waits until exactly these nodes stand in etcd.
pub(crate) async fn await_nodes(store: &Store, place: &Place, members: &[&Member]) -> Outcome {
    let mut expected: Vec<_> = members.iter().map(|member| place.key(&member.node)).collect();
    expected.sort();
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let listed = store.run(&["list", &place.key("")]).await?;
        let listed: Vec<_> = listed.iter().filter_map(|entry| entry["key"].as_str()).collect();
        if listed == expected {
            return Ok(());
        }
        if Instant::now() > deadline {
            return problem(format!("etcd holds {listed:?}, expected {expected:?}"));
        }
        sleep(Duration::from_millis(100)).await;
    }
}
