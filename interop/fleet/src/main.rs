//! Members and callers of a fleet, with the command line and the JSON lines of the Go fleet programs, and what is
//! checked of fleets in which both languages serve and call. See `interop/README.md`.

mod caller;
mod cases;
mod flags;
mod member;
mod message;
mod mixed;
mod problem;
mod report;
mod stage;
mod tell;

use std::io::Write as _;
use std::process::ExitCode;

use problem::{Outcome, problem};
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "expected one of
  fleet server --name A [--addr 127.0.0.1:0] [--metadata 'weight=3&group=a'] [--delay 2ms] [--grace 3s]
               [--etcd HOST:PORT [--base /rpcx_test] [--options check=1s]]
  fleet client (--servers LIST | --etcd HOST:PORT [--base /rpcx_test] [--options grace=30s])
               [--select random|roundrobin|weighted|icmp|hash|closest or a balancer's name] [--lat N --lon N]
               [--group G] [--fail failover|failfast|failtry|failbackup] [--retries 3] [--retry-interval 10ms]
               [--backup-latency 10ms] [--connect-timeout 1s] [--codec msgpack|json]
  fleet check [--verbose] [--only GROUP]      what holds between Go and Rust, a row for each thing
  fleet mixed [--short] [--hold 6s] [--rate 100] [--verbose]
server and client speak as the Go fleet programs do: interop/README.md";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ended = match arguments.first().map(String::as_str) {
        Some("server") => member::run(&arguments[1..]).await.map(|()| true),
        Some("client") => caller::run(&arguments[1..]).await.map(|()| true),
        Some("check") => unless_ended(cases::run(&arguments[1..])).await,
        Some("mixed") => unless_ended(mixed::run(&arguments[1..])).await,
        _ => problem(USAGE),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            let _ = writeln!(std::io::stderr(), "fleet: {}", problem.0);
            ExitCode::from(2)
        }
    }
}

/// Ends with its processes when it is told to.
async fn unless_ended(work: impl Future<Output = Outcome<bool>>) -> Outcome<bool> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    tokio::select! {
        done = work => done,
        _ = terminated.recv() => problem("ended by SIGTERM"),
        _ = interrupted.recv() => problem("interrupted"),
    }
}
