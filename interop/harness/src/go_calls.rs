//! Go calls Rust: a Go client plays the case list against our server.

use std::sync::Arc;

use crate::check::{Check, equal};
use crate::peers::{GoClient, Peer};
use crate::plan::{Codec, Step};
use crate::report::Column;
use crate::secure::{self, Certificates};
use crate::server::RustServer;
use crate::stopping;
use crate::values::Values;

/// Played after the list: what the callers left behind.
const LEFTOVERS: &str = "leftovers";

/// The list, and what only this direction has.
pub(crate) fn steps(plan: &[Step]) -> Vec<Step> {
    let mut steps = plan.to_vec();
    steps.push(Step::extra(LEFTOVERS, Codec::MsgPack, 0));
    steps.extend(stopping::steps());
    steps.extend(secure::steps());
    steps
}

pub(crate) async fn play(
    peer: &Peer,
    values: &Arc<Values>,
    certificates: &Certificates,
    column: &mut Column,
) -> Check {
    let server = RustServer::start(values).await?;
    let (open, auth) = server.addresses();
    let mut caller = peer.client(open, auth)?;
    let mut at = 0;
    while let Some((row, step)) = column.next(at) {
        let result = match step.case.as_str() {
            LEFTOVERS => {
                drop(caller);
                caller = peer.client(open, auth)?;
                server.check_leftovers().await
            }
            case if case.starts_with(stopping::CASE) => stopping::go_callers(peer, values, step).await,
            case if case.starts_with(secure::CASE) => {
                secure::go_caller(peer, values, certificates, step).await
            }
            _ => case(&mut caller, step).await,
        };
        column.settle(row, result);
        at = row + 1;
    }
    drop(caller);
    server.stop().await
}

async fn case(caller: &mut GoClient, step: &Step) -> Check {
    let result = caller.play(step).await?;
    // Where a Go server leaves something open, ours does not.
    if step.case == "caller_gone" {
        equal("handlers that learned that their caller is gone", result.number("cancelled")?, 1)?;
    }
    Ok(())
}
