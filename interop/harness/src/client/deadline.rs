//! What is left of the caller's time: told to the server, kept here, heeded there.

use std::time::Duration;

use tokio::time::Instant;
use trunkline::wire::{Header, Status, keys};
use trunkline::{ErrorKind, Metadata};

use super::frames::{Wire, frame, pairs};
use super::{Env, key};
use crate::check::{Check, During, equal, expect, failure};
use crate::messages::plain::{DeadlineSeen, Linger, Nothing, Sleep};
use crate::until::until;

/// The Go text of a call that is out of time.
const EXCEEDED: &str = "context deadline exceeded";

/// The handler sees what is left of our time; without a limit, or with one that is no number, none.
pub(super) async fn deadline(env: Env<'_>) -> Check {
    let line = env.connect().await?;
    let interop = line.interop();
    let call = env.spoken(interop.deadline(Nothing {})).timeout(Duration::from_secs(5));
    let seen = call.await.during("call")?;
    let raw: i64 = seen.raw.parse().during("the metadata that the handler saw")?;
    expect(
        seen.present && seen.millis > 1_000 && seen.millis <= 5_000 && raw > 1_000 && raw <= 5_000,
        || format!("the handler saw {seen:?}, expected up to 5000 ms"),
    )?;
    // Our calls always have a limit, so frames without one are made by hand.
    let mut wire = Wire::connect(&env.go.address).await?;
    for metadata in
        [Metadata::new(), pairs(&[(keys::SERVER_TIMEOUT, "soon")]), pairs(&[(keys::SERVER_TIMEOUT, "1.5")])]
    {
        let header = Header::request(env.step.codec.serialize());
        let payload = env.encoded(&Nothing {})?;
        let answer = wire.exchange(&frame(header, ("Interop", "Deadline"), &metadata, payload)?).await?;
        equal("status", answer.header().status(), Status::Normal)?;
        let seen: DeadlineSeen = env.decoded(&answer.into_payload())?;
        expect(!seen.present, || format!("the handler saw a deadline: {seen:?}"))?;
    }
    Ok(())
}

/// We give up in time, and the client serves the next call.
pub(super) async fn deadline_passed(env: Env<'_>) -> Check {
    let line = env.connect().await?;
    let interop = line.interop();
    let began = Instant::now();
    let call = env.spoken(interop.sleep(Sleep { id: 1, millis: 700 })).timeout(Duration::from_millis(100));
    let error = failure("Sleep", call.await)?;
    let took = began.elapsed();
    equal("kind", error.kind(), ErrorKind::Deadline)?;
    expect(took < Duration::from_millis(600), || format!("the call took {took:?}, expected about 100 ms"))?;
    let slept = env.spoken(interop.sleep(Sleep { id: 2, millis: 0 })).await.during("the call after it")?;
    equal("reply of the call after it", slept.id, 2)?;
    equal("connections", line.tap.connections(), 1)
}

/// A handler that heeds its deadline ends by it, and the caller is told.
pub(super) async fn deadline_enforced(env: Env<'_>) -> Check {
    let line = env.connect().await?;
    let counter = key("deadline");
    let payload = env.encoded(&Linger { key: counter.clone(), millis: 1_500 })?;
    let header = Header::request(env.step.codec.serialize());
    let metadata = pairs(&[(keys::SERVER_TIMEOUT, "100")]);
    let mut wire = Wire::connect(&env.go.address).await?;
    let answer = wire.exchange(&frame(header, ("Interop", "Linger"), &metadata, payload)?).await?;
    equal("status", answer.header().status(), Status::Error)?;
    equal("error", answer.metadata().get(keys::ERROR), Some(EXCEEDED))?;
    let cancelled = async || env.counted(&line, &counter, ".cancelled").await.is_ok_and(|n| n == 1);
    expect(until(Duration::from_secs(1), cancelled).await, || "the handler was not cancelled".to_owned())
}
