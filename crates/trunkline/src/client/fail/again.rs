//! Failfast, failover, failtry: one attempt after the other.

use super::Course;
use crate::call::{Call, Reply};
use crate::error::Error;

pub(super) async fn run(course: &Course<'_>, call: &mut Call) -> Result<Reply, Error> {
    let mut result = match course.take_begun() {
        Some(error) => Err(error),
        None => course.attempt(call, false).await,
    };
    let mut farthest: Option<Error> = None;
    loop {
        let error = match result {
            Ok(reply) => return Ok(reply),
            Err(error) => error,
        };
        let next = course.next(&error, call);
        // "Not sent" is said of the call, so the error that tells is the one that came farthest.
        let telling = match farthest.take() {
            Some(before) if before.sent() > error.sent() => before,
            _ => error,
        };
        match next {
            Ok(pause) if pause.is_zero() => {}
            Ok(pause) => tokio::time::sleep(pause).await,
            Err(gave_up) => return Err(course.explain(telling, call, gave_up)),
        }
        farthest = Some(telling);
        result = course.attempt(call, false).await;
    }
}
