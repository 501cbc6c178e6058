//! A server of ours that stops while it is called loses no reply.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use trunkline::Client;

use crate::check::{Check, During, equal, expect};
use crate::client::{Account, ClosedLoop};
use crate::messages::plain::Linger;
use crate::peers::Peer;
use crate::plan::{Codec, Step};
use crate::report::Column;
use crate::server::{Counters, RustServer};
use crate::values::Values;

/// What the names of these cases begin with.
pub(crate) const CASE: &str = "stop_";

const KEY: &str = "stopping";
const CONNECTIONS: usize = 4;
const CALLERS: usize = 32;
const BEFORE: Duration = Duration::from_millis(400);

/// How long each call of a loop takes: calls that wait when the stop begins, and calls that come ever faster.
const MILLIS: [i64; 2] = [5, 0];

/// A row for each sort of loop.
pub(crate) fn steps() -> Vec<Step> {
    let loops = MILLIS.iter().flat_map(|millis| {
        [Codec::Json, Codec::MsgPack]
            .map(|codec| Step::extra(&format!("{CASE}{millis}ms"), codec, *millis as usize))
    });
    loops.collect()
}

/// Our own callers.
pub(crate) async fn play_rust(values: &Arc<Values>, column: &mut Column) {
    let mut at = 0;
    while let Some((row, step)) = column.next(at) {
        let result = rust_callers(values, step).await;
        column.settle(row, result);
        at = row + 1;
    }
}

/// Go callers.
pub(crate) async fn go_callers(peer: &Peer, values: &Arc<Values>, step: &Step) -> Check {
    let server = RustServer::start(values).await?;
    let counters = server.counters.clone();
    let (open, auth) = server.addresses();
    let mut caller = peer.client(open, auth)?;
    let start = json!({
        "case": "loop_start", "codec": step.codec.name(), "callers": CALLERS, "connections": CONNECTIONS,
        "millis": step.variant, "key": KEY,
    });
    caller.command(&start).await?;
    tokio::time::sleep(BEFORE).await;
    let report = server.stop_open().await;
    expect(report.cut == 0, || format!("calls were cut by the stop: {report:?}"))?;
    let ended = caller.command(&json!({"case": "loop_wait", "codec": step.codec.name()})).await?;
    equal("connections that the server ended", ended.number("ended_by_server")?, CONNECTIONS as i64)?;
    let refused = ended.values.get("refused").cloned().unwrap_or_default();
    equal("calls that the server refused", refused, Value::Object(serde_json::Map::new()))?;
    let errors = ended.values.get("errors").and_then(Value::as_object);
    let resets = errors.into_iter().flat_map(serde_json::Map::keys).filter(|text| text.contains("reset"));
    equal("resets", resets.count(), 0)?;
    let said = || format!("Go's account: {}", Value::Object(ended.values.clone()));
    complete(&counters, ended.number("answered")?).map_err(|problem| problem.beside(&said()))
}

async fn rust_callers(values: &Arc<Values>, step: &Step) -> Check {
    let server = RustServer::start(values).await?;
    let counters = server.counters.clone();
    let client = Client::builder().connections(CONNECTIONS);
    let client = client.connect(&format!("tcp@{}", server.addresses().0)).await.during("connecting")?;
    client.ready().await;
    let linger = Linger { key: KEY.to_owned(), millis: step.variant as i64 };
    let callers = ClosedLoop::start(&client, step.codec, CALLERS, &linger);
    tokio::time::sleep(BEFORE).await;
    let report = server.stop_open().await;
    expect(report.cut == 0, || format!("calls were cut by the stop: {report:?}"))?;
    // Nothing listens any more: calls that wait for a connection end here.
    client.close();
    let account: Account = callers.wait().await?;
    let said = || format!("our account: {account:?}");
    expect(account.lost.is_empty(), || format!("calls without an answer\n{}", said()))?;
    expect(account.refused.is_empty(), || format!("refused calls\n{}", said()))?;
    complete(&counters, account.answered as i64).map_err(|problem| problem.beside(&said()))
}

/// What the handlers finished is what the callers got, and nothing was begun that did not finish.
fn complete(counters: &Counters, answered: i64) -> Check {
    expect(answered > 0, || "no call was answered".to_owned())?;
    equal("calls that the handlers finished", counters.add(format!("{KEY}.finished"), 0), answered)?;
    equal("calls that began", counters.add(format!("{KEY}.started"), 0), answered)
}
