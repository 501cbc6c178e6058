//! Looks after connections that stand still: one task for a whole server.
//!
//! A peer that stops in the middle of a frame, or does not read its answers, holds memory. It is
//! cut after a while, and soon when the byte budget is short: then whoever has held bytes for the
//! longest without coming to an end goes first, until a quarter of the budget is free again.
//!
//! The longest and not the most: a good client's frame is younger than those of peers that mean to
//! keep what they hold, and it is sent while they are being cut. For the same reason those who wait
//! for the budget to have more bytes for their frames are left alone, unless it is they who hold
//! most of it: then none of them would ever get on, and those whose frames want the most give way.
//! Frames that are small beside the budget do get on, a few at a time beyond it (`budget.rs`).

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::connection::Connection;
use super::shared::Shared;
use super::tracker::Tracker;
use crate::budget::ALLOWANCE;
use crate::frame::link::Reason;

const TICK: Duration = Duration::from_millis(250);

/// Standing still for this long is enough when bytes are short.
const SHORT: Duration = Duration::from_secs(1);

/// A frame that takes longer than this gives way when bytes are short, however it goes on.
const LONG: Duration = Duration::from_secs(10);

/// Less than this is no progress: a peer that sends or takes a byte now and then must hold neither
/// megabytes nor a connection.
const TRICKLE: u64 = 16 * 1024;

/// What a connection was seen to do at the last tick.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    frame: Option<(u64, Instant)>,
    read: Option<(u64, Instant)>,
    written: Option<(u64, Instant)>,
    heard: Option<(u64, Instant)>,
}

/// What a connection holds of the budget for its peer, and for how long without coming to an end.
#[derive(Clone, Copy, Default)]
struct Holding {
    bytes: usize,
    since: Duration,
    /// What its frame still wants of the budget, if that is what it waits for.
    wanted: Option<usize>,
}

pub(crate) async fn run(shared: Arc<Shared>, tracker: Arc<Tracker>) {
    loop {
        tokio::time::sleep(TICK).await;
        let now = Instant::now();
        let (mut held, mut waiting, mut stalled) = (0, 0, Vec::new());
        for connection in tracker.connections() {
            let holding = look(&connection, &shared, now);
            held += holding.bytes;
            waiting += holding.wanted.map_or(0, |_| holding.bytes);
            if holding.bytes > 0 && holding.since >= SHORT {
                stalled.push((holding, connection));
            }
        }
        // Where it is handlers at work that hold the bytes, waiting for them is all there is to do.
        let half = shared.budget.limit() / 2;
        if !shared.budget.is_short() || held < half {
            continue;
        }
        if waiting < half {
            stalled.retain(|(holding, _)| holding.wanted.is_none());
        }
        stalled.sort_by_key(|(holding, _)| (holding.wanted.map(Reverse), Reverse(holding.since)));
        let mut wanted = shared.budget.limit() / 4;
        for (Holding { bytes, since, .. }, connection) in stalled {
            if wanted == 0 {
                break;
            }
            wanted = wanted.saturating_sub(bytes);
            let text =
                "no progress while the server is short of memory for unfinished frames and unread answers";
            tracing::warn!(peer = %connection.peer().address, bytes, ?since, "{text}; the connection is closed");
            connection.link().close(&Reason::new(text));
        }
    }
}

/// Closes what has stood still for too long; tells what the others hold.
fn look(connection: &Connection, shared: &Shared, now: Instant) -> Holding {
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
        return Holding::default();
    }
    let mut holding = Holding::default();
    if activity.is_partial() {
        let age = since(&mut watch.frame, activity.frames(), 1);
        let stuck = since(&mut watch.read, activity.bytes(), TRICKLE);
        let wanted = activity.wanted();
        if wanted.is_some() {
            // It waits for us, not we for it.
            watch.read = Some((activity.bytes(), now));
        } else if stuck >= limits.read_stall {
            let text = format!("a frame began and did not go on for {stuck:?}");
            tracing::warn!(peer = %connection.peer().address, "{text}; the connection is closed");
            connection.link().close(&Reason::new(text));
            return Holding::default();
        }
        holding.bytes = activity.charged();
        // Its turn to go beyond the budget comes: nobody need give way for it, nor it for others.
        let has_turn = |wanted| shared.budget.is_quick(holding.bytes + wanted) && age < LONG;
        holding.wanted = wanted.filter(|wanted| !has_turn(*wanted));
        if holding.wanted.is_some() || wanted.is_none() && stuck >= SHORT || age >= LONG {
            holding.since = age;
        }
    } else {
        (watch.frame, watch.read) = (None, None);
    }
    if queued > 0 {
        let stuck = since(&mut watch.written, progress, TRICKLE);
        if stuck >= limits.write_stall {
            let text = format!("the peer took none of its answers for {stuck:?}");
            tracing::warn!(peer = %connection.peer().address, queued, "{text}; the connection is closed");
            connection.link().close(&Reason::new(text));
            return Holding::default();
        }
        // Below the allowance nothing is taken from the budget.
        if queued > ALLOWANCE {
            holding.bytes += queued;
            holding.since = holding.since.max(stuck);
            holding.wanted = holding.wanted.filter(|_| stuck < SHORT);
        }
    } else {
        watch.written = None;
    }
    holding
}
