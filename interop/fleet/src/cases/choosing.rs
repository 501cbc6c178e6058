//! Clients of one language find servers of the other in a static list and in etcd, and choose among them as they are
//! told to.

use serde_json::{Value, json};

use super::Bench;
use crate::problem::{Outcome, equal, expect};
use crate::report::Rows;
use crate::stage::{Caller, Kind, Member, Place};

/// What is asked of every client: select modes of Go, which ours have too.
const SHARED: &[&str] = &[
    "list: random",
    "list: roundrobin",
    "list: weighted",
    "list: icmp",
    "list: hash",
    "list: closest",
    "list: group",
    "list: methods",
    "etcd: random",
    "etcd: roundrobin",
    "etcd: weighted",
    "etcd: icmp",
    "etcd: hash",
    "etcd: closest",
    "etcd: group",
    "etcd: methods",
];

/// Balancers that only our client has.
const OURS: &[&str] = &[
    "list: p2c",
    "list: weighted-random",
    "list: least-connections",
    "list: rendezvous",
    "list: sticky",
    "etcd: p2c",
    "etcd: weighted-random",
    "etcd: least-connections",
    "etcd: rendezvous",
    "etcd: sticky",
];

/// A client's place in a round is lost with every new list, and each tick of a Go server is one.
const TRIES: usize = 4;

const MEMBERS: [(&str, &str); 3] = [
    ("a", "weight=5&group=g&latitude=48&longitude=16"),
    ("b", "weight=1&group=g&latitude=10&longitude=10"),
    ("c", "weight=1&group=h&latitude=60&longitude=-100"),
];

pub(super) fn cases(calling: Kind) -> Vec<&'static str> {
    let ours = if calling == Kind::Rust { OURS } else { &[] };
    [SHARED, ours].concat()
}

pub(super) async fn play(bench: &Bench, serving: Kind, calling: Kind, rows: &Rows) -> Outcome {
    let place = bench.place(&format!("/choosing/{}/{}", calling.title(), serving.title()));
    let mut members = Vec::new();
    for (name, metadata) in MEMBERS {
        members.push(Member::start(&bench.programs, serving, name, metadata, Some(&place), &[]).await?);
    }
    for (number, case) in cases(calling).into_iter().enumerate() {
        if calling != Kind::Rust && case.ends_with("icmp") {
            rows.leave_out(
                case,
                "rpcx's own client panics in this mode, whatever it calls (nil weightedRoundRobinSelector)",
            );
            continue;
        }
        let codec = if number % 2 == 0 { "msgpack" } else { "json" };
        let mut outcome = Ok(String::new());
        for _ in 0..TRIES {
            outcome = one(bench, calling, case, codec, &members, &place).await.map(|()| String::new());
            if outcome.is_ok() {
                break;
            }
        }
        rows.settle(case, outcome);
    }
    Ok(())
}

async fn one(
    bench: &Bench,
    calling: Kind,
    case: &str,
    codec: &str,
    members: &[Member],
    place: &Place,
) -> Outcome {
    let (source, mode) = case.split_once(": ").unwrap_or(("", case));
    let mut flags: Vec<String> = match source {
        "etcd" => place.flags(),
        _ => {
            let list = members.iter().map(|member| format!("{}?{}", member.node, member.metadata));
            vec!["--servers".to_owned(), list.collect::<Vec<_>>().join(",")]
        }
    };
    let more = match mode {
        "group" => vec!["--select", "roundrobin", "--group", "g"],
        "closest" => vec!["--select", "closest", "--lat", "48", "--lon", "16"],
        "methods" => vec!["--select", "roundrobin"],
        mode => vec!["--select", mode],
    };
    flags.extend(more.into_iter().chain(["--codec", codec]).map(str::to_owned));
    let mut caller = Caller::start(&bench.programs, calling, &flags).await?;
    caller.wait_for(MEMBERS.len()).await?;
    // Until every connection is up, shares are those of the servers that are.
    let warm = caller.ask(json!({"call": "Who", "n": 12})).await?;
    equal("errors of the first calls", &warm["errors"], &0)?;
    chosen(&mut caller, mode, members).await
}

async fn chosen(caller: &mut Caller, mode: &str, members: &[Member]) -> Outcome {
    let mut who = async |n: usize| -> Outcome<Value> {
        let answer = caller.ask(json!({"call": "Who", "n": n})).await?;
        equal("errors", &answer["errors"], &0)?;
        Ok(answer["by_instance"].clone())
    };
    match mode {
        "roundrobin" => equal("shares", &who(30).await?, &json!({"a": 10, "b": 10, "c": 10})),
        "weighted" => equal("shares", &who(70).await?, &json!({"a": 50, "b": 10, "c": 10})),
        "group" => equal("shares", &who(20).await?, &json!({"a": 10, "b": 10})),
        "closest" => equal("shares", &who(10).await?, &json!({"a": 10})),
        "weighted-random" => {
            let shares = who(700).await?;
            // Five deviations around 500.
            expect(shares["a"].as_u64().is_some_and(|a| a.abs_diff(500) < 60), || {
                format!("shares of weights 5, 1 and 1: {shares}")
            })
        }
        "sticky" => {
            let shares = who(20).await?;
            expect(shares.as_object().is_some_and(|by| by.len() == 1), || format!("shares: {shares}"))
        }
        "hash" | "rendezvous" => keys(caller).await,
        "methods" => methods(caller, members).await,
        "icmp" => who(60).await.map(drop),
        _ => {
            let shares = who(120).await?;
            expect(shares.as_object().is_some_and(|by| by.len() == 3), || format!("shares: {shares}"))
        }
    }
}

/// Calls with one key go to one place, and not all keys to the same.
async fn keys(caller: &mut Caller) -> Outcome {
    let keys: Vec<_> = (0..30).map(|i| format!("key-{i}")).collect();
    let first = caller.ask(json!({"call": "Keyed", "each": keys})).await?;
    let second = caller.ask(json!({"call": "Keyed", "each": keys})).await?;
    equal("errors", &first["errors"], &0)?;
    equal("where the keys went the second time", &second["order"], &first["order"])?;
    let places = first["by_instance"].as_object().map_or(0, serde_json::Map::len);
    expect(places > 1, || format!("all keys went to one place: {}", first["by_instance"]))
}

/// What comes back is what was sent, errors of the service are errors, and everyone says what it has done.
async fn methods(caller: &mut Caller, members: &[Member]) -> Outcome {
    let text = json!({"Text": "grüße\n", "Data": "AAH/"});
    let echoed = caller.ask(json!({"call": "Echo", "args": text})).await?;
    equal("the echo", &echoed["reply"], &text)?;
    let id = format!("once-{}", echoed["p50_us"]);
    let worked = caller.ask(json!({"call": "Work", "args": {"ID": id, "Millis": 1}})).await?;
    equal("how often it was begun", &worked["reply"]["Times"], &1)?;
    let refused = caller.ask(json!({"call": "Refuse", "args": {"ID": "r", "Text": "no, thanks"}})).await?;
    equal("the refusal", &refused["error_texts"], &json!({"no, thanks": 1}))?;
    let everywhere = caller.ask(json!({"everywhere": "Executed", "args": {"Prefix": id}})).await?;
    let replies = everywhere["replies"].as_array().map_or(&[][..], Vec::as_slice);
    equal("members that answered", &replies.len(), &members.len())?;
    let began: u64 = replies.iter().filter_map(|reply| reply["reply"]["Times"][&id].as_u64()).sum();
    equal("how often the id was begun in all", &began, &1)
}
