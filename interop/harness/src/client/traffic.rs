//! Oneways, pushes, many calls at once, a caller that goes away.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;
use trunkline::codec::{Json, MsgPack};

use super::{Env, key};
use crate::check::{Check, During, Problem, equal, expect};
use crate::messages::plain::{Hit, Linger, Nothing, Push, Sleep};
use crate::plan::Codec;
use crate::until::until;

const PATIENCE: Duration = Duration::from_secs(3);

/// Nothing comes back, whatever happens; the server's counter shows what arrived.
pub(super) async fn oneway(env: Env<'_>) -> Check {
    const HITS: usize = 10;
    let line = env.connect().await?;
    let (interop, counter) = (line.interop(), key("oneway"));
    for _ in 0..HITS {
        let hit = Hit { key: counter.clone(), add: 1 };
        env.spoken(interop.hit(hit)).notify().await.during("oneway call")?;
    }
    let nowhere = line.client.service("Nowhere");
    match env.step.codec {
        Codec::Json => nowhere.codec(Json).notify("Nothing", &Nothing {}).await,
        _ => nowhere.codec(MsgPack).notify("Nothing", &Nothing {}).await,
    }
    .during("oneway call to nowhere")?;
    env.spoken(interop.panic(Nothing {})).notify().await.during("oneway call that panics")?;
    let arrived =
        until(PATIENCE, async || env.counted(&line, &counter, "").await.is_ok_and(|n| n >= HITS as i64));
    arrived.await;
    equal("hits that the server counted", env.counted(&line, &counter, "").await?, HITS as i64)?;
    let (requests, responses) = (line.tap.requests(), line.tap.responses());
    let oneways = requests.iter().filter(|frame| frame.header.is_oneway()).count();
    equal("oneway requests", oneways, HITS + 2)?;
    equal("responses", responses.len(), requests.len() - oneways)?;
    line.alive_in(env.step.codec).await
}

/// Frames that the server sends of its own, before its answer.
pub(super) async fn push(env: Env<'_>) -> Check {
    const TIMES: i32 = 5;
    let line = env.connect().await?;
    let mut pushes = line.client.pushes();
    let text = "pushed – né \u{1f680}";
    let interop = line.interop();
    let reply =
        env.spoken(interop.push(Push { times: TIMES, text: text.to_owned() })).await.during("call")?;
    equal("frames that the server says it pushed", reply.sent, TIMES)?;
    for index in 0..TIMES {
        let pushed = timeout(PATIENCE, pushes.next()).await.during("waiting for a pushed frame")?;
        let pushed = pushed.ok_or_else(|| Problem("there are no more pushed frames".to_owned()))?;
        equal("path", pushed.service.as_str(), "InteropPush")?;
        equal("method", pushed.method.as_str(), "Pushed")?;
        equal("metadata index", pushed.metadata.get("index"), Some(index.to_string().as_str()))?;
        equal("metadata text", pushed.metadata.get("text"), Some(text))?;
        equal("payload", &pushed.payload[..], text.as_bytes())?;
    }
    line.alive_in(env.step.codec).await
}

/// Calls at once on one connection, answered in another order than they were sent.
pub(super) async fn many(env: Env<'_>) -> Check {
    const COUNT: i64 = 1_000;
    let line = env.connect().await?;
    let interop = line.interop();
    let calls = (0..COUNT).map(async |id| {
        match env.spoken(interop.sleep(Sleep { id, millis: (id * 7_919) % 13 })).await {
            Ok(reply) if reply.id == id => None,
            Ok(_) => Some("a call got the reply of another".to_owned()),
            Err(error) => Some(error.to_string()),
        }
    });
    let mut wrong: BTreeMap<String, usize> = BTreeMap::new();
    for problem in join_all(calls).await.into_iter().flatten() {
        *wrong.entry(problem).or_default() += 1;
    }
    expect(wrong.is_empty(), || format!("of {COUNT} calls: {wrong:?}"))?;
    let (requests, responses) = (line.tap.requests(), line.tap.responses());
    equal("responses", responses.len(), COUNT as usize)?;
    let asked: HashMap<_, _> =
        requests.iter().enumerate().map(|(at, frame)| (frame.header.seq(), at)).collect();
    let order: Vec<_> = responses.iter().filter_map(|frame| asked.get(&frame.header.seq())).collect();
    equal("responses to these requests", order.len(), COUNT as usize)?;
    expect(!order.is_sorted(), || "every answer came in the order of its request".to_owned())?;
    equal("connections", line.tap.connections(), 1)
}

/// The caller closes its connection while the handler runs.
pub(super) async fn caller_gone(env: Env<'_>) -> Check {
    let (watcher, gone) = (env.connect().await?, env.connect().await?);
    let counter = key("gone");
    let linger = Linger { key: counter.clone(), millis: 400 };
    let interop = gone.interop();
    let call = env.spoken(interop.linger(linger)).into_future();
    let started = async {
        until(PATIENCE, async || env.counted(&watcher, &counter, ".started").await.is_ok_and(|n| n == 1))
            .await
    };
    tokio::select! {
        result = call => return Err(Problem(format!("the call ended while it should run: {result:?}"))),
        started = started => expect(started, || "the handler did not start".to_owned())?,
    }
    // The call's future was dropped; with the last handle its connection goes.
    drop(interop);
    let super::Line { client, tap } = gone;
    drop(client);
    let closed = until(PATIENCE, async || tap.ended_by_client() == 1).await;
    expect(closed, || "dropping the client did not close its connection".to_owned())?;
    let ended = async || {
        let (finished, cancelled) = (
            env.counted(&watcher, &counter, ".finished").await,
            env.counted(&watcher, &counter, ".cancelled").await,
        );
        matches!((finished, cancelled), (Ok(finished), Ok(cancelled)) if finished + cancelled == 1)
    };
    expect(until(PATIENCE, ended).await, || "the handler neither finished nor was cancelled".to_owned())?;
    watcher.alive_in(env.step.codec).await
}
