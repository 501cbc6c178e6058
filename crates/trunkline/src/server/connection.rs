//! One connection of a server: frames are decoded, admitted within limits, dispatched; answers
//! of one read batch leave in one write.
//!
//! A handler is polled once where its frame was read. Most calls end there, without a task. One
//! that does not is moved to a task of its own and noted in [`Running`], from which deadlines
//! and a lost connection cancel it.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use trunkline_wire::{CompressType, FrameEncoder, Header, Message, Metadata, keys};

use super::answer::LargeAnswer;
use super::router::{Route, RouteCache};
use super::running::{Key, Queued, Running};
use super::shared::Shared;
use crate::budget::{ALLOWANCE, Charge};
use crate::call::{Body, Call, Reply, Target};
use crate::ctx::Origin;
use crate::error::{Error, ErrorKind};
use crate::frame::incoming::{Activity, Fill, Incoming};
use crate::frame::link::{Link, Reason};
use crate::frame::outgoing::{LARGE, WRITE_AT_ONCE};
use crate::transport::{BoxFuture, Peer, Stream};

/// A compressed payload of this size or more is inflated in a task of its own, so that it does
/// not hold up its neighbours.
const INFLATE_APART: usize = 16 * 1024;

/// Frames below this size count by number, not against the byte budget.
const SMALL_FRAME: usize = 4 * 1024;

/// How long late bytes are read and thrown away after the last answer.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 64 << 20;

/// How long a stopping server goes on serving a peer that keeps sending.
const STILL_SENDING: Duration = Duration::from_secs(1);

/// A stopping server takes a peer for silent after this.
const QUIET: Duration = Duration::from_millis(20);

pub(crate) struct Connection {
    link: Link<()>,
    peer: Peer,
    shared: Arc<Shared>,
    activity: Activity,
    running: Mutex<Running>,
    in_flight: AtomicUsize,
    /// Told when something may be late earlier than the timer thinks.
    timer: Notify,
    timer_started: AtomicBool,
    generation: AtomicU64,
    ended: Notify,
    /// The peer said that it knows more than rpcx: it understands being told to go elsewhere.
    pub(super) knows_drain: AtomicBool,
    pub(super) watch: Mutex<super::sweep::Watch>,
}

/// A request as it came, with what the reading side knows of it.
pub(crate) struct Arrived {
    pub(crate) message: Message,
    pub(crate) at: Instant,
    pub(crate) charge: Option<Charge>,
}

/// What is needed to answer a request.
pub(crate) struct Asked {
    pub(crate) header: Header,
    pub(crate) names: Names,
}

pub(crate) enum Names {
    Route(Arc<Route>),
    Target(Target),
}

impl Names {
    fn target(&self) -> &Target {
        match self {
            Self::Route(route) => &route.target,
            Self::Target(target) => target,
        }
    }
}

type Running_ = BoxFuture<'static, Result<Reply, Error>>;

/// What became of a request at its first poll.
enum First {
    Done(Result<Reply, Error>),
    Pending(Running_),
}

impl Connection {
    pub(crate) fn new(stream: Stream, shared: Arc<Shared>) -> (Arc<Self>, Incoming) {
        let limits = &shared.limits;
        let incoming = Incoming::new(stream.reader, limits.wire.clone(), &shared.budget);
        let connection = Arc::new(Self {
            link: Link::new(stream.sink, &shared.budget, ()),
            peer: stream.peer,
            shared,
            activity: Activity::default(),
            running: Mutex::new(Running::new()),
            in_flight: AtomicUsize::new(0),
            timer: Notify::new(),
            timer_started: AtomicBool::new(false),
            generation: AtomicU64::new(0),
            ended: Notify::new(),
            knows_drain: AtomicBool::new(false),
            watch: Mutex::default(),
        });
        (connection, incoming)
    }

    pub(crate) fn peer(&self) -> &Peer {
        &self.peer
    }

