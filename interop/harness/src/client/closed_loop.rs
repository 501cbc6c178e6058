//! Callers that call again as soon as they are answered, and what became of each call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use trunkline::codec::{Json, MsgPack};
use trunkline::{Client, Sent};

use super::{Env, Pieces, key};
use crate::check::{Check, During, equal, expect};
use crate::messages::plain::Linger;
use crate::plan::Codec;
use crate::services::InteropClient;

/// Callers at work.
pub(crate) struct ClosedLoop {
    stop: Arc<AtomicBool>,
    callers: JoinSet<Account>,
}

/// What became of the calls.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Account {
    pub(crate) sent: usize,
    pub(crate) answered: usize,
    /// Errors that the server answered with, by text.
    pub(crate) refused: BTreeMap<String, usize>,
    /// Calls that certainly did not run, by text.
    pub(crate) not_run: BTreeMap<String, usize>,
    /// Calls that may have run and got no answer, by text.
    pub(crate) lost: BTreeMap<String, usize>,
}

impl ClosedLoop {
    pub(crate) fn start(client: &Client, codec: Codec, callers: usize, linger: &Linger) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for _ in 0..callers {
            let (interop, stop) = (InteropClient::new(client.clone()), stop.clone());
            tasks.spawn(call(interop, codec, linger.clone(), stop));
        }
        Self { stop, callers: tasks }
    }

    /// Lets the calls under way end.
    pub(crate) async fn stop(self) -> Check<Account> {
        self.stop.store(true, Ordering::Relaxed);
        self.wait().await
    }

    /// Waits until every caller has ended, because its server has.
    pub(crate) async fn wait(self) -> Check<Account> {
        let all = tokio::time::timeout(Duration::from_secs(15), self.callers.join_all());
        let mut sum = Account::default();
        for account in all.await.during("waiting for the callers")? {
            sum.sent += account.sent;
            sum.answered += account.answered;
            for (total, part) in [
                (&mut sum.refused, account.refused),
                (&mut sum.not_run, account.not_run),
                (&mut sum.lost, account.lost),
            ] {
                part.into_iter().for_each(|(text, n)| *total.entry(text).or_default() += n);
            }
        }
        Ok(sum)
    }
}

async fn call(interop: InteropClient, codec: Codec, linger: Linger, stop: Arc<AtomicBool>) -> Account {
    let mut account = Account::default();
    while !stop.load(Ordering::Relaxed) {
        let request = interop.linger(linger.clone());
        let request = if codec == Codec::Json { request.codec(Json) } else { request.codec(MsgPack) };
        account.sent += 1;
        let Err(error) = request.await else {
            account.answered += 1;
            continue;
        };
        let texts = match (error.is_remote(), error.sent()) {
            (true, _) => &mut account.refused,
            (false, Sent::Maybe) => &mut account.lost,
            (false, _) => &mut account.not_run,
        };
        *texts.entry(error.message().to_owned()).or_default() += 1;
        if !error.is_remote() {
            break;
        }
    }
    account
}

/// Start, run for a while, stop: every call is answered, and the server counted as many.
pub(super) async fn closed_loop(env: Env<'_>) -> Check {
    let line = env.connect_with(&env.go.address, Pieces::Whole, |builder| builder.connections(2)).await?;
    let counter = key("loop");
    let callers =
        ClosedLoop::start(&line.client, env.step.codec, 8, &Linger { key: counter.clone(), millis: 0 });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let account = callers.stop().await?;
    expect(account.sent > 0 && account.answered == account.sent, || {
        format!("not all answered: {account:?}")
    })?;
    equal(
        "calls that the server finished",
        env.counted(&line, &counter, ".finished").await?,
        account.answered as i64,
    )?;
    equal("connections", line.tap.connections(), 2)
}
