//! The fleet that changes language: three Go servers become Rust ones and Go ones again, one by one, under the steady
//! calls of Go and Rust clients, and no call fails.

mod watch;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::flags::Flags;
use crate::problem::{Outcome, Problem, expect};
use crate::stage::{Caller, Etcd, Kind, Member, Place, Programs};
use crate::tell::say;
use watch::Watch;

const CALLERS: [(Kind, &str); 3] =
    [(Kind::Go194, "Go 1.9.4"), (Kind::Go1835, "Go 1.8.35"), (Kind::Rust, "Rust")];
const TEAM: usize = 3;

/// What is going on.
struct Fleet {
    programs: Programs,
    place: Place,
    callers: Vec<Caller>,
    members: Vec<Member>,
    watch: Watch,
    /// How long each state is looked at.
    hold: Duration,
}

/// Plays it; whether no call failed.
pub(crate) async fn run(arguments: &[String]) -> Outcome<bool> {
    let flags = Flags::parse(arguments, &["hold", "rate"], &["short", "verbose"])?;
    let hold = Duration::from_millis(if flags.has("short") { 2_500 } else { 6_000 });
    let hold = flags.time("hold")?.unwrap_or(hold);
    let rate: u32 = flags.number("rate")?.unwrap_or(100);

    let programs = Programs::find(flags.has("verbose"))?;
    let etcd = Etcd::start().await?;
    let place = Place::new(&etcd.endpoint(), "/rpcx_test");
    let mut members = Vec::new();
    for number in 1..=TEAM {
        members.push(member(&programs, &place, Kind::Go194, number).await?);
    }
    let mut callers = Vec::new();
    for (kind, _) in CALLERS {
        let mut flags = place.flags();
        flags.extend(["--select", "roundrobin", "--fail", "failover", "--retries", "10"].map(str::to_owned));
        callers.push(Caller::start(&programs, kind, &flags).await?);
    }
    let watch = Watch::over(&callers);
    say("  s  calls  errors  p99 in ms (Go 1.9.4, Go 1.8.35, Rust)  share of each server, and what happens");
    let mut fleet = Fleet { programs, place, callers, members, watch, hold };
    fleet.play(rate).await
}

async fn member(programs: &Programs, place: &Place, kind: Kind, number: usize) -> Outcome<Member> {
    let language = if kind == Kind::Rust { "rust" } else { "go" };
    Member::start(programs, kind, &format!("{language}-{number}"), "", Some(place), &["--delay", "2ms"]).await
}

impl Fleet {
    async fn play(&mut self, rate: u32) -> Outcome<bool> {
        self.everyone_lists(TEAM).await?;
        self.watch.phase("three Go servers");
        for caller in &mut self.callers {
            caller.ask(json!({"steady": {"callers": 4, "rate": rate}})).await?;
        }
        self.watch.begin();
        sleep(self.hold).await;
        for kind in [Kind::Rust, Kind::Go194] {
            for number in 1..=TEAM {
                self.replace(kind, number).await?;
            }
            let language = if kind == Kind::Rust { "Rust" } else { "Go" };
            self.watch.phase(&format!("three {language} servers"));
            self.everyone_calls_everybody().await?;
            sleep(self.hold).await;
        }
        self.finish().await
    }

    /// Starts the new server, waits until everyone lists it, and stops the one it replaces.
    async fn replace(&mut self, kind: Kind, number: usize) -> Outcome {
        let new = member(&self.programs, &self.place, kind, number).await?;
        let old = self.members.remove(0);
        self.watch.phase(&format!("{} comes", new.name));
        self.members.push(new);
        self.everyone_lists(TEAM + 1).await?;
        sleep(self.hold).await;
        self.watch.phase(&format!("{} stops", old.name));
        let name = old.name.clone();
        let end = old.stop().await?;
        expect(end["cut"] == 0 || end["cut"].is_null(), || {
            format!("{name} cut calls when it stopped: {end}")
        })?;
        self.everyone_lists(TEAM).await?;
        sleep(self.hold / 2).await;
        Ok(())
    }

    async fn everyone_lists(&mut self, count: usize) -> Outcome {
        for caller in &mut self.callers {
            caller.wait_for(count).await?;
        }
        Ok(())
    }

    /// Each client is answered by each server, and by nobody else.
    async fn everyone_calls_everybody(&mut self) -> Outcome {
        let mut names: Vec<_> = self.members.iter().map(|member| member.name.as_str()).collect();
        names.sort_unstable();
        for (caller, (_, name)) in self.callers.iter_mut().zip(CALLERS) {
            let answer = caller.ask(json!({"call": "Who", "n": 60})).await?;
            let by_instance = answer["by_instance"].as_object();
            let answered: Vec<_> = by_instance.into_iter().flat_map(|by| by.keys()).collect();
            expect(answered == names, || format!("{name} was answered by {answered:?}, expected {names:?}"))?;
        }
        Ok(())
    }

    async fn finish(&mut self) -> Outcome<bool> {
        let mut totals = Vec::new();
        for (caller, (_, name)) in self.callers.iter_mut().zip(CALLERS) {
            totals.push((name, caller.stop_load().await?));
        }
        say(&self.watch.summary());
        let (mut calls, mut errors) = (0, 0);
        for (name, total) in &totals {
            let number = |field: &str| total[field].as_u64().unwrap_or(0);
            calls += number("calls");
            errors += number("errors");
            let millis = |field: &str| number(field) as f64 / 1000.0;
            say(&format!(
                "{name}: {} calls, {} errors, p50 {:.1} ms, p99 {:.1} ms, slowest {:.0} ms{}",
                number("calls"),
                number("errors"),
                millis("p50_us"),
                millis("p99_us"),
                millis("max_us"),
                texts(total),
            ));
        }
        say(&format!("{errors} errors in {calls} calls"));
        while let Some(member) = self.members.pop() {
            member.stop().await?;
        }
        if calls == 0 { Err(Problem("nothing was called".to_owned())) } else { Ok(errors == 0) }
    }
}

fn texts(total: &Value) -> String {
    match total["error_texts"].as_object() {
        Some(texts) if !texts.is_empty() => format!(": {}", total["error_texts"]),
        _ => String::new(),
    }
}
