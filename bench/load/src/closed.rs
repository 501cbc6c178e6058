//! Closed loop: each caller makes its next call when the last one has ended.

use std::{sync::Arc, time::Instant};

use tokio::task::JoinSet;

use crate::{
    operation::Operation,
    tally::Tally,
    window::{Phase, Window},
};

/// Starts one caller.
pub(crate) fn start(callers: &mut JoinSet<Tally>, operation: impl Operation, window: &Arc<Window>) {
    callers.spawn(repeat(operation, Arc::clone(window)));
}

async fn repeat(operation: impl Operation, window: Arc<Window>) -> Tally {
    let mut tally = Tally::default();
    let mut start = Instant::now();
    loop {
        let outcome = operation.call().await;
        let end = Instant::now();
        match window.phase() {
            // An error that comes at once would otherwise keep the loop from ever yielding.
            Phase::Warming if outcome.is_err() => tokio::task::yield_now().await,
            Phase::Warming => {}
            Phase::Measuring => {
                let failed = outcome.is_err();
                tally.record(end - start, outcome);
                if failed {
                    tokio::task::yield_now().await;
                }
            }
            Phase::Over => return tally,
        }
        start = end;
    }
}
