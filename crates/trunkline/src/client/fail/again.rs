//! Failfast, failover, failtry: one attempt after the other.

use super::Course;
use crate::call::{Call, Reply};
use crate::error::Error;

pub(super) async fn run(course: &Course<'_>, call: &mut Call) -> Result<Reply, Error> {
    let mut result = match course.take_begun() {
        Some(error) => Err(error),
        None => course.attempt(call, false).await,
    };
    loop {
        let error = match result {
            Ok(reply) => return Ok(reply),
            Err(error) => error,
        };
        match course.next(&error, call) {
            Ok(pause) if pause.is_zero() => {}
            Ok(pause) => tokio::time::sleep(pause).await,
            Err(gave_up) => return Err(course.explain(error, call, gave_up)),
        }
        result = course.attempt(call, false).await;
    }
}
