//! One connection of a server: frames are decoded, admitted within limits, dispatched; answers
//! of one read batch leave in one write.
//!
//! A handler is polled once where its frame was read. Most calls end there, without a task. One
//! that does not is moved to a task of its own and noted in [`Running`], from which deadlines
//! and a lost connection cancel it.

use std::io;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use trunkline_wire::{Message, keys};

use super::arrived::Arrived;
use super::dispatch::Batch;
use super::router::RouteCache;
use super::running::Running;
use super::shared::Shared;
use super::unread::Unread;
use crate::frame::incoming::{Activity, Fill, Incoming};
use crate::frame::link::{Link, Reason};
use crate::transport::{Peer, Stream};

/// With this much answered, the answers leave before the rest of a read is handled: as much as one
/// read brings, where answers are as large as requests.
const ANSWER_AT_ONCE: usize = 64 * 1024;

/// Reads of this size are answered in halves. Half a shorter one is not worth a write of its own;
/// behind a longer one more waits already, and then writes are what is dear.
const HALVED: RangeInclusive<usize> = 8 * 1024..=48 * 1024;

pub(crate) struct Connection {
    pub(super) link: Link<Unread>,
    pub(super) peer: Peer,
    pub(super) shared: Arc<Shared>,
    activity: Activity,
    pub(super) running: Mutex<Running>,
    pub(super) in_flight: AtomicUsize,
    /// Stands in the line for the server's places.
    pub(super) in_line: AtomicBool,
    /// Told when something may be late earlier than the timer thinks.
    pub(super) timer: Notify,
    pub(super) timer_started: AtomicBool,
    pub(super) generation: AtomicU64,
    ended: Notify,
    /// An answer asked for the end of the connection.
    closing: OnceLock<Reason>,
    /// The peer said that it knows more than rpcx: it understands being told to go elsewhere.
    pub(super) knows_drain: AtomicBool,
    /// It has been told.
    pub(super) told_drain: AtomicBool,
    pub(super) watch: Mutex<super::sweep::Watch>,
}

impl Connection {
    pub(crate) fn new(stream: Stream, shared: Arc<Shared>) -> (Arc<Self>, Incoming) {
        let limits = &shared.limits;
        let incoming = Incoming::new(stream.reader, limits.wire.clone(), shared.budget.charge());
        let connection = Arc::new(Self {
            link: Link::new(stream.sink, &shared.budget, Unread::default()),
            peer: stream.peer,
            shared,
            activity: Activity::default(),
            running: Mutex::new(Running::new()),
            in_flight: AtomicUsize::new(0),
            in_line: AtomicBool::new(false),
            timer: Notify::new(),
            timer_started: AtomicBool::new(false),
            generation: AtomicU64::new(0),
            ended: Notify::new(),
            closing: OnceLock::new(),
            knows_drain: AtomicBool::new(false),
            told_drain: AtomicBool::new(false),
            watch: Mutex::default(),
        });
        (connection, incoming)
    }

    pub(crate) fn peer(&self) -> &Peer {
        &self.peer
    }

    pub(super) fn link(&self) -> &Link<Unread> {
        &self.link
    }

    /// Ends the connection once what was answered so far is out.
    pub(super) fn close_after_answers(&self, reason: Reason) {
        let _ = self.closing.set(reason);
        self.nudge();
    }

    /// Makes the reading task notice that the server stops.
    pub(super) fn nudge(&self) {
        self.activity.nudge(&self.link);
    }

    pub(super) fn activity(&self) -> &Activity {
        &self.activity
    }

    /// Calls that are under way or wait for a place.
    pub(crate) fn open_calls(&self) -> usize {
        self.running.lock().len()
    }

    /// Calls that wait for a place.
    pub(crate) fn queued_calls(&self) -> usize {
        self.running.lock().queued()
    }

    /// Serves until the peer is gone, the connection fails, or the server stops.
    pub(crate) async fn run(self: Arc<Self>, mut incoming: Incoming) {
        let _open = Closing(self.clone());
        let writer = Closing(self.clone());
        let writer = tokio::spawn(async move { writer.0.link.run_writer().await });
        let reason = self.read(&mut incoming).await;
        self.cancel_running();
        self.leave(&mut incoming).await;
        let reason = reason.unwrap_or_else(|| Reason::new("the server is stopping"));
        self.link.close(&reason);
        self.ended.notify_waiters();
        let _ = writer.await;
        self.link.release();
        tracing::debug!(peer = %self.peer.address, reason = reason.text, "connection closed");
    }

