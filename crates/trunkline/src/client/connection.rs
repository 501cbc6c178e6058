//! One multiplexed connection of a client: many calls in flight, one reader, one writer.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;
use trunkline_wire::{EncodeError, FrameEncoder, Header, Message, Status, keys};

use super::health::Health;
use super::heartbeat;
use super::in_flight::{InFlight, Key};
use super::inbound::Inbound;
use super::outcome::Outcome;
use super::settings::Settings;
use crate::call::Via;
use crate::frame::incoming::{Activity, Fill, Incoming};
use crate::frame::link::{Link, Reason};
use crate::frame::outgoing::LARGE;
use crate::frame::scratch;
use crate::transport::Stream;

pub(crate) struct Connection {
    pub(super) link: Link<InFlight>,
    pub(super) address: Arc<str>,
    pub(super) activity: Activity,
    health: Arc<Health>,
    /// Told when a deadline is earlier than the timer thinks.
    timer: Notify,
    /// The server said that it is stopping, or the client let go: no new calls.
    draining: AtomicBool,
    /// It ended because no heartbeat was answered.
    pub(super) silent: AtomicBool,
    inbound: Inbound,
    ended: Notify,
    unwritten: usize,
}

/// A request's frame, encoded but for its sequence number.
pub(crate) struct Outbound {
    /// The frame, or all of it before a large payload.
    bytes: Vec<u8>,
    /// A large payload, which is not copied.
    payload: Option<Bytes>,
    payload_at: usize,
    oneway: bool,
    /// Goes out whatever is there already, so that silence means the server's and not our own.
    heartbeat: bool,
    deadline: Option<Instant>,
}

/// What goes into a request's frame beside its payload.
pub(crate) struct Head<'a> {
    pub(crate) header: Header,
    pub(crate) service: &'a str,
    pub(crate) method: &'a str,
    /// An encoded metadata block.
    pub(crate) metadata: &'a [u8],
    /// What is left, for the server to know.
    pub(crate) left: Option<Duration>,
    pub(crate) deadline: Option<Instant>,
}

/// How long a connection that is no longer wanted has to send what was asked of it.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How much is read, and for how long, after a write has failed.
const LAST_BYTES: usize = 16 << 20;
const LAST_READ: Duration = Duration::from_millis(250);

/// Why a call did not start. In every case nothing was sent, and the frame is as it was.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NotStarted {
    /// The connection is closed or closing: another one may do.
    Closed,
    /// All slots are taken: line up.
    Full,
    /// The stream has not taken what was queued before.
    Clogged,
}

impl Head<'_> {
    fn begin<'o>(&self, out: &'o mut Vec<u8>) -> FrameEncoder<'o> {
        let (path, method) = (self.service.as_bytes(), self.method.as_bytes());
        let mut frame = FrameEncoder::begin(out, self.header, path, method);
        if let Some(left) = self.left {
            frame.pair(keys::SERVER_TIMEOUT.as_bytes(), Digits::new().write(milliseconds(left)));
        }
        frame.block(self.metadata);
        frame
    }

    /// Encodes the frame with a payload that `write` makes in place.
    #[inline]
    pub(crate) fn encode<E: From<EncodeError>>(
        &self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<Outbound, E> {
        let mut bytes = scratch::take();
        let payload_at = self.begin(&mut bytes).payload_with(write)?;
        Ok(Outbound {
            bytes,
            payload: None,
            payload_at,
            oneway: self.header.is_oneway(),
            heartbeat: self.header.is_heartbeat(),
            deadline: self.deadline,
        })
    }

    /// Encodes the frame with a payload that is encoded already.
    pub(crate) fn with_payload(&self, payload: &Bytes) -> Result<Outbound, EncodeError> {
        if payload.len() < LARGE {
            return self.encode(|out| {
                out.extend_from_slice(payload);
                Ok(())
            });
        }
        let mut bytes = Vec::with_capacity(256 + self.metadata.len());
        self.begin(&mut bytes).detached(payload.len())?;
        let payload_at = bytes.len();
        let payload = Some(payload.clone());
        Ok(Outbound {
            bytes,
            payload,
            payload_at,
            oneway: self.header.is_oneway(),
            heartbeat: self.header.is_heartbeat(),
            deadline: self.deadline,
        })
    }
}

