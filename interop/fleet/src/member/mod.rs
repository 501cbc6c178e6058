//! A member of a fleet: a server that registers itself in etcd, with the command line of the Go one.

mod service;

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::signal::unix::{SignalKind, signal};
use trunkline::Server;
use trunkline::server::RunningServer;

use crate::flags::Flags;
use crate::message::{Fleet as _, SERVICE};
use crate::problem::{During, Outcome, problem};
use crate::tell::tell;
use service::Service;

const VALUED: &[&str] =
    &["name", "addr", "delay", "metadata", "etcd", "base", "options", "grace", "update", "expire"];
/// `update`, `expire` and these two are for Go's registration plugin; ours needs no ticks to be there.
const PLAIN: &[&str] = &["metrics", "await-start"];

const REGISTERED_LIMIT: Duration = Duration::from_secs(12);

/// Serves until SIGTERM comes or standard input ends.
pub(crate) async fn run(arguments: &[String]) -> Outcome {
    let flags = Flags::parse(arguments, VALUED, PLAIN)?;
    let name = flags.text("name");
    if name.is_empty() {
        return problem("--name is missing, expected the name of this member");
    }
    let mut terminated = signal(SignalKind::terminate()).during("waiting for signals")?;
    let service = Service::new(name, flags.time("delay")?.unwrap_or_default());
    let counts = service.counts();
    let begin = Instant::now();
    let server = start(&flags, service).await?;

    let node = server.address().to_owned();
    let mut ready = json!({
        "ready": true, "name": name, "listening": node.trim_start_matches("tcp@"), "node": node,
        "pid": std::process::id(), "language": "rust", "trunkline": env!("CARGO_PKG_VERSION"),
    });
    if flags.has("etcd") {
        registered(&server).await?;
        ready["registered_after_ms"] = json!(begin.elapsed().as_millis());
        ready["registered"] = json!({
            "key": format!("{}/{SERVICE}/{node}", flags.text_or("base", "/rpcx_test")), "value": flags.text("metadata"),
        });
    }
    tell(&ready);

    let mut input = tokio::io::stdin();
    let mut ignored = [0; 256];
    loop {
        tokio::select! {
            _ = terminated.recv() => break,
            read = input.read(&mut ignored) => {
                if !matches!(read, Ok(1..)) {
                    // As after kill -9: what stands in the registry stays until its lease ends.
                    end();
                }
            }
        }
    }
    let begin = Instant::now();
    let report = server.stop().await;
    let (executed, repeated) = counts.executed();
    tell(&json!({
        "stopped": true, "name": name, "answered": counts.answered(), "executed": executed, "repeated": repeated,
        "cut": report.cut, "left_behind": report.left_behind.len(), "took_ms": begin.elapsed().as_millis(),
    }));
    // Reading standard input holds a thread that nothing else ends.
    end();
}

/// Ends the program at once, without withdrawing anything.
#[expect(clippy::disallowed_methods, reason = "this is a program")]
fn end() -> ! {
    std::process::exit(0)
}

async fn start(flags: &Flags, service: Service) -> Outcome<RunningServer> {
    let mut builder = Server::builder().service(service.into_service()).attributes(flags.text("metadata"));
    if flags.has("etcd") {
        let (etcd, base) = (flags.text("etcd"), flags.text_or("base", "/rpcx_test"));
        builder = builder.register(&format!("etcd://{etcd}{base}?{}", flags.text("options")));
    }
    if let Some(grace) = flags.time("grace")? {
        builder = builder.grace(grace);
    }
    let address = format!("tcp@{}", flags.text_or("addr", "127.0.0.1:0"));
    Ok(builder.bind(&address).await.during("binding")?.spawn())
}

async fn registered(server: &RunningServer) -> Outcome {
    let deadline = Instant::now() + REGISTERED_LIMIT;
    while !server.handle().is_ready() {
        if Instant::now() > deadline {
            return problem(format!(
                "not registered in time: {}",
                server.handle().why_not_ready().join("; ")
            ));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