    pub(super) fn link(&self) -> &Link<()> {
        &self.link
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

    /// Serves until the peer is gone, the connection fails, or the server stops.
    pub(crate) async fn run(self: Arc<Self>, mut incoming: Incoming) {
        let writer = self.clone();
        let writer = tokio::spawn(async move { writer.link.run_writer().await });
        let reason = self.read(&mut incoming).await;
        self.cancel_running();
        // What was answered before the end still goes out, unless nobody reads it.
        let _ = tokio::time::timeout(LINGER, self.link.drained()).await;
        self.link.shutdown().await;
        if reason.is_none() {
            let _ = tokio::time::timeout(LINGER, incoming.discard(LINGER_BYTES)).await;
        }
        let reason = reason.unwrap_or_else(|| Reason::new("the server is stopping"));
        self.link.close(&reason);
        self.ended.notify_waiters();
        let _ = writer.await;
        tracing::debug!(peer = %self.peer.address, reason = reason.text, "connection closed");
    }

    /// Reads until there is a reason to end; `None` is the server's own wish to stop.
    async fn read(self: &Arc<Self>, incoming: &mut Incoming) -> Option<Reason> {
        let mut routes = RouteCache::new();
        let mut replies = Vec::new();
        let mut draining = false;
        loop {
            let filled = if draining {
                // Once the server stops, the reading goes on beside the wait for silence.
                tokio::select! {
                    filled = incoming.fill(&self.link, &self.activity) => filled,
                    () = self.finished_serving() => return None,
                }
            } else {
                incoming.fill(&self.link, &self.activity).await
            };
            match filled {
                Ok(Fill::Bytes) => {}
                Ok(Fill::Nudged) => {
                    if !draining && self.shared.is_draining() {
                        draining = true;
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
            routes.refresh(&self.shared.router);
            loop {
                match incoming.next() {
                    Ok(Some(message)) => {
                        let charge = incoming.take_charge();
                        let arrived = Arrived { message, at: now, charge };
                        if let Err(reason) = self.on_frame(arrived, &mut routes, &mut replies) {
                            self.send_batch(&mut replies);
                            return Some(reason);
                        }
                    }
                    Ok(None) => break,
                    Err(error) => {
                        self.send_batch(&mut replies);
                        tracing::warn!(peer = %self.peer.address, %error, "a peer broke the protocol; its connection is closed");
                        return Some(Reason::new(format!("protocol error: {error}")));
                    }
                }
                if replies.len() >= WRITE_AT_ONCE {
                    self.send_batch(&mut replies);
                }
                if self.is_unread() {
                    self.send_batch(&mut replies);
                    self.until_read().await;
                }
            }
            self.send_batch(&mut replies);
            if self.is_unread() {
                self.until_read().await;
            }
        }
    }

    /// Whether the peer has left so many answers unread that no more are made for it.
    fn is_unread(&self) -> bool {
        self.link.with(|s| s.out.queued()) > self.shared.limits.unwritten_per_connection
    }

    async fn until_read(&self) {
        while self.is_unread() && !self.link.is_closed() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[inline]
    fn send_batch(&self, replies: &mut Vec<u8>) {
        if replies.is_empty() {
            return;
        }
        let push = self.link.with(|s| {
            s.out.append_batch(replies);
            s.out.pushed(true)
        });
        self.link.carry_out(push);
    }

    fn on_frame(
        self: &Arc<Self>,
        arrived: Arrived,
        routes: &mut RouteCache,
        replies: &mut Vec<u8>,
    ) -> Result<(), Reason> {
        let header = arrived.message.header();
        if header.is_response() {
            return Err(Reason::new("the peer sent a response where a request was expected"));
        }
        if header.is_heartbeat() {
            self.echo(arrived.message, replies);
            return Ok(());
        }
        let route = routes.find(
            &self.shared.router,
            arrived.message.service_path(),
            arrived.message.service_method(),
        );
        let names = match route {
            Ok(route) => Names::Route(route),
            Err(error) => {
                let path = String::from_utf8_lossy(arrived.message.service_path());
                let method = String::from_utf8_lossy(arrived.message.service_method());
                let target = Target::shared(&path, &method);
                if self.shared.chain.is_empty() {
                    let asked = Asked { header, names: Names::Target(target) };
                    return self.answer_here(&asked, Err(error), replies);
                }
                Names::Target(target)
            }
        };
        let asked = Asked { header, names };
        if let Some(refusal) = self.refusal(&arrived) {
            return self.answer_here(&asked, Err(refusal), replies);
        }
        if self.is_full() {
            self.enqueue(arrived, &asked, replies);
            return Ok(());
        }
        let apart = match &asked.names {
            Names::Route(route) => route.pace.is_apart(),
            Names::Target(_) => false,
        } || (header.compress() != CompressType::NONE
            && arrived.message.payload().len() >= INFLATE_APART);
        if apart {
            self.start_apart(arrived, asked);
            return Ok(());
        }
        let wire_len = arrived.message.wire_len();
        let (call, deadline) = match self.call(arrived, &asked) {
            Ok(call) => call,
            Err(error) => return self.answer_here(&asked, Err(error), replies),
        };
        let started = std::time::Instant::now();
        let first = self.first_poll(call, &asked);
        if let Names::Route(route) = &asked.names {
            route.pace.took(started.elapsed());
        }
        match first {
            First::Done(result) => self.answer_here(&asked, result, replies),
            First::Pending(future) => {
                self.go_on(future, asked, deadline, wire_len);
                Ok(())
            }
        }
    }

    /// Heartbeats come back as they are but for the response bit, whatever the load: metadata,
    /// payload, path, method and the oneway bit are kept.
    fn echo(&self, message: Message, replies: &mut Vec<u8>) {
        if !self.knows_drain.load(Ordering::Relaxed)
            && trunkline_wire::lookup(message.metadata_block(), keys::HELLO.as_bytes()).is_some()
        {
            self.knows_drain.store(true, Ordering::Relaxed);
        }
        let header = message.header().echo();
        message.with_header(header).encode(replies);
    }

    /// A reason not to start a request, other than being full.
    fn refusal(&self, arrived: &Arrived) -> Option<Error> {
        let wire_len = arrived.message.wire_len();
        if wire_len > SMALL_FRAME && arrived.charge.is_none() && !self.shared.budget.has_room_for(wire_len) {
            let text = "the server holds as many bytes as it may; try again later";
            return Some(Error::new(ErrorKind::Overloaded, text).not_started());
        }
        None
    }

    fn is_full(&self) -> bool {
        let limits = &self.shared.limits;
        self.in_flight.load(Ordering::Relaxed) >= limits.in_flight_per_connection
            || self.shared.admission.is_full()
    }

    fn enqueue(self: &Arc<Self>, arrived: Arrived, asked: &Asked, replies: &mut Vec<u8>) {
        let limits = &self.shared.limits;
        let until = deadline_of(&arrived).unwrap_or(arrived.at + limits.queue_wait);
        let mut running = self.running.lock();
        if running.queued() >= limits.queue_per_connection {
            drop(running);
            let text = format!(
                "the server is full: {} calls under way on this connection, {} waiting",
                self.in_flight.load(Ordering::Relaxed),
                limits.queue_per_connection
            );
            let refusal = Error::new(ErrorKind::Overloaded, text).not_started();
            let _ = self.answer_here(asked, Err(refusal), replies);
            return;
        }
        let sooner = running.enqueue(Queued { arrived, until });
        drop(running);
        self.wake_timer(sooner);
        self.shared.admission.wait(self);
        // A place may have become free between looking and waiting.
        self.start_queued();
    }

    /// Starts requests that wait, while there are places.
    pub(crate) fn start_queued(self: &Arc<Self>) {
        // The last permits may be dropped with the runtime itself.
        if tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        while !self.is_full() {
            let Some(queued) = self.running.lock().dequeue() else { return };
            let message = &queued.arrived.message;
            let names = match self.shared.router.find(message.service_path(), message.service_method()) {
                Ok(route) => Names::Route(Arc::new(route)),
                Err(_) => Names::Target(Target::shared(
                    &String::from_utf8_lossy(message.service_path()),
                    &String::from_utf8_lossy(message.service_method()),
                )),
            };
            let asked = Asked { header: message.header(), names };
            self.start_apart(queued.arrived, asked);
        }
    }

    pub(crate) fn has_queued(&self) -> bool {
        self.running.lock().queued() > 0
    }

    /// Makes the call that middleware and handler see.
    fn call(self: &Arc<Self>, arrived: Arrived, asked: &Asked) -> Result<(Call, Option<Instant>), Error> {
        let deadline = deadline_of(&arrived);
        if deadline.is_some_and(|at| at <= arrived.at) {
            // Whoever asked has given up already.
            return Err(Error::new(ErrorKind::Deadline, DEADLINE_TEXT).not_started());
        }
        let header = asked.header;
        let (metadata, payload) = arrived.message.into_parts();
        let mut charge = arrived.charge;
        let payload = if header.compress() == CompressType::NONE {
            payload
        } else {
            self.inflate(header.compress(), &payload, &mut charge)?
        };
        Ok((
            Call {
                target: asked.names.target().clone(),
                metadata,
                body: Body::from(payload),
                format: header.serialize(),
                compress: CompressType::NONE,
                oneway: header.is_oneway(),
                idempotent: matches!(&asked.names, Names::Route(route) if route.idempotent),
                deadline,
                origin: Some(self.clone()),
                extensions: None,
                charge,
            },
            deadline,
        ))
    }

    fn inflate(
        &self,
        kind: CompressType,
        payload: &Bytes,
        charge: &mut Option<Charge>,
    ) -> Result<Bytes, Error> {
        let limit = self.shared.limits.wire.inflated;
        let inflated = self.shared.rules.compressors.decompress(kind, payload, limit).map_err(|error| {
            Error::new(ErrorKind::Invalid, format!("the payload does not decompress: {error}"))
                .with_source(error)
        })?;
        if inflated.len() > ALLOWANCE {
            let charge = charge.get_or_insert_with(|| self.shared.budget.charge());
            if !charge.try_resize(charge.bytes().max(inflated.len())) {
                let text = "the server has no room for the inflated payload; try again later";
                return Err(Error::new(ErrorKind::Overloaded, text).not_started());
            }
        }
        Ok(inflated)
    }

    fn future(&self, call: Call, names: &Names) -> Running_ {
        match names {
            Names::Route(route) if self.shared.chain.is_empty() => route.endpoint.clone().call(call),
            _ => self.shared.layered(call),
        }
    }

    fn first_poll(&self, call: Call, asked: &Asked) -> First {
        // Without a real waker: a call that is not done is polled again by its own task, and
        // waking this one, which reads, would be for nothing.
        let mut cx = Context::from_waker(Waker::noop());
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let mut future = self.future(call, &asked.names);
            match future.as_mut().poll(&mut cx) {
                Poll::Ready(result) => First::Done(result),
                Poll::Pending => First::Pending(future),
            }
        }));
        polled.unwrap_or_else(|panic| First::Done(Err(panicked(asked.names.target(), &*panic))))
    }

    fn answer_here(
        &self,
        asked: &Asked,
        result: Result<Reply, Error>,
        replies: &mut Vec<u8>,
    ) -> Result<(), Reason> {
        let close = matches!(&result, Err(error) if error.closes_connection());
        if !asked.header.is_oneway() {
            let target = asked.names.target();
            let (path, method) = (target.service().as_bytes(), target.method().as_bytes());
            if let Some(large) = self.shared.rules.write(replies, asked.header, path, method, result) {
                self.send_large(large);
            }
        } else if let Err(error) = result {
            tracing::debug!(service = asked.names.target().service(), method = asked.names.target().method(), %error, "a oneway call failed");
        }
        if close { Err(Reason::new("a handler or a layer asked to close the connection")) } else { Ok(()) }
    }

    fn send_large(&self, large: LargeAnswer) {
        let push = self.link.with(|s| {
            s.out.append_large(large.head, large.payload);
            s.out.pushed(true)
        });
        self.link.carry_out(push);
    }

    /// Answers from a task of its own.
    fn answer_apart(&self, asked: &Asked, result: Result<Reply, Error>) {
        let mut frame = crate::frame::scratch::take();
        let closing = self.answer_here(asked, result, &mut frame);
        if !frame.is_empty() {
            let alone = self.in_flight.load(Ordering::Relaxed) <= 1;
            let push = self.link.with(|s| {
                s.out.append_encoded(&frame);
                s.out.pushed(alone || closing.is_err())
            });
            self.link.carry_out(push);
        }
        crate::frame::scratch::give(frame);
        if let Err(reason) = closing {
            // The answer was written above if the stream took it; only then is the door shut.
            self.link.close(&reason);
        }
    }

    /// Runs a request wholly in a task of its own.
    fn start_apart(self: &Arc<Self>, arrived: Arrived, asked: Asked) {
        let wire_len = arrived.message.wire_len();
        let deadline = deadline_of(&arrived);
        let connection = self.clone();
        let names = match &asked.names {
            Names::Route(route) => Names::Route(route.clone()),
            Names::Target(target) => Names::Target(target.clone()),
        };
        let inner = Asked { header: asked.header, names };
        let future = Box::pin(async move {
            let (call, _) = connection.call(arrived, &inner)?;
            connection.future(call, &inner.names).await
        });
        self.go_on(future, asked, deadline, wire_len);
    }

    /// Moves a call that is not done to a task of its own.
    fn go_on(self: &Arc<Self>, future: Running_, asked: Asked, deadline: Option<Instant>, wire_len: usize) {
        let permit = Permit::take(self, wire_len);
        let generation = self.generation.fetch_add(1, Ordering::Relaxed);
        let mut running = self.running.lock();
        let Some((key, sooner)) = running.insert(asked, deadline, generation) else { return };
        let task = tokio::spawn(permit.finish(key, future));
        running.started(key, task.abort_handle());
        drop(running);
        self.wake_timer(sooner);
    }

    fn wake_timer(self: &Arc<Self>, sooner: bool) {
        if !sooner {
            return;
        }
        if !self.timer_started.swap(true, Ordering::Relaxed) {
            let connection = self.clone();
            tokio::spawn(async move { connection.run_timer().await });
        }
        self.timer.notify_one();
    }

    /// One timer for all deadlines of the connection, started with the first call that needs it.
    async fn run_timer(&self) {
        loop {
            let earliest = self.running.lock().earliest();
            let late = async {
                match earliest {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = late => {}
                () = self.timer.notified() => continue,
                () = self.until_closed() => return,
            }
            let (late, refused) = self.running.lock().expire(Instant::now());
            for (asked, task) in late {
                self.answer_apart(&asked, Err(Error::new(ErrorKind::Deadline, DEADLINE_TEXT)));
                if let Some(task) = task {
                    task.abort();
                }
            }
            for queued in refused {
                self.refuse_queued(&queued);
            }
        }
    }

    fn refuse_queued(&self, queued: &Queued) {
        let error = match deadline_of(&queued.arrived) {
            Some(_) => Error::new(ErrorKind::Deadline, DEADLINE_TEXT),
            None => {
                Error::new(ErrorKind::Overloaded, "the server is full: the call waited too long for a place")
            }
        };
        self.refuse_with(queued, error.not_started());
    }

    fn refuse_with(&self, queued: &Queued, error: Error) {
        let message = &queued.arrived.message;
        let target = Target::shared(
            &String::from_utf8_lossy(message.service_path()),
            &String::from_utf8_lossy(message.service_method()),
        );
        let asked = Asked { header: message.header(), names: Names::Target(target) };
        self.answer_apart(&asked, Err(error));
    }

    /// The time to stop is up: answers what waits and what runs, and closes. Tells how many.
    pub(super) fn cut(&self) -> usize {
        let (running, waiting) = self.running.lock().cut();
        let count = running.len() + waiting.len();
        let stopped = || Error::new(ErrorKind::Unavailable, "the server stopped before the call ended");
        for (asked, task) in running {
            self.answer_apart(&asked, Err(stopped()));
            if let Some(task) = task {
                task.abort();
            }
        }
        for queued in waiting {
            self.refuse_with(&queued, stopped().not_started());
        }
        // The reading task sees that nothing is left and ends the connection after these answers.
        count
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

    async fn until_closed(&self) {
        loop {
            let mut ended = std::pin::pin!(self.ended.notified());
            ended.as_mut().enable();
            if self.link.is_closed() {
                return;
            }
            ended.await;
        }
    }

    /// Tells a peer that understands it to send its next calls elsewhere. Go peers were not asked
    /// and get nothing they might stumble over.
    fn tell_drain(&self) {
        if !self.knows_drain.load(Ordering::Relaxed) {
            return;
        }
        let push = self.link.with(|s| {
            let appended = s.out.append(|out| {
                FrameEncoder::begin(out, Header::push(), keys::CONTROL.as_bytes(), keys::DRAIN.as_bytes())
                    .payload(&[])
            });
            match appended {
                Ok(_) => s.out.pushed(true),
                Err(_) => crate::frame::outgoing::Push::Nothing,
            }
        });
        self.link.carry_out(push);
    }

    /// Ends when everything that arrived has been served and the peer is silent, or has gone on
    /// sending for too long.
    async fn finished_serving(&self) {
        let begun = Instant::now();
        loop {
            let reads = self.activity.reads();
            tokio::time::sleep(QUIET).await;
            let idle = self.running.lock().is_idle() && self.link.with(|s| s.out.queued()) == 0;
            let quiet = self.activity.reads() == reads && !self.activity.is_partial();
            if idle && (quiet || begun.elapsed() > STILL_SENDING) {
                return;
            }
        }
    }
}

/// The text that Go's contexts give, and that callers look for.
pub(crate) const DEADLINE_TEXT: &str = "context deadline exceeded";

/// When the caller gives up, by its metadata: decimal milliseconds left when it was sent. What
/// does not parse is ignored, as in Go.
fn deadline_of(arrived: &Arrived) -> Option<Instant> {
    let text = trunkline_wire::lookup(arrived.message.metadata_block(), keys::SERVER_TIMEOUT.as_bytes())?;
    let ms: i64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    // A deadline further away than this is none.
    const YEAR_MS: u64 = 365 * 24 * 3600 * 1000;
    Some(arrived.at + Duration::from_millis(u64::try_from(ms).unwrap_or(0).min(YEAR_MS)))
}

/// The answer to a panic: a fixed text and an id that the log repeats. Arguments, message and
/// stack are the server's own business.
fn panicked(target: &Target, panic: &(dyn std::any::Any + Send)) -> Error {
    use std::hash::{BuildHasher, Hasher};
    let id = std::hash::RandomState::new().build_hasher().finish();
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without text");
    tracing::error!(
        service = target.service(),
        method = target.method(),
        id = format!("{id:016x}"),
        panic = text,
        "a handler panicked"
    );
    Error::new(
        ErrorKind::Internal,
        format!("the handler panicked; the server's log has more under id {id:016x}"),
    )
}

impl Origin for Connection {
    fn peer(&self) -> &Peer {
        &self.peer
    }

    fn push<'a>(
        &'a self,
        service: &'a str,
        method: &'a str,
        metadata: &'a Metadata,
        payload: Bytes,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let gone = || {
                Error::new(ErrorKind::Unavailable, "the client is gone")
                    .at(self.peer.address.clone())
                    .not_sent()
            };
            if self.link.is_closed() {
                return Err(gone());
            }
            if self.is_unread() {
                let text = "the client reads too slowly: its connection holds as many unread bytes as it may";
                return Err(Error::new(ErrorKind::Overloaded, text).at(self.peer.address.clone()).not_sent());
            }
            let header = Header::push().with_seq(self.shared.next_push());
            let too_large =
                |e: trunkline_wire::EncodeError| Error::new(ErrorKind::Invalid, e.to_string()).not_sent();
            let encode = |out: &mut Vec<u8>, inline: Option<&[u8]>| {
                let mut frame = FrameEncoder::begin(out, header, service.as_bytes(), method.as_bytes());
                frame.block(metadata.encoded());
                match inline {
                    Some(payload) => frame.payload(payload),
                    None => frame.detached(payload.len()),
                }
            };
            let push = if payload.len() >= LARGE {
                let mut head = Vec::new();
                encode(&mut head, None).map_err(too_large)?;
                self.link.with(|s| {
                    s.out.append_large(head, payload);
                    s.out.pushed(true)
                })
            } else {
                self.link.with(|s| {
                    s.out.append(|out| encode(out, Some(&payload))).map_err(too_large)?;
                    Ok::<_, Error>(s.out.pushed(false))
                })?
            };
            self.link.carry_out(push);
            Ok(())
        })
    }

    fn closed(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.until_closed())
    }
}