impl Outbound {
    /// The payload of a frame that was not sent.
    pub(crate) fn into_payload(mut self) -> Bytes {
        match self.payload {
            Some(payload) => payload,
            None => Bytes::from(self.bytes.split_off(self.payload_at)),
        }
    }
}

/// What is left, for the server to know: whole milliseconds, and at least one while there is any.
fn milliseconds(left: Duration) -> u64 {
    u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1)
}

impl Connection {
    /// Wraps a stream and starts the tasks that serve it.
    pub(crate) fn start(
        stream: Stream,
        settings: &Settings,
        inbound: Inbound,
        health: Arc<Health>,
    ) -> Arc<Self> {
        // A client waits for no budget: nobody cuts those that hold it, so the connections of one
        // that is full would wait for each other. What they hold is bounded by the size of a frame.
        let charge = settings.budget.charge_beyond();
        let incoming = Incoming::new(stream.reader, settings.limits.clone(), charge);
        let connection = Arc::new(Self {
            link: Link::new(stream.sink, &settings.budget, InFlight::new(settings.in_flight)),
            address: stream.peer.address,
            activity: Activity::default(),
            health,
            timer: Notify::new(),
            draining: AtomicBool::new(false),
            silent: AtomicBool::new(false),
            inbound,
            ended: Notify::new(),
            unwritten: settings.unwritten,
        });
        let (writer, reader, timer) = (connection.clone(), connection.clone(), connection.clone());
        tokio::spawn(async move { writer.link.run_writer().await });
        tokio::spawn(async move { reader.read(incoming).await });
        tokio::spawn(async move { timer.run_timer().await });
        if let Some(interval) = settings.heartbeat {
            let (beating, wait) = (connection.clone(), settings.heartbeat_timeout);
            tokio::spawn(async move { heartbeat::beat(&beating, interval, wait).await });
        }
        connection
    }

    pub(crate) fn address(&self) -> &Arc<str> {
        &self.address
    }

    pub(crate) fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Whether the server said that it is stopping, or the client let go.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Whether it ended because no heartbeat was answered.
    pub(crate) fn was_silent(&self) -> bool {
        self.silent.load(Ordering::Relaxed)
    }

    /// Whether new calls may start here.
    #[inline]
    pub(crate) fn is_usable(&self) -> bool {
        !self.link.is_closed() && !self.draining.load(Ordering::Relaxed)
    }

    pub(crate) fn reason(&self) -> Reason {
        self.link.reason().unwrap_or_else(|| Reason::new("the connection is closing"))
    }

    /// Appends the request's frame and parks the caller's waker. The frame is used up if that goes well.
    #[inline]
    pub(crate) fn begin(&self, outbound: &mut Outbound, waker: &Waker) -> Result<Key, NotStarted> {
        let (oneway, deadline) = (outbound.oneway, outbound.deadline);
        // Here and not where it is parked: others wait for the lock.
        let waker = waker.clone();
        let begun = self.link.with(|s| {
            if s.out.is_closed() || self.draining.load(Ordering::Relaxed) {
                return Err(NotStarted::Closed);
            }
            if s.out.queued() > self.unwritten && !outbound.heartbeat {
                return Err(NotStarted::Clogged);
            }
            let Some(key) = s.extra.reserve(outbound.heartbeat) else {
                return Err(NotStarted::Full);
            };
            outbound.bytes[Header::SEQ].copy_from_slice(&key.seq().to_be_bytes());
            let place = match outbound.payload.take() {
                Some(payload) => s.out.append_large(std::mem::take(&mut outbound.bytes), payload),
                None if outbound.bytes.len() >= LARGE => {
                    let frame = std::mem::take(&mut outbound.bytes);
                    s.out.append_large(Vec::new(), Bytes::from(frame))
                }
                None => s.out.append_encoded(&outbound.bytes),
            };
            let sooner = s.extra.wait(key, waker, place, deadline, oneway);
            let (alone, enough) = (s.extra.is_alone(), s.extra.enough(place));
            Ok((key, sooner, s.out.pushed_until(alone || oneway, enough)))
        });
        let (key, sooner, push) = begun?;
        self.link.carry_out(push);
        scratch::give(std::mem::take(&mut outbound.bytes));
        if sooner {
            self.timer.notify_one();
        }
        Ok(key)
    }

