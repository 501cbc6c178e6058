//! A caller of a fleet: a client over a static list or etcd, driven by commands on standard input as the Go one is.

mod calls;
mod command;
mod exchange;
mod seen;
mod steady;
mod tally;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use trunkline::Client;
use trunkline::balance::{self, Nearest, Position};
use trunkline::client::{ClientBuilder, FailMode, Retries};
use trunkline::registry::{List, Registry, Resolver};

use crate::flags::Flags;
use crate::message::SERVICE;
use crate::problem::{During, Outcome, problem};
use crate::tell::tell;
use command::{Command, Wait};
use exchange::Exchange;
use seen::Seen;
use steady::SteadyLoad;

const VALUED: &[&str] = &[
    "servers",
    "etcd",
    "base",
    "options",
    "select",
    "fail",
    "group",
    "lat",
    "lon",
    "retries",
    "retry-interval",
    "backup-latency",
    "connect-timeout",
    "codec",
];
/// For Go's discovery, which otherwise does not start while nobody is there; ours does.
const PLAIN: &[&str] = &["allow-empty"];

const FIRST_LIST: Duration = Duration::from_secs(10);

/// A caller.
struct Session {
    caller: Caller,
    /// The list that `update` replaces, where there is one.
    list: Option<List>,
    seen: Seen,
    steady: Option<SteadyLoad>,
}

/// What a call needs.
#[derive(Clone)]
struct Caller {
    client: Client,
    json: bool,
}

/// Does the commands on standard input, until there are no more.
pub(crate) async fn run(arguments: &[String]) -> Outcome {
    let flags = Flags::parse(arguments, VALUED, PLAIN)?;
    let mut session = open(&flags).await?;
    tell(&json!({"ready": true, "language": "rust", "trunkline": env!("CARGO_PKG_VERSION")}));
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await.during("reading commands")? {
        if line.is_empty() {
            continue;
        }
        let command: Command = match serde_json::from_str(&line) {
            Ok(command) => command,
            Err(error) => {
                tell(&json!({"ok": false, "error": format!("this is no command: {error}")}));
                continue;
            }
        };
        let id = command.id.clone();
        let mut answer = match session.run(command).await {
            Ok(answer) => answer,
            Err(problem) => json!({"error": problem.0}),
        };
        answer["ok"] = json!(answer.get("error").is_none());
        if let Some(id) = id {
            answer["id"] = id;
        }
        tell(&answer);
    }
    if let Some(load) = session.steady.take() {
        load.end().await;
    }
    Ok(())
}

async fn open(flags: &Flags) -> Outcome<Session> {
    let (list, resolver): (Option<List>, Arc<dyn Resolver>) = match flags.text("etcd") {
        "" => {
            let list: List = flags.text("servers").parse().during("--servers")?;
            (Some(list.clone()), Arc::new(list))
        }
        etcd => {
            let base = flags.text_or("base", "/rpcx_test");
            let url = format!("etcd://{etcd}{base}?{}", flags.text("options"));
            (None, Registry::open(&url)?.resolver()?)
        }
    };
    let seen = Seen::watch(resolver.watch(SERVICE));
    let client = builder(flags, &seen)?.connect_to(resolver).await?;
    if !flags.has("allow-empty") {
        let first = tokio::time::timeout(FIRST_LIST, client.ready_for(SERVICE)).await;
        first.during(format!("no member is there after {FIRST_LIST:?}"))?;
    }
    let json = match flags.text_or("codec", "msgpack") {
        "msgpack" => false,
        "json" => true,
        other => return problem(format!("unknown codec {other:?}, expected msgpack or json")),
    };
    Ok(Session { caller: Caller { client, json }, list, seen, steady: None })
}

