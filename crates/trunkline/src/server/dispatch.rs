//! From a request's frame to its answer: admission, the first poll, and what follows when the
//! handler is not done by then.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tokio::time::Instant;
use trunkline_wire::{CompressType, Header};

use super::answer::LargeAnswer;
use super::arrived::{Arrived, Asked, Names, deadline_of, uncharged};
use super::connection::Connection;
use super::endpoint;
use super::pace::Stopwatch;
use super::permit::Permit;
use super::router::{Held, RouteCache};
use super::running::Queued;
use super::seat::{First, Request};
use crate::budget::{ALLOWANCE, Charge};
use crate::call::{Body, Call, Reply, Target};
use crate::error::{Error, ErrorKind};
use crate::frame::link::Reason;
use crate::frame::scratch;
use crate::later;
use crate::transport::BoxFuture;

/// A compressed payload of this size or more is inflated in a task of its own, so that it does
/// not hold up its neighbours.
const INFLATE_APART: usize = 16 * 1024;

/// Frames below this size count by number, not against the byte budget.
pub(super) const SMALL_FRAME: usize = 4 * 1024;

/// Service path and method together may have so many bytes.
const LONGEST_NAMES: usize = 16 * 1024;

/// The text that Go's contexts give, and that callers look for.
pub(super) const DEADLINE_TEXT: &str = "context deadline exceeded";

/// A handler under way.
pub(super) type Handling = BoxFuture<'static, Result<Reply, Error>>;

/// What the frames of one read are answered with.
pub(super) struct Batch {
    pub(super) replies: Vec<u8>,
    /// A large answer was queued beside `replies`.
    pub(super) large: bool,
    watch: Stopwatch,
}

impl Batch {
    pub(super) fn new() -> Self {
        Self { replies: Vec::new(), large: false, watch: Stopwatch::new() }
    }

    pub(super) fn begin(&mut self) {
        self.watch.restart();
    }

    pub(super) fn end(&mut self) {
        self.watch.end();
    }
}

impl Connection {
    /// Handles one frame. An error ends the connection.
    #[inline]
    pub(super) fn on_frame(
        self: &Arc<Self>,
        arrived: Arrived,
        routes: &mut RouteCache,
        batch: &mut Batch,
    ) -> Result<(), Reason> {
        let message = &arrived.message;
        let header = message.header();
        if header.is_response() {
            return Err(Reason::new("the peer sent a response where a request was expected"));
        }
        let names = message.service_path().len() + message.service_method().len();
        if names > LONGEST_NAMES {
            // Names go into errors and answers several times over; nobody's are that long.
            let text = format!(
                "protocol error: service path and method of {names} bytes, the limit is {LONGEST_NAMES}"
            );
            return Err(Reason::new(text));
        }
        if header.is_heartbeat() {
            self.echo(arrived.message, &mut batch.replies);
            return Ok(());
        }
        match routes.find(&self.shared.router, message) {
            Ok(held) if self.shared.chain.is_empty() => self.on_request(arrived, held, batch),
            Ok(held) => {
                let names = Names::Route(held.route.clone());
                self.start_layered(arrived, names, batch)
            }
            Err(_) if !self.shared.chain.is_empty() => {
                // A layer may know the names, or wish to see what is asked for.
                let names = Names::unknown(message);
                self.start_layered(arrived, names, batch)
            }
            Err(error) => {
                let names = Names::unknown(message);
                self.answer_here(header, names.target(), Err(error), batch)
            }
        }
    }

