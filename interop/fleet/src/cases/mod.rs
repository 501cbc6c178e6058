//! What holds between Go and Rust, a row for each thing.

mod choosing;
mod entries;
mod history;
mod operator;
mod outages;
mod stops;

use std::time::Duration;

use tokio::time::timeout;

use crate::flags::Flags;
use crate::problem::{During, Outcome};
use crate::report::{Report, Rows};
use crate::stage::{Etcd, Kind, Place, Programs};
use crate::tell::say;

/// More than a healthy group takes many times over.
const GROUP_LIMIT: Duration = Duration::from_secs(100);
const OUT_OF_TIME: &str = "the time for this group was up";

/// What the groups need.
struct Bench {
    programs: Programs,
    etcd: Etcd,
    report: Report,
    only: String,
}

/// Plays everything; whether it is green.
pub(crate) async fn run(arguments: &[String]) -> Outcome<bool> {
    let flags = Flags::parse(arguments, &["only"], &["verbose"])?;
    let programs = Programs::find(flags.has("verbose"))?;
    let bench = Bench {
        programs,
        etcd: Etcd::start().await?,
        report: Report::default(),
        only: flags.text("only").to_owned(),
    };
    // Two at a time: much of it is waiting.
    tokio::join!(quiet(&bench), outages(&bench));
    let (text, green) = bench.report.render();
    say(&text);
    Ok(green)
}

async fn quiet(bench: &Bench) {
    bench
        .group("stops", "us→us", stops::CASES, async |rows| stops::play(bench, Kind::Rust, rows).await)
        .await;
    for go in Kind::GO {
        for (serving, calling) in [(Kind::Rust, go), (go, Kind::Rust)] {
            let column = format!("{}→{}", calling.title(), serving.title());
            let cases = choosing::cases(calling);
            bench
                .group("choosing", &column, &cases, async |rows| {
                    choosing::play(bench, serving, calling, rows).await
                })
                .await;
            if serving == Kind::Rust {
                bench
                    .group("stops", &column, stops::CASES, async |rows| {
                        stops::play(bench, calling, rows).await
                    })
                    .await;
            }
            bench
                .group("operator", &column, operator::CASES, async |rows| {
                    operator::play(bench, serving, calling, rows).await
                })
                .await;
        }
        let column = format!("us as {}", go.title());
        bench
            .group("entries", &column, entries::CASES, async |rows| entries::play(bench, go, rows).await)
            .await;
        bench
            .group("history", &column, history::CASES, async |rows| history::play(bench, go, rows).await)
            .await;
    }
}

async fn outages(bench: &Bench) {
    if !bench.asked_for("outages") {
        return;
    }
    let all =
        ["us", "v1.9.4", "v1.8.35"].map(|client| bench.report.rows(format!("{client}→both"), outages::CASES));
    let played = timeout(GROUP_LIMIT, outages::play(bench, &all)).await.during(OUT_OF_TIME);
    let played = played.and_then(|played| played);
    all.iter().for_each(|rows| rows.finish(played.clone()));
}

impl Bench {
    fn asked_for(&self, group: &str) -> bool {
        self.only.is_empty() || self.only == group
    }

    /// Declares a group's rows and plays it.
    async fn group(
        &self,
        name: &str,
        column: &str,
        cases: &[&str],
        play: impl AsyncFnOnce(&Rows) -> Outcome,
    ) {
        if !self.asked_for(name) {
            return;
        }
        let rows = self.report.rows(column, cases);
        let played = timeout(GROUP_LIMIT, play(&rows)).await.during(OUT_OF_TIME);
        rows.finish(played.and_then(|played| played));
    }

    /// A place in etcd that nobody else uses.
    fn place(&self, base: &str) -> Place {
        Place::new(&self.etcd.endpoint(), base)
    }
}