fn builder(flags: &Flags, seen: &Seen) -> Outcome<ClientBuilder> {
    let mut builder = Client::builder().attempt_layer(seen.failures());
    builder = match flags.text_or("select", "random") {
        "closest" => {
            let (Some(latitude), Some(longitude)) = (flags.number("lat")?, flags.number("lon")?) else {
                return problem("the mode closest needs --lat and --lon");
            };
            builder.balancer(Nearest::to(Position::new(latitude, longitude)?))
        }
        name => builder.balancer(balance::by_name(match name {
            "icmp" => "network-quality",
            "hash" => "go-hash",
            other => other,
        })?),
    };
    let mode = match flags.text_or("fail", "failover") {
        "failover" => FailMode::Failover,
        "failfast" => FailMode::Failfast,
        "failtry" => FailMode::Failtry,
        "failbackup" => FailMode::Failbackup,
        other => return problem(format!("unknown fail mode {other:?}")),
    };
    let mut retries = Retries::new(flags.number("retries")?.unwrap_or(3));
    if let Some(pause) = flags.time("retry-interval")? {
        retries = retries.pause(pause, pause);
    }
    if let Some(latency) = flags.time("backup-latency")? {
        retries = retries.backup_after(latency);
    }
    builder = builder.fail_mode(mode).retries(retries);
    if flags.has("group") {
        builder = builder.group(flags.text("group"));
    }
    builder = builder.connect_timeout(flags.time("connect-timeout")?.unwrap_or(Duration::from_secs(1)));
    Ok(builder)
}

impl Session {
    async fn run(&mut self, command: Command) -> Outcome<Value> {
        if let Some(method) = &command.call {
            return calls::run(&self.caller, method, &command).await;
        }
        if let Some(method) = &command.everywhere {
            return self.everywhere(method, command.args.as_ref()).await;
        }
        if let Some(settings) = command.steady {
            if self.steady.is_some() {
                return problem("there is steady load already, expected a stop first");
            }
            self.steady = Some(SteadyLoad::begin(settings, self.caller.clone())?);
            return Ok(json!({"steady": true}));
        }
        if command.stop {
            let Some(load) = self.steady.take() else {
                return problem("there is no steady load to stop");
            };
            return Ok(json!({"stopped": load.end().await}));
        }
        if let Some(wait) = command.wait {
            return self.wait(&wait).await;
        }
        if let Some(servers) = &command.update {
            let Some(list) = &self.list else {
                return problem("only a static list can be updated, expected a client with --servers");
            };
            let new: List = servers.parse()?;
            list.set(new.instances().iter().cloned());
            return Ok(self.seen.list());
        }
        if command.list {
            return Ok(self.seen.list());
        }
        if command.seen {
            return Ok(self.seen.report());
        }
        problem("this command says nothing to do")
    }

    /// Every listed member, each by a client of its own.
    async fn everywhere(&self, method: &str, arguments: Option<&Value>) -> Outcome<Value> {
        let mut replies = Vec::new();
        for address in self.seen.addresses() {
            let client = Client::builder().fail_mode(FailMode::Failfast).connect(&address).await?;
            let one = Caller { client, json: self.caller.json };
            let exchange = Exchange::new(method, arguments, None)?;
            replies.push(match one.call(&exchange, calls::USUAL_LIMIT).await {
                Ok(answer) => json!({"key": address, "reply": answer.reply}),
                Err(error) => json!({"key": address, "error": error.message()}),
            });
        }
        Ok(json!({"replies": replies}))
    }

    async fn wait(&self, wait: &Wait) -> Outcome<Value> {
        let begin = Instant::now();
        let limit = Duration::from_millis(if wait.timeout_ms == 0 { 10_000 } else { wait.timeout_ms });
        loop {
            let mut list = self.seen.list();
            let waited = begin.elapsed();
            list["waited_ms"] = json!(waited.as_millis());
            if list["count"] == json!(wait.count) {
                return Ok(list);
            }
            if waited > limit {
                list["error"] = json!(format!(
                    "after {} ms the list has {} servers, expected {}",
                    waited.as_millis(),
                    list["count"],
                    wait.count
                ));
                return Ok(list);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