    /// The shortest way: no layers, a known method, no counter touched that others touch.
    #[inline]
    fn on_request(
        self: &Arc<Self>,
        arrived: Arrived,
        Held { names, route, seat }: &mut Held,
        batch: &mut Batch,
    ) -> Result<(), Reason> {
        let header = arrived.message.header();
        if self.must_wait(&arrived) || route.pace.is_apart() {
            return self.start_later(arrived, Names::Route(route.clone()), batch);
        }
        let wire_len = uncharged(&arrived);
        let plain = header.compress() == CompressType::NONE
            && arrived.message.wire_len() <= SMALL_FRAME
            && arrived.charge.is_none();
        let before = batch.replies.len();
        let (first, deadline) = match seat {
            Some(seat) if plain => {
                let (message, target) = (arrived.message, &route.target);
                let deadline = match seat.deadline(&message, arrived.at) {
                    Some(at) if at <= arrived.at => {
                        return self.answer_here(header, target, Err(late()), batch);
                    }
                    deadline => deadline,
                };
                let request = Request { message, deadline, names, target, connection: self };
                (guarded(target, |cx| seat.begin(request, cx, &mut batch.replies)), deadline)
            }
            _ => match self.call(arrived, header, &route.target, route.idempotent) {
                Ok((call, deadline)) => {
                    let endpoint = route.endpoint.clone();
                    (first_poll(&route.target, || endpoint::start(endpoint, call)), deadline)
                }
                Err(error) => return self.answer_here(header, &route.target, Err(error), batch),
            },
        };
        if let Some(took) = batch.watch.lap() {
            route.pace.took(took);
        }
        match first {
            First::Answered => return Ok(()),
            // A panic may have come after the answer was written: there is to be one.
            First::Done(_) => batch.replies.truncate(before),
            _ => {}
        }
        self.follow(first, Asked { header, names: Names::Route(route.clone()) }, deadline, wire_len, batch)
    }

    /// What follows from a first poll.
    fn follow(
        self: &Arc<Self>,
        first: First,
        asked: Asked,
        deadline: Option<Instant>,
        wire_len: usize,
        batch: &mut Batch,
    ) -> Result<(), Reason> {
        match first {
            First::Answered => {}
            First::Large(large) => {
                batch.large = true;
                self.send_large(large);
            }
            First::Done(result) => {
                return self.answer_here(asked.header, asked.names.target(), result, batch);
            }
            First::Pending(future) => self.go_on(future, asked, deadline, wire_len),
        }
        Ok(())
    }

    fn start_layered(
        self: &Arc<Self>,
        arrived: Arrived,
        names: Names,
        batch: &mut Batch,
    ) -> Result<(), Reason> {
        let header = arrived.message.header();
        let apart = matches!(&names, Names::Route(route) if route.pace.is_apart());
        if apart || self.must_wait(&arrived) {
            return self.start_later(arrived, names, batch);
        }
        let wire_len = uncharged(&arrived);
        let idempotent = matches!(&names, Names::Route(route) if route.idempotent);
        let (call, deadline) = match self.call(arrived, header, names.target(), idempotent) {
            Ok(call) => call,
            Err(error) => return self.answer_here(header, names.target(), Err(error), batch),
        };
        let first = first_poll(names.target(), || self.shared.layered(call));
        if let (Some(took), Names::Route(route)) = (batch.watch.lap(), &names) {
            route.pace.took(took);
        }
        self.follow(first, Asked { header, names }, deadline, wire_len, batch)
    }

    /// Whether a request cannot be polled where its frame was read.
    #[inline]
    fn must_wait(&self, arrived: &Arrived) -> bool {
        let message = &arrived.message;
        (message.header().compress() != CompressType::NONE && message.payload().len() >= INFLATE_APART)
            || self.is_full()
            || message.wire_len() > SMALL_FRAME && self.refusal(arrived).is_some()
    }

    /// Refuses a request, queues it, or starts it in a task of its own.
    #[cold]
    fn start_later(
        self: &Arc<Self>,
        arrived: Arrived,
        names: Names,
        batch: &mut Batch,
    ) -> Result<(), Reason> {
        let header = arrived.message.header();
        if let Some(refusal) = self.refusal(&arrived) {
            return self.answer_here(header, names.target(), Err(refusal), batch);
        }
        if self.is_full() {
            return self.enqueue(arrived, names.target(), batch);
        }
        self.start_apart(arrived, Asked { header, names });
        // A worker runs the task it spawned last itself, and nobody else is told of it. A task
        // after the slow one moves that to where an idle worker is woken to take it; else it would
        // run here, with nobody left to look for what arrives meanwhile.
        tokio::spawn(std::future::ready(()));
        Ok(())
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
        self.is_busy() || self.shared.admission.is_full()
    }