    #[inline]
    pub(crate) fn poll(&self, key: Key, cx: &Context<'_>) -> Poll<Outcome> {
        let (outcome, next) = self.link.with(|s| s.extra.poll(key, cx.waker()));
        if let Some(next) = next {
            next.wake();
        }
        outcome
    }

    pub(crate) fn cancel(&self, key: Key) {
        let next = self.link.with(|s| s.extra.cancel(key));
        if let Some(next) = next {
            next.wake();
        }
    }

    /// Waits for a free slot, or for the connection to end.
    ///
    /// # Cancel safety
    /// Dropping the future gives its turn to the next one.
    pub(crate) async fn room(&self) -> Result<(), super::TooManyWaiting> {
        struct Turn<'a>(&'a Connection, Option<u64>);
        impl Drop for Turn<'_> {
            fn drop(&mut self) {
                if let Some(ticket) = self.1.take()
                    && let Some(next) = self.0.link.with(|s| s.extra.leave_line(ticket))
                {
                    next.wake();
                }
            }
        }
        let mut turn = Turn(self, None);
        std::future::poll_fn(|cx| {
            self.link.with(|s| {
                if s.out.is_closed() || !s.extra.is_full() {
                    return Poll::Ready(Ok(()));
                }
                match s.extra.line_up(turn.1, cx.waker()) {
                    Some(ticket) => {
                        turn.1 = Some(ticket);
                        Poll::Pending
                    }
                    None => Poll::Ready(Err(super::TooManyWaiting)),
                }
            })
        })
        .await
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.link.with(|s| s.extra.len())
    }

    /// No new calls; closes when those in flight have ended.
    pub(crate) fn drain(self: &Arc<Self>) {
        if self.draining.swap(true, Ordering::SeqCst) {
            return;
        }
        self.ended.notify_waiters();
        let connection = self.clone();
        // A client may be closed where no runtime is.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return self.close("the client was closed outside a runtime");
        };
        runtime.spawn(async move {
            while !connection.link.is_closed() && connection.in_flight() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let _ = tokio::time::timeout(LAST_WORDS, connection.link.drained()).await;
            connection.close("every call had ended and the connection was no longer wanted");
        });
    }

    pub(crate) fn close(&self, why: &str) {
        self.link.close(&Reason::new(why));
    }

    /// Ends when the connection takes no new calls any more.
    pub(crate) async fn unusable(&self) {
        loop {
            let mut ended = std::pin::pin!(self.ended.notified());
            ended.as_mut().enable();
            if !self.is_usable() {
                return;
            }
            ended.await;
        }
    }

    async fn read(self: Arc<Self>, mut incoming: Incoming) {
        let reason = self.read_until(&mut incoming).await;
        self.link.close(&reason);
        let lost = self.in_flight() as u64;
        self.health.lost.fetch_add(lost, Ordering::Relaxed);
        let woken = self.link.with(|s| s.extra.fail(&s.out));
        woken.into_iter().for_each(Waker::wake);
        self.ended.notify_waiters();
        self.timer.notify_one();
        tracing::debug!(address = %self.address, reason = reason.text, "connection closed");
        self.link.shutdown().await;
        self.link.release();
    }

    async fn read_until(self: &Arc<Self>, incoming: &mut Incoming) -> Reason {
        let mut arrived = Arrived::default();
        loop {
            match incoming.fill(&self.link, &self.activity).await {
                Ok(Fill::Bytes | Fill::Nudged) => {}
                Ok(Fill::End) if self.link.is_closed() => {
                    let reason = self.reason();
                    if reason.kind.is_some() {
                        // Only a write can have failed: a read that fails ends here itself.
                        self.read_last(incoming, &mut arrived).await;
                    }
                    return reason;
                }
                Ok(Fill::End) if incoming.leftover() > 0 => {
                    return Reason::new("the server closed the connection in the middle of a frame");
                }
                Ok(Fill::End) => return Reason::new("the server closed the connection"),
                Err(error) => return Reason::io("read failed", &error),
            }
            let end = self.take_in(incoming, &mut arrived);
            // One lock for the whole batch; nobody is woken into it.
            arrived.wakers.drain(..).for_each(Waker::wake);
            if let Some(reason) = end {
                return reason;
            }
        }
    }

    /// Gives whatever frames have arrived to whom they are for; some frames end the connection.
    fn take_in(self: &Arc<Self>, incoming: &mut Incoming, arrived: &mut Arrived) -> Option<Reason> {
        let mut good = 0;
        let end = loop {
            match incoming.next() {
                Ok(Some(message)) => {
                    let header = message.header();
                    if header.is_response() {
                        good += u64::from(header.status() == Status::Normal && !header.is_heartbeat());
                        arrived.replies.push((Key::from_seq(header.seq()), Outcome::of(message)));
                    } else if header.is_push() {
                        self.pushed(&message);
                    } else {
                        break Some(Reason::new("the server sent a request where a response was expected"));
                    }
                }
                Ok(None) => break None,
                Err(error) => break Some(Reason::new(format!("protocol error: {error}"))),
            }
        };
        if good > 0 {
            // Once for the batch: a counter that all callers wrote would be their bottleneck.
            self.health.succeeded(good);
        }
        // A large reply's part of the budget is its caller's from here on.
        drop(incoming.take_charge());
        let Arrived { replies, wakers } = arrived;
        if !replies.is_empty() {
            self.link.with(|s| {
                s.extra.was_read(replies.len());
                wakers.extend(replies.drain(..).filter_map(|(key, outcome)| s.extra.complete(key, outcome)));
            });
        }
        end
    }

    /// A write has failed. The server may have answered before it went, and what it sent lies here
    /// to be read: those calls are not lost.
    async fn read_last(self: &Arc<Self>, incoming: &mut Incoming, arrived: &mut Arrived) {
        self.ended.notify_waiters();
        let reading = async {
            let mut left = LAST_BYTES;
            while left > 0 && self.in_flight() > 0 {
                match incoming.read_on().await {
                    Ok(n) if n > 0 => left = left.saturating_sub(n),
                    _ => return,
                }
                let end = self.take_in(incoming, arrived);
                arrived.wakers.drain(..).for_each(Waker::wake);
                if end.is_some() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(LAST_READ, reading).await;
    }

    fn pushed(self: &Arc<Self>, message: &Message) {
        if message.service_path() == keys::CONTROL.as_bytes() {
            if message.service_method() == keys::DRAIN.as_bytes() {
                tracing::debug!(address = %self.address, "the server is stopping; new calls go elsewhere");
                self.drain();
            }
            return;
        }
        self.inbound.deliver(message, &self.address);
    }

    /// One timer for all deadlines of the connection.
    async fn run_timer(&self) {
        while !self.link.is_closed() {
            let earliest = self.link.with(|s| s.extra.earliest());
            let late = async {
                match earliest {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = late => {}
                () = self.timer.notified() => continue,
            }
            let woken = self.link.with(|s| s.extra.expire(Instant::now()));
            woken.into_iter().for_each(Waker::wake);
        }
    }

    /// The error kind of the I/O error that ended the connection, where one did.
    pub(crate) fn io_kind(&self) -> Option<io::ErrorKind> {
        self.reason().kind
    }
}

impl Via for Connection {
    fn address(&self) -> &Arc<str> {
        &self.address
    }
}

/// Replies that were read and callers that wait to be woken, kept from one read to the next.
#[derive(Default)]
struct Arrived {
    replies: Vec<(Key, Outcome)>,
    wakers: Vec<Waker>,
}

/// Writes a number without allocating.
struct Digits([u8; 20]);

impl Digits {
    fn new() -> Self {
        Self([0; 20])
    }

    fn write(&mut self, mut n: u64) -> &[u8] {
        let mut at = self.0.len();
        loop {
            at -= 1;
            self.0[at] = b'0' + (n % 10) as u8;
            n /= 10;
            if n == 0 {
                return &self.0[at..];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_to_string() {
        for n in [0, 9, 10, 10_000, u64::MAX] {
            assert_eq!(Digits::new().write(n), n.to_string().as_bytes());
        }
    }
}
