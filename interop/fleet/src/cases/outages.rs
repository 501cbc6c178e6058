//! A fleet of both languages under the steady calls of clients of both, while etcd fails in every way it can.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::Bench;
use crate::problem::{Outcome, expect, problem};
use crate::report::Rows;
use crate::stage::{Caller, Etcd, Kind, Member, Place, Store, await_nodes};

const STOP: &str = "a server stopped";
const RESTART: &str = "etcd killed and restarted";
const WIPE: &str = "etcd killed, wiped and restarted";
const FREEZE: &str = "etcd frozen for 10 s";
const REVOKE: &str = "leases revoked by hand";
const KILL: &str = "a server killed while etcd is frozen";
/// After an outage of etcd our client believes no loss for a while, so what its list shall show comes first.
pub(super) const CASES: &[&str] = &[STOP, REVOKE, RESTART, WIPE, FREEZE, KILL];

const CALLERS: [Kind; 3] = [Kind::Rust, Kind::Go194, Kind::Go1835];
/// Calls a second of each client; more where the ones under way matter.
const RATE: u32 = 60;
const BUSY: u32 = 400;
/// How often a client may come to a server that is gone.
const MOST_AT_THE_DEAD: u64 = 3;

struct Fleet {
    etcd: Etcd,
    place: Place,
    store: Store,
    members: Vec<Member>,
    callers: Vec<Caller>,
}

/// Plays everything; `all` are the rows of each client.
pub(super) async fn play(bench: &Bench, all: &[Rows; 3]) -> Outcome {
    let etcd = Etcd::start().await?;
    let place = Place::new(&etcd.endpoint(), "/rpcx_test");
    let store = Store::of(&bench.programs, &place.etcd);
    let mut members = Vec::new();
    for (name, kind) in [("rust-1", Kind::Rust), ("rust-2", Kind::Rust), ("go-1", Kind::Go194)] {
        members
            .push(Member::start(&bench.programs, kind, name, "", Some(&place), &["--delay", "1ms"]).await?);
    }
    let mut fleet = Fleet { etcd, place, store, members, callers: Vec::new() };
    fleet.all_listed().await?;
    for kind in CALLERS {
        let mut flags = fleet.place.flags();
        flags.extend(["--select", "roundrobin", "--retries", "10"].map(str::to_owned));
        let mut caller = Caller::start(&bench.programs, kind, &flags).await?;
        caller.wait_for(fleet.members.len()).await?;
        fleet.callers.push(caller);
    }
    for case in CASES {
        let before = fleet.begin_load(if *case == KILL { BUSY } else { RATE }).await?;
        fleet.cause(case).await?;
        let outcomes = fleet.end_load(case, &before).await?;
        for (rows, outcome) in all.iter().zip(outcomes) {
            rows.settle(case, outcome);
        }
        if *case == STOP {
            let new = fleet.start(bench, Kind::Rust, "rust-3").await?;
            fleet.members.insert(0, new);
            fleet.all_listed().await?;
        }
    }
    Ok(())
}

impl Fleet {
    async fn start(&self, bench: &Bench, kind: Kind, name: &str) -> Outcome<Member> {
        Member::start(&bench.programs, kind, name, "", Some(&self.place), &["--delay", "1ms"]).await
    }

    async fn all_listed(&self) -> Outcome {
        await_nodes(&self.store, &self.place, &self.members.iter().collect::<Vec<_>>()).await
    }

    /// Begins the load; what our client has seen until now.
    async fn begin_load(&mut self, rate: u32) -> Outcome<Value> {
        for caller in &mut self.callers {
            caller.ask(json!({"steady": {"callers": 3, "rate": rate, "timeout_ms": 3000}})).await?;
        }
        sleep(Duration::from_millis(500)).await;
        self.callers[0].ask(json!({"seen": true})).await
    }

    async fn cause(&mut self, case: &str) -> Outcome {
        match case {
            RESTART | WIPE => {
                self.etcd.kill().await?;
                sleep(Duration::from_secs(2)).await;
                if case == WIPE {
                    self.etcd.wipe()?;
                }
                self.etcd.run().await?;
                self.all_listed().await?;
                sleep(Duration::from_secs(1)).await;
            }
            FREEZE => {
                self.etcd.signal("STOP").await?;
                sleep(Duration::from_secs(10)).await;
                self.etcd.signal("CONT").await?;
                sleep(Duration::from_secs(1)).await;
                self.all_listed().await?;
            }
            REVOKE => {
                for member in &self.members {
                    let Some(entry) = self.store.get(&self.place.key(&member.node)).await? else {
                        return problem(format!("{} is not in etcd", member.name));
                    };
                    self.store.run(&["revoke", entry["lease"].as_str().unwrap_or_default()]).await?;
                    self.all_listed().await?;
                }
            }
            STOP => {
                self.members.remove(0).stop().await?;
                for caller in &mut self.callers {
                    caller.wait_for(self.members.len()).await?;
                }
                sleep(Duration::from_millis(500)).await;
            }
            _ => {
                self.etcd.signal("STOP").await?;
                sleep(Duration::from_millis(300)).await;
                self.members[0].process.kill().await?;
                sleep(Duration::from_secs(4)).await;
                self.etcd.signal("CONT").await?;
            }
        }
        Ok(())
    }

    async fn end_load(&mut self, case: &str, before: &Value) -> Outcome<Vec<Outcome<String>>> {
        let mut outcomes = Vec::new();
        for (caller, kind) in self.callers.iter_mut().zip(CALLERS) {
            let total = caller.stop_load().await?;
            let mut figures = format!(
                "{} calls, {} errors, p99 {:.1} ms, slowest {:.0} ms",
                total["calls"],
                total["errors"],
                total["p99_us"].as_f64().unwrap_or(0.0) / 1000.0,
                total["max_us"].as_f64().unwrap_or(0.0) / 1000.0,
            );
            let failed = total["errors"] != 0 || total["calls"] == 0;
            let mut outcome = expect(!failed, || format!("{figures}: {}", total["error_texts"]));
            if kind == Kind::Rust {
                let after = caller.ask(json!({"seen": true})).await?;
                figures.push_str(&format!("; shortest list {}", after["fewest"]));
                let shortest = after["fewest"].as_u64().unwrap_or(0);
                outcome =
                    outcome.and_then(|()| expect(shortest > 0, || "the client's list was empty".to_owned()));
                if case == STOP {
                    let less = before["fewest"].as_u64().unwrap_or(0) - 1;
                    outcome = outcome
                        .and_then(|()| expect(shortest == less, || format!("{figures}, expected {less}")));
                }
                if case == KILL {
                    let dead = &self.members[0].node;
                    let count = |seen: &Value| seen["failed_attempts"][dead].as_u64().unwrap_or(0);
                    let attempts = count(&after) - count(before);
                    figures.push_str(&format!("; {attempts} attempts at the dead server"));
                    outcome = outcome.and_then(|()| expect(attempts <= MOST_AT_THE_DEAD, || figures.clone()));
                }
            }
            outcomes.push(outcome.map(|()| figures));
        }
        Ok(outcomes)
    }
}
