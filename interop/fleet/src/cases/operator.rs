//! An operator sets a server inactive in etcd: clients of both languages stop calling it, and the server does not undo
//! it; set active, it is called again.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use super::Bench;
use crate::problem::{Outcome, expect, problem};
use crate::report::Rows;
use crate::stage::{Caller, Kind, Member, Store, await_nodes};

pub(super) const CASES: &[&str] = &["state=inactive is heeded", "and kept", "and taken back"];

/// Go servers write at each tick, every two seconds, and ours look each second.
const KEPT: Duration = Duration::from_secs(3);

pub(super) async fn play(bench: &Bench, serving: Kind, calling: Kind, rows: &Rows) -> Outcome {
    let place = bench.place(&format!("/operator/{}/{}", calling.title(), serving.title()));
    let store = Store::of(&bench.programs, &place.etcd);
    let a = Member::start(&bench.programs, serving, "a", "weight=2", Some(&place), &[]).await?;
    let b = Member::start(&bench.programs, serving, "b", "weight=2", Some(&place), &[]).await?;
    await_nodes(&store, &place, &[&a, &b]).await?;
    let mut flags = place.flags();
    flags.extend(["--select", "roundrobin"].map(str::to_owned));
    let mut caller = Caller::start(&bench.programs, calling, &flags).await?;
    called_are(&mut caller, &["a", "b"]).await?;

    let key = place.key(&b.node);
    store.edit(&key, "weight=2&state=inactive").await?;
    rows.settle(CASES[0], called_are(&mut caller, &["a"]).await.map(|()| String::new()));

    sleep(KEPT).await;
    let entry = store.get(&key).await?.unwrap_or_default();
    let value = entry["value"].as_str().unwrap_or_default().to_owned();
    let kept = expect(value.contains("state=inactive"), || format!("the entry is {value:?} by now"));
    let kept = kept.and(called_are(&mut caller, &["a"]).await);
    rows.settle(CASES[1], kept.map(|()| String::new()));

    store.edit(&key, "weight=2&state=active").await?;
    rows.settle(CASES[2], called_are(&mut caller, &["a", "b"]).await.map(|()| String::new()));
    a.stop().await?;
    b.stop().await.map(drop)
}

/// Waits until these are called and nobody else.
async fn called_are(caller: &mut Caller, names: &[&str]) -> Outcome {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = caller.ask(json!({"call": "Who", "n": 20})).await?;
        expect(answer["errors"] == 0, || format!("calls failed: {answer}"))?;
        let called: Vec<_> = answer["by_instance"].as_object().into_iter().flat_map(|by| by.keys()).collect();
        if called == names {
            return Ok(());
        }
        if Instant::now() > deadline {
            return problem(format!("called are {called:?}, expected {names:?}"));
        }
        sleep(Duration::from_millis(50)).await;
    }
}