    /// Reads until there is a reason to end; `None` is the server's own wish to stop.
    async fn read(self: &Arc<Self>, incoming: &mut Incoming) -> Option<Reason> {
        let mut routes = RouteCache::new();
        let mut batch = Batch::new();
        let mut draining: Option<Instant> = None;
        // One wait for all reads: a peer that goes on sending does not begin it anew.
        let mut finished = std::pin::pin!(self.finished_serving());
        loop {
            let filled = if draining.is_some() {
                // Once the server stops, the reading goes on beside the wait for silence.
                tokio::select! {
                    biased;
                    () = &mut finished => return None,
                    filled = self.fill(incoming) => filled,
                }
            } else {
                self.fill(incoming).await
            };
            match filled {
                Ok(Fill::Bytes) => {}
                Ok(Fill::Nudged) => {
                    if let Some(reason) = self.closing.get() {
                        return Some(reason.clone());
                    }
                    if draining.is_none() && self.shared.is_draining() {
                        draining = Some(Instant::now());
                        self.tell_drain();
                    }
                    continue;
                }
                Ok(Fill::End) if self.link.is_closed() => {
                    return Some(self.link.reason().unwrap_or_else(|| Reason::new("closed")));
                }
                Ok(Fill::End) if incoming.leftover() > 0 => {
                    return Some(Reason::new("the peer ended in the middle of a frame"));
                }
                Ok(Fill::End) => return Some(Reason::new("the peer closed the connection")),
                Err(error) => return Some(Reason::io("read failed", &error)),
            }
            let now = Instant::now();
            let heard_out = draining.is_some_and(|since| self.is_heard_out(since));
            routes.refresh(&self.shared.router);
            batch.begin();
            // The first half leaves while the second is worked on.
            let read = incoming.leftover();
            let mut half = (HALVED.contains(&read) && self.is_only_reader()).then_some(read / 2);
            loop {
                match incoming.next() {
                    // Not begun and not answered, for an error would not be tried elsewhere: the end of
                    // the connection will. Until then heartbeats show that the last calls still run.
                    Ok(Some(message)) if heard_out && !message.header().is_heartbeat() => {
                        drop((message, incoming.take_charge()));
                    }
                    Ok(Some(message)) => {
                        let charge = incoming.take_charge();
                        let message =
                            if self.is_pinning(incoming, &message) { message.compact() } else { message };
                        let arrived = Arrived { message, at: now, charge };
                        if let Err(reason) = self.on_frame(arrived, &mut routes, &mut batch) {
                            self.send(&mut batch);
                            self.last_answers().await;
                            return Some(reason);
                        }
                    }
                    Ok(None) => break,
                    Err(error) => {
                        self.send(&mut batch);
                        tracing::warn!(peer = %self.peer.address, %error, "a peer broke the protocol; its connection is closed");
                        self.last_answers().await;
                        return Some(Reason::new(format!("protocol error: {error}")));
                    }
                }
                let halfway = half.take_if(|half| incoming.leftover() <= *half).is_some();
                if halfway || batch.replies.len() >= ANSWER_AT_ONCE || batch.large {
                    self.send(&mut batch);
                    self.until_read(|c| c.closing.get().is_some()).await;
                    if let Some(reason) = self.closing.get() {
                        return Some(reason.clone());
                    }
                }
            }
            batch.end();
            self.send(&mut batch);
            if draining.is_some() {
                // It may have said only now that it understands.
                self.tell_drain();
            }
        }
    }

    /// Whether the last long read of the server was of this connection, too. Where several are at it,
    /// there is other work while one waits, and one write is cheaper than two.
    fn is_only_reader(self: &Arc<Self>) -> bool {
        let this = Arc::as_ptr(self).addr();
        let alone = self.shared.last_read.load(Ordering::Relaxed) == this;
        if !alone {
            self.shared.last_read.store(this, Ordering::Relaxed);
        }
        alone
    }

    /// Whether a frame should not stay where it was read: a call that does not end at once keeps
    /// its frame. One may keep a buffer, by the connection's allowance; a thousand, each another one,
    /// would hold far more than anybody counted.
    #[inline]
    fn is_pinning(&self, incoming: &Incoming, message: &Message) -> bool {
        self.in_flight.load(Ordering::Relaxed) > 0 && incoming.is_crowded(message)
    }

    /// Reads once, when the peer has read enough of what it was answered.
    async fn fill(&self, incoming: &mut Incoming) -> io::Result<Fill> {
        self.until_read(|c| c.activity.is_nudged()).await;
        incoming.fill(&self.link, &self.activity).await
    }

    /// Writes the answers of a batch, all at once.
    #[inline]
    fn send(&self, batch: &mut Batch) {
        batch.large = false;
        self.link.send(&mut batch.replies);
    }

    /// Heartbeats come back as they are but for the response bit, whatever the load: metadata,
    /// payload, path, method and the oneway bit are kept.
    pub(super) fn echo(&self, message: Message, replies: &mut Vec<u8>) {
        if !self.knows_drain.load(Ordering::Relaxed)
            && trunkline_wire::lookup(message.metadata_block(), keys::HELLO.as_bytes()).is_some()
        {
            self.knows_drain.store(true, Ordering::Relaxed);
        }
        let header = message.header().echo();
        message.with_header(header).encode(replies);
    }

    /// Ends the connection whatever it still has to say.
    pub(super) fn abandon(&self) {
        self.link.close(&Reason::new("the server stopped"));
    }

    fn cancel_running(&self) {
        let tasks = self.running.lock().close();
        for task in tasks {
            task.abort();
        }
        self.ended.notify_waiters();
    }

    pub(super) async fn until_closed(&self) {
        loop {
            let mut ended = std::pin::pin!(self.ended.notified());
            ended.as_mut().enable();
            if self.link.is_closed() {
                return;
            }
            ended.await;
        }
    }
}

/// Ends the connection with the task that serves it, be it by a panic in a transport.
struct Closing(Arc<Connection>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.link.close(&Reason::new("a task that served the connection ended"));
        self.0.cancel_running();
        self.0.link.release();
    }
}
