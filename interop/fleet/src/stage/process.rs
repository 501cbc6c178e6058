//! A process that speaks in JSON lines, and callers among them.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::programs::{Kind, Programs};
use crate::problem::{During, Outcome, problem};

/// More than any command takes; one that hangs must not take the whole day.
const ANSWER_LIMIT: Duration = Duration::from_secs(45);
const LINES_WAITING: usize = 1024;

/// A running program. It is killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    lines: mpsc::Receiver<Value>,
    seconds: Arc<Mutex<Vec<Value>>>,
    title: String,
}

/// A program that was started as a caller, and is ready.
pub(crate) struct Caller(Process);

impl Process {
    pub(crate) fn start(programs: &Programs, kind: Kind, arguments: &[String]) -> Outcome<Self> {
        let program = programs.path(kind);
        let title = format!("{} {}", kind.title(), arguments.join(" "));
        let mut command = Command::new(&program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        command.stderr(if programs.verbose { Stdio::inherit() } else { Stdio::null() });
        let mut child = command.spawn().during(format!("starting {}", program.display()))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return problem(format!("{title}: it has no standard input or output"));
        };
        let (send, lines) = mpsc::channel(LINES_WAITING);
        let seconds = Arc::new(Mutex::new(Vec::new()));
        let kept = seconds.clone();
        tokio::spawn(async move {
            let mut output = BufReader::new(output).lines();
            while let Ok(Some(line)) = output.next_line().await {
                let value: Value = serde_json::from_str(&line).unwrap_or_else(|_| json!({"error": line}));
                if value.get("second").is_some() {
                    kept.lock().push(value);
                } else if send.send(value).await.is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, input: Some(input), lines, seconds, title })
    }

    /// The next line that is not a second of steady load.
    pub(crate) async fn line(&mut self) -> Outcome<Value> {
        let line = timeout(ANSWER_LIMIT, self.lines.recv()).await;
        match line.during(format!("waiting for {}", self.title))? {
            Some(line) => Ok(line),
            None => problem(format!("{} has ended", self.title)),
        }
    }

    async fn say(&mut self, command: &Value) -> Outcome {
        let what = format!("talking to {}", self.title);
        let Some(input) = &mut self.input else {
            return problem(what);
        };
        input.write_all(format!("{command}\n").as_bytes()).await.during(&what)?;
        input.flush().await.during(&what)
    }

    /// Sends a signal by its name.
    pub(crate) async fn signal(&self, name: &str) -> Outcome {
        match self.child.id() {
            Some(pid) => signal(pid, name).await,
            None => problem(format!("{} has ended before SIG{name}", self.title)),
        }
    }

    /// Kills it and waits until it is gone.
    pub(crate) async fn kill(&mut self) -> Outcome {
        self.child.kill().await.during(format!("killing {}", self.title))
    }

    pub(crate) async fn ended(&mut self, limit: Duration) -> Outcome {
        timeout(limit, self.child.wait())
            .await
            .during(format!("waiting for the end of {}", self.title))??;
        Ok(())
    }
}

/// Sends a signal by its name to a process.
pub(super) async fn signal(pid: u32, name: &str) -> Outcome {
    let status = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().await;
    if status.during("running kill")?.success() {
        Ok(())
    } else {
        problem(format!("kill -{name} {pid} failed"))
    }
}

impl Caller {
    pub(crate) async fn start(programs: &Programs, kind: Kind, arguments: &[String]) -> Outcome<Self> {
        let arguments: Vec<_> =
            std::iter::once("client".to_owned()).chain(arguments.iter().cloned()).collect();
        let mut process = Process::start(programs, kind, &arguments)?;
        let ready = process.line().await?;
        if ready["ready"] != true {
            return problem(format!("{}: expected it to be ready, it said {ready}", process.title));
        }
        Ok(Self(process))
    }

    /// Gives a command; its answer, if that is that it was done.
    pub(crate) async fn ask(&mut self, command: Value) -> Outcome<Value> {
        self.0.say(&command).await?;
        let answer = self.0.line().await?;
        if answer["ok"] == true {
            return Ok(answer);
        }
        problem(format!("{}: {command} was answered with {answer}", self.0.title))
    }

    /// Where the seconds of steady load are put as it tells of them.
    pub(crate) fn seconds_to_come(&self) -> Arc<Mutex<Vec<Value>>> {
        self.0.seconds.clone()
    }

    /// Ends steady load; its sum.
    pub(crate) async fn stop_load(&mut self) -> Outcome<Value> {
        Ok(self.ask(json!({"stop": true})).await?["stopped"].take())
    }

    /// Waits until so many members are listed.
    pub(crate) async fn wait_for(&mut self, count: usize) -> Outcome<Value> {
        self.ask(json!({"wait": {"count": count, "timeout_ms": 20_000}})).await
    }
}