    /// Whether this connection has as many calls under way as one may.
    fn is_busy(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) >= self.shared.limits.in_flight_per_connection
    }

    fn enqueue(
        self: &Arc<Self>,
        mut arrived: Arrived,
        target: &Target,
        batch: &mut Batch,
    ) -> Result<(), Reason> {
        let limits = &self.shared.limits;
        let longest = later::after(arrived.at, limits.queue_wait);
        let until = deadline_of(&arrived).map_or(longest, |deadline| deadline.min(longest));
        let mut running = self.running.lock();
        if running.queued() >= limits.queue_per_connection {
            drop(running);
            let text = format!(
                "the server is full: {} calls under way on this connection, {} waiting",
                self.in_flight.load(Ordering::Relaxed),
                limits.queue_per_connection
            );
            let refusal = Error::new(ErrorKind::Overloaded, text).not_started();
            return self.answer_here(arrived.message.header(), target, Err(refusal), batch);
        }
        if uncharged(&arrived) > SMALL_FRAME {
            let mut charge = self.shared.budget.charge();
            charge.resize(arrived.message.wire_len());
            arrived.charge = Some(charge);
        }
        let sooner = running.enqueue(Queued { arrived, until });
        drop(running);
        self.wake_timer(sooner);
        // A place may have become free since we looked.
        self.start_queued();
        Ok(())
    }

    /// Starts requests that wait, while there are places.
    pub(crate) fn start_queued(self: &Arc<Self>) {
        // The last permits may be dropped with the runtime itself.
        if tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        if !self.running.lock().begin_starting() {
            return;
        }
        loop {
            let next = self.running.lock().next_to_start(|| self.is_full());
            let Some(queued) = next else { break };
            let message = &queued.arrived.message;
            let names = match self.shared.router.find(message.service_path(), message.service_method()) {
                Ok(route) => Names::Route(Arc::new(route)),
                Err(_) => Names::unknown(message),
            };
            let asked = Asked { header: message.header(), names };
            self.start_apart(queued.arrived, asked);
        }
        // While the connection is busy, the end of one of its own calls brings us back here.
        if self.queued_calls() > 0 && !self.is_busy() {
            self.shared.admission.wait(self);
            self.shared.admission.wake_next();
        }
    }

    /// Makes the call that middleware and handler see.
    #[inline]
    fn call(
        self: &Arc<Self>,
        arrived: Arrived,
        header: Header,
        target: &Target,
        idempotent: bool,
    ) -> Result<(Call, Option<Instant>), Error> {
        let deadline = deadline_of(&arrived);
        if deadline.is_some_and(|at| at <= arrived.at) {
            return Err(late());
        }
        let (metadata, payload) = arrived.message.into_parts();
        let mut charge = arrived.charge;
        let payload = if header.compress() == CompressType::NONE {
            payload
        } else {
            self.inflate(header.compress(), &payload, &mut charge)?
        };
        Ok((
            Call {
                target: target.clone(),
                metadata,
                body: Body::from(payload),
                format: header.serialize(),
                compress: CompressType::NONE,
                oneway: header.is_oneway(),
                idempotent,
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
        let arrived = charge.as_ref().map_or(0, Charge::bytes);
        let inflated = self.shared.rules.inflate(kind, payload, limit, |room| {
            room <= ALLOWANCE
                || charge.get_or_insert_with(|| self.shared.budget.charge()).try_resize(arrived + room)
        })?;
        if let Some(charge) = charge {
            charge.resize(arrived + if inflated.len() > ALLOWANCE { inflated.len() } else { 0 });
        }
        Ok(inflated)
    }

    fn future(&self, call: Call, names: &Names) -> Handling {
        match names {
            Names::Route(route) if self.shared.chain.is_empty() => {
                endpoint::start(route.endpoint.clone(), call)
            }
            Names::Unknown(_) if self.shared.chain.is_empty() => {
                let found = self.shared.router.find(call.service().as_bytes(), call.method().as_bytes());
                match found {
                    Ok(route) => endpoint::start(route.endpoint, call),
                    Err(error) => Box::pin(std::future::ready(Err(error))),
                }
            }
            _ => self.shared.layered(call),
        }
    }

    /// Answers where the frame was read: the answer joins the batch.
    #[inline]
    fn answer_here(
        &self,
        header: Header,
        target: &Target,
        result: Result<Reply, Error>,
        batch: &mut Batch,
    ) -> Result<(), Reason> {
        let close = matches!(&result, Err(error) if error.closes_connection());
        if let Some(large) = self.write_answer(header, target, result, &mut batch.replies) {
            batch.large = true;
            self.send_large(large);
        }
        if close { Err(asked_to_close()) } else { Ok(()) }
    }

    #[inline]
    fn write_answer(
        &self,
        header: Header,
        target: &Target,
        result: Result<Reply, Error>,
        out: &mut Vec<u8>,
    ) -> Option<LargeAnswer> {
        let (path, method) = (target.service(), target.method());
        if !header.is_oneway() {
            return self.shared.rules.write(out, header, path.as_bytes(), method.as_bytes(), result);
        }
        if let Err(error) = result {
            tracing::debug!(service = path, method, %error, "a oneway call failed");
        }
        None
    }

    fn send_large(&self, large: LargeAnswer) {
        let push = self.link.with(|s| {
            s.out.append_large(large.head, large.payload);
            s.out.pushed(true)
        });
        self.link.carry_out(push);
    }

    /// Answers from a task of its own.
    pub(super) fn answer_apart(&self, asked: &Asked, result: Result<Reply, Error>) {
        if self.link.is_closed() {
            return;
        }
        let close = matches!(&result, Err(error) if error.closes_connection());
        let mut frame = scratch::take();
        if let Some(large) = self.write_answer(asked.header, asked.names.target(), result, &mut frame) {
            self.send_large(large);
        }
        if !frame.is_empty() {
            let alone = close || self.in_flight.load(Ordering::Relaxed) <= 1;
            let push = self.link.with(|s| {
                s.out.append_encoded(&frame);
                s.out.pushed(alone)
            });
            self.link.carry_out(push);
        }
        scratch::give(frame);
        if close {
            // The reading task lets the answer out before it shuts the door.
            self.close_after_answers(asked_to_close());
        }
    }

    /// Runs a request wholly in a task of its own.
    fn start_apart(self: &Arc<Self>, arrived: Arrived, asked: Asked) {
        let wire_len = uncharged(&arrived);
        let deadline = deadline_of(&arrived);
        let connection = self.clone();
        let (header, names) = (asked.header, asked.names.clone());
        let future = Box::pin(async move {
            let idempotent = matches!(&names, Names::Route(route) if route.idempotent);
            let (call, _) = connection.call(arrived, header, names.target(), idempotent)?;
            connection.future(call, &names).await
        });
        self.go_on(future, asked, deadline, wire_len);
    }

    /// Moves a call that is not done to a task of its own.
    fn go_on(self: &Arc<Self>, future: Handling, asked: Asked, deadline: Option<Instant>, wire_len: usize) {
        let permit = Permit::take(self, wire_len);
        let generation = self.generation.fetch_add(1, Ordering::Relaxed);
        let lasting = asked.names.is_lasting();
        let noted = self.running.lock().insert(asked, deadline, generation);
        let Some((key, sooner)) = noted else { return };
        // Not under the lock: a runtime that shuts down drops the task at once, and with it the
        // permit, which looks at the queue.
        let task = tokio::spawn(permit.finish(key, future)).abort_handle();
        let ended = self.running.lock().started(key, task);
        if let Some(task) = ended.filter(|_| !lasting) {
            task.abort();
        }
        self.wake_timer(sooner);
    }
}

fn asked_to_close() -> Reason {
    Reason::new("a handler or a layer asked to close the connection")
}

/// Whoever asked has given up already.
#[cold]
fn late() -> Error {
    Error::new(ErrorKind::Deadline, DEADLINE_TEXT).not_started()
}

/// Polls a handler once.
#[inline]
fn first_poll(target: &Target, handling: impl FnOnce() -> Handling) -> First {
    guarded(target, |cx| {
        let mut future = handling();
        match future.as_mut().poll(cx) {
            Poll::Ready(result) => First::Done(result),
            Poll::Pending => First::Pending(future),
        }
    })
}

/// Polls a handler once, without a real waker: a call that is not done is polled again by its
/// own task, and waking this one, which reads, would be for nothing.
#[inline]
fn guarded(target: &Target, poll: impl FnOnce(&mut Context<'_>) -> First) -> First {
    let mut cx = Context::from_waker(Waker::noop());
    let polled = catch_unwind(AssertUnwindSafe(|| poll(&mut cx)));
    polled.unwrap_or_else(|panic| First::Done(Err(panicked(target, &*panic))))
}

/// The answer to a panic: a fixed text and an id that the log repeats. Arguments, message and
/// stack are the server's own business.
pub(super) fn panicked(target: &Target, panic: &(dyn Any + Send)) -> Error {
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
