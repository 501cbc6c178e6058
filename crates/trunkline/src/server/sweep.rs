//! Looks after connections that stand still: one task for a whole server.
//!
//! A peer that stops in the middle of a frame, or does not read its answers, holds memory. It is
//! cut after a while, and soon when the byte budget is short: then whoever holds the most
//! without making progress goes first, until a quarter of the budget is free again.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::connection::Connection;
use super::shared::Shared;
use super::tracker::Tracker;
use crate::frame::link::Reason;

const TICK: Duration = Duration::from_millis(250);

/// Standing still for this long is enough when bytes are short.
const SHORT: Duration = Duration::from_secs(1);

/// Less than this is no progress: a peer that sends or takes a byte now and then must hold neither
/// megabytes nor a connection.
const TRICKLE: u64 = 16 * 1024;

/// What a connection was seen to do at the last tick.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    read: Option<(u64, Instant)>,
    written: Option<(u64, Instant)>,
    heard: Option<(u64, Instant)>,
}

pub(crate) async fn run(shared: Arc<Shared>, tracker: Arc<Tracker>) {
    loop {
        tokio::time::sleep(TICK).await;
        let now = Instant::now();
        let mut stalled = Vec::new();
        for connection in tracker.connections() {
            if let Some(held) = look(&connection, &shared, now) {
                stalled.push((held, connection));
            }
        }
        if !shared.budget.is_short() {
            continue;
        }
        stalled.sort_by_key(|(held, _)| std::cmp::Reverse(*held));
        let mut wanted = shared.budget.limit() / 4;
        for (held, connection) in stalled {
            if wanted == 0 {
                break;
            }
            wanted = wanted.saturating_sub(held);
            let text =
                "no progress while the server is short of memory for unfinished frames and unread answers";
            tracing::warn!(peer = %connection.peer().address, held, "{text}; the connection is closed");
            connection.link().close(&Reason::new(text));
        }
    }
}

/// Closes what has stood still for too long; tells how much is held by what stands still now.
fn look(connection: &Connection, shared: &Shared, now: Instant) -> Option<usize> {
    let limits = &shared.limits;
    let activity = connection.activity();
    let (queued, progress) = connection.link().with(|s| (s.out.queued(), s.out.progress()));
    let mut watch = connection.watch.lock();
    let since = |seen: &mut Option<(u64, Instant)>, value: u64, least: u64| match seen {
        Some((old, at)) if value.wrapping_sub(*old) < least => now - *at,
        _ => {
            *seen = Some((value, now));
            Duration::ZERO
        }
    };

    let heard = since(&mut watch.heard, activity.reads(), 1);
    if limits.idle.is_some_and(|idle| heard >= idle) && connection.open_calls() == 0 && queued == 0 {
        connection.link().close(&Reason::new(format!("nothing was heard for {heard:?}")));
        return None;
    }
    let mut held = 0;
    if activity.is_partial() {
        let stuck = since(&mut watch.read, activity.bytes(), TRICKLE);
        if stuck >= limits.read_stall {
            let text = format!("a frame began and did not go on for {stuck:?}");
            tracing::warn!(peer = %connection.peer().address, "{text}; the connection is closed");
            connection.link().close(&Reason::new(text));
            return None;
        }
        if stuck >= SHORT {
            held += activity.held();
        }
    } else {
        watch.read = None;
    }
    if queued > 0 {
        let stuck = since(&mut watch.written, progress, TRICKLE);
        if stuck >= limits.write_stall {
            let text = format!("the peer took none of its answers for {stuck:?}");
            tracing::warn!(peer = %connection.peer().address, queued, "{text}; the connection is closed");
            connection.link().close(&Reason::new(text));
            return None;
        }
        if stuck >= SHORT {
            held += queued;
        }
    } else {
        watch.written = None;
    }
    (held > 0).then_some(held)
}