/// A place among the calls in flight; given back when the call ends, however it ends.
struct Permit {
    connection: Arc<Connection>,
    _charge: Option<Charge>,
}

impl Permit {
    fn take(connection: &Arc<Connection>, wire_len: usize) -> Self {
        connection.in_flight.fetch_add(1, Ordering::Relaxed);
        connection.shared.admission.enter();
        let charge = (wire_len > SMALL_FRAME).then(|| {
            let mut charge = connection.shared.budget.charge();
            charge.resize(wire_len);
            charge
        });
        Self { connection: connection.clone(), _charge: charge }
    }

    async fn finish(self, key: Key, future: Running_) {
        let result = CatchUnwind(future).await;
        let asked = self.connection.running.lock().finish(key);
        // None: the timer has answered already.
        if let Some(asked) = asked {
            let result = result.unwrap_or_else(|panic| Err(panicked(asked.names.target(), &*panic)));
            self.connection.answer_apart(&asked, result);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.connection.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.connection.shared.admission.leave();
        if self.connection.has_queued() {
            self.connection.start_queued();
        }
        self.connection.shared.admission.wake_next();
    }
}

struct CatchUnwind(Running_);

impl Future for CatchUnwind {
    type Output = Result<Result<Reply, Error>, Box<dyn std::any::Any + Send>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(cx))) {
            Ok(Poll::Ready(result)) => Poll::Ready(Ok(result)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}
