//! Consistent hashing: after the same history of lists, our client sends each key where Go's selector does, and where
//! Go's client does.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::Bench;
use crate::problem::{Outcome, Problem, equal};
use crate::report::Rows;
use crate::stage::{Caller, Kind, Member, ask_go};

pub(super) const CASES: &[&str] = &["keys after each step"];

/// Members that come and go. One at a time: what comes at once, Go takes in an order of chance.
const STEPS: &[&str] = &["+a", "+b", "+c", "+d", "-b", "-a", "+e", "+b", "-d", "+a"];

const KEYS: usize = 60;

pub(super) async fn play(bench: &Bench, go: Kind, rows: &Rows) -> Outcome {
    let mut members = BTreeMap::new();
    for name in ["a", "b", "c", "d", "e"] {
        let member = Member::start(&bench.programs, Kind::Rust, name, "", None, &[]).await?;
        members.insert(name, member);
    }
    let node = |step: &str| format!("{}{}", &step[..1], members[&step[1..]].node);
    let steps: Vec<_> = STEPS.iter().map(|step| node(step)).collect();
    let keys: Vec<_> = (0..KEYS).map(|i| format!("key-{i}")).collect();
    let arguments = ["hash", "--steps", &steps.join(","), "--keys", &keys.join(",")];
    let told = ask_go(&bench.programs, go, &arguments).await?;
    let predicted: Vec<&Value> = told.iter().filter(|line| line.get("step").is_some()).collect();
    equal("steps that Go tells of", &predicted.len(), &STEPS.len())?;

    let first = ["--select", "hash", "--servers", &members["a"].node].map(str::to_owned);
    let mut ours = Caller::start(&bench.programs, Kind::Rust, &first).await?;
    let mut theirs = Caller::start(&bench.programs, go, &first).await?;
    let mut listed: Vec<&str> = Vec::new();
    for (step, predicted) in STEPS.iter().zip(predicted) {
        match step.split_at(1) {
            ("+", name) => listed.push(name),
            (_, name) => listed.retain(|listed| *listed != name),
        }
        let list = listed.iter().map(|name| members[name].node.as_str()).collect::<Vec<_>>().join(",");
        for (title, caller) in [("our client", &mut ours), ("Go's client", &mut theirs)] {
            caller.ask(json!({"update": list})).await?;
            // Lists that come too soon after each other are taken as one.
            sleep(Duration::from_millis(300)).await;
            let answer = caller.ask(json!({"call": "Keyed", "each": keys})).await?;
            equal("errors", &answer["errors"], &0)?;
            let went: Vec<_> = answer["order"].as_array().into_iter().flatten().collect();
            for (key, name) in keys.iter().zip(went) {
                let member = name.as_str().and_then(|name| members.get(name));
                let member = member.ok_or_else(|| Problem(format!("{title}: nobody is {name}")))?;
                equal(
                    &format!("after {step}, where {title} sends {key}"),
                    &json!(member.node),
                    &predicted["chosen"][key],
                )?;
            }
        }
    }
    rows.settle(CASES[0], Ok(format!("{KEYS} keys after each of {} steps", STEPS.len())));
    Ok(())
}
