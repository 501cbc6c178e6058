//! Rust calls Go: our client plays the case list against a Go server.

use std::time::Duration;

use crate::check::Problem;
use crate::client::{self, Env};
use crate::peers::GoServer;
use crate::plan::Step;
use crate::report::Column;
use crate::secure::{self, Certificates};
use crate::values::Values;

const CASE_LIMIT: Duration = Duration::from_secs(20);

/// The list, and what only this direction has.
pub(crate) fn steps(plan: &[Step], values: &Values) -> Vec<Step> {
    let mut steps = values.steps();
    steps.extend_from_slice(plan);
    steps.extend(secure::steps());
    steps
}

pub(crate) async fn play(go: &GoServer, values: &Values, certificates: &Certificates, column: &mut Column) {
    let mut at = 0;
    while let Some((row, step)) = column.next(at) {
        let case = async {
            if step.case.starts_with(secure::CASE) {
                return secure::rust_caller(go, certificates, step).await;
            }
            client::play(Env { go, values, step }).await
        };
        let played = tokio::time::timeout(CASE_LIMIT, case).await;
        let result = played.unwrap_or_else(|_| Err(Problem(format!("not done after {CASE_LIMIT:?}"))));
        column.settle(row, result);
        at = row + 1;
    }
}
