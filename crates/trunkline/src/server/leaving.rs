//! How a connection ends when its server stops: what arrived is served, the peer is told where
//! it understands that, and nothing that was answered is lost on the way.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;
use trunkline_wire::{FrameEncoder, Header, keys};

use super::connection::Connection;
use crate::frame::incoming::Incoming;
use crate::frame::outgoing::Push;

/// A stopping server takes a peer for silent after this.
const QUIET: Duration = Duration::from_millis(20);

/// One that was told to go closes by itself when its calls have ended. This is for one that does
/// not.
const QUIET_TOLD: Duration = Duration::from_secs(2);

/// How long a stopping server goes on serving a peer that keeps sending.
const STILL_SENDING: Duration = Duration::from_secs(1);

/// One that was told to go sends until it has read so.
const STILL_SENDING_TOLD: Duration = Duration::from_secs(5);

/// How long late bytes are read and thrown away after the last answer: until none came for this
/// long, and no longer than that. A peer that has read everything sees the end and stops sending.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_MOST: Duration = Duration::from_secs(10);

impl Connection {
    /// Tells a peer that understands it to send its next calls elsewhere, once. Go peers were not
    /// asked and get nothing they might stumble over.
    pub(super) fn tell_drain(&self) {
        if !self.knows_drain.load(Ordering::Relaxed) || self.told_drain.swap(true, Ordering::Relaxed) {
            return;
        }
        let push = self.link.with(|s| {
            let appended = s.out.append(|out| {
                FrameEncoder::begin(out, Header::push(), keys::CONTROL.as_bytes(), keys::DRAIN.as_bytes())
                    .payload(&[])
            });
            match appended {
                Ok(_) => s.out.pushed(true),
                Err(_) => Push::Nothing,
            }
        });
        self.link.carry_out(push);
    }

    /// Whether a peer that keeps sending has been served for long enough since the server stops.
    pub(super) fn is_heard_out(&self, stopping: Instant) -> bool {
        let told = self.told_drain.load(Ordering::Relaxed);
        stopping.elapsed() > if told { STILL_SENDING_TOLD } else { STILL_SENDING }
    }

    /// Ends when everything that arrived has been served and the peer is silent, or has gone on
    /// sending for too long.
    pub(super) async fn finished_serving(&self) {
        let begun = Instant::now();
        let mut silent = begun;
        let mut reads = self.activity().reads();
        loop {
            tokio::time::sleep(QUIET).await;
            let idle = self.running.lock().is_idle() && self.link.with(|s| s.out.queued()) == 0;
            let now = Instant::now();
            if !idle || self.activity().reads() != reads {
                silent = now;
                reads = self.activity().reads();
            }
            let told = self.told_drain.load(Ordering::Relaxed);
            let quiet = now - silent >= if told { QUIET_TOLD } else { QUIET };
            if idle && (quiet && !self.activity().is_partial() || self.is_heard_out(begun)) {
                return;
            }
        }
    }

    /// Lets calls end that came before a frame that ends the connection, for a while: whether they are
    /// answered is not to depend on where they run.
    pub(super) async fn last_answers(&self) {
        let ended = async {
            // Polled rather than signalled: it is needed once, when a connection ends.
            while !self.running.lock().is_idle() && !self.link.is_closed() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let _ = tokio::time::timeout(LINGER, ended).await;
    }

    /// Lets what was answered out and the peer know that no more will come.
    pub(super) async fn leave(&self, incoming: &mut Incoming) {
        // Unless nobody reads it.
        let _ = tokio::time::timeout(LINGER, self.link.drained()).await;
        self.link.shutdown().await;
        if !self.link.is_closed() {
            let _ = tokio::time::timeout(LINGER_MOST, incoming.discard(&self.link, LINGER)).await;
        }
    }
}
