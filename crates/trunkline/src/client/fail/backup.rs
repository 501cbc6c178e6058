//! Failbackup: a second copy of a call whose answer is late.

use std::time::Duration;

use tokio::time::Instant;

use super::{Course, again};
use crate::call::{Call, Reply};
use crate::error::Error;
use crate::later;

/// When too few calls were seen to know what is late: what rpcx waits.
const UNKNOWN: Duration = Duration::from_millis(10);

pub(super) async fn run(course: &Course<'_>, call: &mut Call) -> Result<Reply, Error> {
    // What must not run twice is not sent twice.
    if course.has_begun() || !course.may_run_twice(call) {
        return again::run(course, call).await;
    }
    let usual = course.with_pool(|pool| pool.latencies.quantile(0.95)).flatten();
    let late = course.rules.backup_after.or(usual).unwrap_or(UNKNOWN);
    let (mut one, mut other) = (call.fork(), call.fork());

    let mut first = std::pin::pin!(course.attempt(&mut one, false));
    let result = tokio::select! {
        biased;
        result = &mut first => result,
        () = tokio::time::sleep_until(later::after(Instant::now(), late)) => {
            if course.has_another() && course.affords_backup() {
                let mut second = std::pin::pin!(course.attempt(&mut other, true));
                // The first good answer counts; when one has failed, the other is waited for.
                let (result, first_ended) = tokio::select! {
                    biased;
                    result = &mut first => (result, true),
                    result = &mut second => (result, false),
                };
                match result {
                    Ok(reply) => Ok(reply),
                    Err(error) if first_ended => second.await.map_err(|other| farther(error, other)),
                    Err(error) => first.await.map_err(|other| farther(error, other)),
                }
            } else {
                first.await
            }
        }
    };
    match result {
        Ok(reply) => Ok(reply),
        Err(error) => {
            course.resume_with(error);
            again::run(course, call).await
        }
    }
}

/// What tells how far the call came, of what its two copies ended in.
fn farther(one: Error, other: Error) -> Error {
    if one.sent() > other.sent() { one } else { other }
}
