//! Finding a server that has fallen silent: one that was stopped, cut off or has died without a
//! word keeps its connection for as long as nobody asks.

use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use trunkline_wire::{Header, Metadata, keys};

use super::connection::{Connection, Head};
use super::in_flight::Key;
use super::outcome::Outcome;
use crate::later;

/// More than a heartbeat's own frame.
const FRAME: u64 = 1024;

/// While calls wait and nothing is heard, the server is asked so soon.
const QUIET: Duration = Duration::from_secs(1);

/// Asks whenever nothing was heard for an interval, or for a second while calls wait. Where
/// nothing is heard then either, the connection is over.
pub(super) async fn beat(connection: &Connection, interval: Duration, wait: Duration) {
    let interval = interval.min(later::LONGEST);
    // The first heartbeat also tells a server of our kind that its hints are understood.
    if connection.asks(wait).await == Silence::Given {
        return;
    }
    loop {
        let mut quiet = Duration::ZERO;
        while quiet < interval {
            let heard = connection.activity.reads();
            let step = QUIET.min(interval - quiet);
            tokio::select! {
                biased;
                () = tokio::time::sleep(step) => {}
                () = connection.unusable() => return,
            }
            if connection.activity.reads() != heard {
                quiet = Duration::ZERO;
            } else if connection.in_flight() > 0 {
                break;
            } else {
                quiet += step;
            }
        }
        if connection.asks(wait).await == Silence::Given {
            return;
        }
    }
}

#[derive(PartialEq)]
enum Silence {
    /// It said something, or was busy with what we sent.
    Broken,
    /// The connection was given up for it.
    Given,
}

impl Connection {
    /// Whether the server answers a heartbeat.
    pub(super) async fn answers(&self, wait: Duration) -> bool {
        self.heartbeat(wait).await
    }

    async fn asks(&self, wait: Duration) -> Silence {
        let heard = self.activity.reads();
        let written = self.link.with(|s| s.out.progress());
        self.heartbeat(wait).await;
        if self.link.is_closed() {
            return Silence::Given;
        }
        // A server that takes a large request is alive: the heartbeat waits behind it.
        let taken = self.link.with(|s| s.out.progress()) - written;
        if self.activity.reads() != heard || taken > FRAME {
            return Silence::Broken;
        }
        tracing::warn!(address = %self.address, ?wait, "the server answers no heartbeat; the connection is given up");
        self.silent.store(true, Ordering::Relaxed);
        self.close(&format!("the server answered no heartbeat within {wait:?}"));
        Silence::Given
    }

    /// Sends a heartbeat and waits for its echo; whether it came.
    async fn heartbeat(&self, wait: Duration) -> bool {
        let mut metadata = Metadata::new();
        metadata.insert(keys::HELLO, "1");
        let mut payload = Vec::with_capacity(9);
        // What Go sends: a MessagePack int64. The value means nothing to the receiver.
        payload.push(0xd3);
        payload.extend_from_slice(&0i64.to_be_bytes());
        let begun = Instant::now();
        let head = Head {
            header: Header::heartbeat(),
            service: "",
            method: "",
            metadata: metadata.encoded(),
            left: None,
            deadline: Some(later::after(begun, wait)),
        };
        let mut outbound = head.with_payload(&Bytes::from(payload)).ok();
        let mut waiting = None;
        let echoed = std::future::poll_fn(|cx| {
            if let Some(mut outbound) = outbound.take() {
                match self.begin(&mut outbound, cx.waker()) {
                    Ok(key) => waiting = Some(Waiting { connection: self, key: Some(key) }),
                    Err(_) => return Poll::Ready(false),
                }
                return Poll::Pending;
            }
            match &mut waiting {
                Some(waiting) => {
                    waiting.poll(cx).map(|outcome| matches!(outcome, Outcome::Plain(_) | Outcome::Reply(_)))
                }
                None => Poll::Ready(false),
            }
        })
        .await;
        if echoed {
            self.health().stats.heartbeat_in(begun.elapsed());
        }
        echoed
    }
}

/// A slot that is given back when dropped.
struct Waiting<'a> {
    connection: &'a Connection,
    key: Option<Key>,
}

impl Waiting<'_> {
    fn poll(&mut self, cx: &Context<'_>) -> Poll<Outcome> {
        let Some(key) = self.key else { return Poll::Pending };
        self.connection.poll(key, cx).map(|outcome| {
            self.key = None;
            outcome
        })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.connection.cancel(key);
        }
    }
}
