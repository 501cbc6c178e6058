//! Our servers stop in order, one after another, under the steady calls of clients that make one attempt only: what our
//! server does must not cost a call, whatever the client would do about it.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::Bench;
use crate::problem::{Outcome, expect};
use crate::report::Rows;
use crate::stage::{Caller, Kind, Member};

pub(super) const CASES: &[&str] = &["replaced without retries"];

pub(super) async fn play(bench: &Bench, calling: Kind, rows: &Rows) -> Outcome {
    let place = bench.place(&format!("/stops/{}", calling.title()));
    let start = async |name: &str| {
        Member::start(&bench.programs, Kind::Rust, name, "", Some(&place), &["--delay", "2ms"]).await
    };
    let (a, b) = (start("a").await?, start("b").await?);
    let mut flags = place.flags();
    flags.extend(["--select", "roundrobin", "--fail", "failfast"].map(str::to_owned));
    let mut caller = Caller::start(&bench.programs, calling, &flags).await?;
    caller.wait_for(2).await?;
    // What may not be done twice: nobody would try it again.
    let load = json!({"callers": 8, "rate": 400, "call": "Work", "millis": 5, "prefix": "once"});
    caller.ask(json!({"steady": load})).await?;
    let mut cut = 0;
    let mut repeated = 0;
    let mut replaced = Vec::new();
    for (old, new) in [(a, "c"), (b, "d")] {
        let new = start(new).await?;
        caller.wait_for(3).await?;
        sleep(Duration::from_millis(500)).await;
        let end = old.stop().await?;
        cut += end["cut"].as_u64().unwrap_or(0);
        repeated += end["repeated"].as_u64().unwrap_or(0);
        caller.wait_for(2).await?;
        replaced.push(new);
    }
    let total = caller.stop_load().await?;
    let figures = format!("{} calls, {} errors", total["calls"], total["errors"]);
    let good = total["errors"] == 0 && cut == 0 && repeated == 0;
    let outcome = expect(good, || {
        format!("{figures}: {}; {cut} were cut, {repeated} done more than once", total["error_texts"])
    });
    rows.settle(CASES[0], outcome.map(|()| figures));
    for member in replaced {
        member.stop().await?;
    }
    Ok(())
}
