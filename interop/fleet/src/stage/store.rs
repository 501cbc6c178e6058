//! What etcd holds, told and changed by Go's own client.

use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use super::programs::{Kind, Programs};
use crate::problem::{During, Outcome, Problem, problem};

/// Go's `fleet store`, and the other questions to Go that take one process each.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    programs: Programs,
    etcd: String,
}

impl Store {
    pub(crate) fn of(programs: &Programs, etcd: &str) -> Self {
        Self { programs: programs.clone(), etcd: etcd.to_owned() }
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Outcome<Vec<Value>> {
        let all: Vec<_> =
            ["store", "--etcd", &self.etcd].into_iter().chain(arguments.iter().copied()).collect();
        ask_go(&self.programs, Kind::Go194, &all).await
    }

    /// The entry of a key.
    pub(crate) async fn get(&self, key: &str) -> Outcome<Option<Value>> {
        let mut lines = self.run(&["get", key]).await?;
        let answer = lines.first_mut().ok_or_else(|| Problem(format!("no answer for {key}")))?;
        Ok((answer["found"] == true).then(|| answer["entry"].take()))
    }

    /// Changes an entry as an operator does: the value, under the lease it has.
    pub(crate) async fn edit(&self, key: &str, value: &str) -> Outcome {
        let Some(entry) = self.get(key).await? else {
            return problem(format!("{key} is not in etcd"));
        };
        match entry["lease"].as_str().unwrap_or("0") {
            "0" => self.run(&["put", key, value]).await?,
            lease => self.run(&["put", "--lease", lease, key, value]).await?,
        };
        Ok(())
    }
}

/// Runs a Go program that answers and ends; its lines.
pub(crate) async fn ask_go(programs: &Programs, kind: Kind, arguments: &[&str]) -> Outcome<Vec<Value>> {
    let mut command = Command::new(programs.path(kind));
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.during(format!("asking {arguments:?}"))?;
    if !output.status.success() {
        return problem(format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).during(line)).collect()
}
