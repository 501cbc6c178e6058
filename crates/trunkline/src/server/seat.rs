//! Where one connection begins its calls of one method. The context and the memory of the handler's
//! future stay from call to call, and the reply is encoded where it leaves from: a call that is done at
//! its first poll allocates nothing.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;
use trunkline_wire::{EncodeError, FrameEncoder, Header, Message};

use super::answer::{LargeAnswer, too_large};
use super::arrived::time_left;
use super::connection::Connection;
use super::dispatch::Handling;
use super::endpoint::{Handled, Handler, UnderWay};
use super::outcome::{self, unencodable};
use crate::call::{Reply, Target};
use crate::codec::SetError;
use crate::ctx::Ctx;
use crate::error::{Error, ErrorKind};
use crate::frame::outgoing::LARGE;
use crate::later;

/// A larger future's memory is not kept: idle connections would hold it for nothing.
const KEPT: usize = 4 * 1024;

/// A small request without compression, at its route.
pub(crate) struct Request<'a> {
    pub(crate) message: Message,
    pub(crate) deadline: Option<Instant>,
    /// Service path and method [as in the frames](Message::names).
    pub(crate) names: &'a [u8],
    pub(crate) target: &'a Target,
    pub(crate) connection: &'a Arc<Connection>,
}

/// What became of a request at its first poll.
pub(crate) enum First {
    /// What there is to say stands in the batch.
    Answered,
    Large(LargeAnswer),
    Done(Result<Reply, Error>),
    Pending(Handling),
}

/// Begins calls of one method.
pub(crate) trait Seat: Send {
    /// When the caller of a request gives up. Asked of each request, before it is begun.
    fn deadline(&mut self, request: &Message, arrived: Instant) -> Option<Instant>;

    /// Polls the handler once; `cx` is of no use to wake it.
    fn begin(&mut self, request: Request<'_>, cx: &mut Context<'_>, replies: &mut Vec<u8>) -> First;
}

pub(super) struct HandlerSeat<H, M, F> {
    handler: Arc<H>,
    handle: M,
    /// Of the call before.
    ctx: Option<Ctx>,
    /// What the metadata in `ctx` says. Callers say the same again and again.
    left: Option<Duration>,
    memory: Option<Pin<Box<UnderWay<H, F>>>>,
    /// The last reply was too large to be copied with others.
    large: bool,
}

impl<H, M, F> HandlerSeat<H, M, F> {
    pub(super) fn new(handler: Arc<H>, handle: M) -> Self {
        Self { handler, handle, ctx: None, left: None, memory: None, large: false }
    }
}

impl<H, M, F> Seat for HandlerSeat<H, M, F>
where
    H: Handler,
    M: Fn(Arc<H>, Ctx, Bytes) -> F + Send,
    F: Future<Output = Handled<H>> + Send + 'static,
{
    #[inline]
    fn deadline(&mut self, request: &Message, arrived: Instant) -> Option<Instant> {
        let block = request.metadata_block();
        if self.ctx.as_ref().is_none_or(|ctx| ctx.metadata().encoded() != block) {
            // Both at once, whether the request is begun or comes too late: they say the same.
            self.left = time_left(block);
            self.ctx = self.ctx.take().and_then(|ctx| ctx.with_metadata(request));
        }
        self.left.map(|left| later::after(arrived, left))
    }

    #[inline]
    fn begin(&mut self, request: Request<'_>, cx: &mut Context<'_>, replies: &mut Vec<u8>) -> First {
        let Request { message, deadline, names, target, connection } = request;
        let header = message.header();
        let kept = self.ctx.take().and_then(|ctx| ctx.renewed(header, deadline));
        let ctx =
            kept.unwrap_or_else(|| Ctx::of_request(&message, target.clone(), connection.clone(), deadline));
        let mut running = self.memory.take().unwrap_or_else(|| Box::pin(UnderWay::none()));
        let handling = (self.handle)(self.handler.clone(), ctx.clone(), message.into_payload());
        running.as_mut().begin(ctx, handling);
        let polled = running.as_mut().poll_handled(cx);
        if polled.is_pending() {
            return First::Pending(running);
        }
        self.ctx = running.as_mut().end();
        self.memory = (size_of::<F>() <= KEPT).then_some(running);
        // By reference: a reply that is taken out is moved once more.
        if let Poll::Ready(Ok(Ok(reply))) = &polled
            && let Some(first) = self.write(header, names, reply, replies)
        {
            return first;
        }
        match (polled, &self.ctx) {
            (Poll::Ready(handled), Some(ctx)) => {
                let result = outcome::reply::<H>(ctx, handled);
                self.large = result.as_ref().is_ok_and(|reply| reply.body().len() >= LARGE);
                First::Done(result)
            }
            _ => First::Done(Err(Error::new(ErrorKind::Internal, "a handler lost its context"))),
        }
    }
}

impl<H: Handler, M, F> HandlerSeat<H, M, F> {
    /// Encodes a reply among the others, if that is all there is to do.
    #[inline]
    fn write(&mut self, header: Header, names: &[u8], reply: &H::Reply, out: &mut Vec<u8>) -> Option<First> {
        if header.is_oneway() {
            return Some(First::Answered);
        }
        let more_to_say = self.ctx.as_ref().is_none_or(Ctx::has_reply_metadata);
        if more_to_say || self.large || H::shared(reply).is_some() {
            return None;
        }
        let start = out.len();
        let frame = FrameEncoder::named(out, header.response_to(), names);
        let written =
            frame.payload_with(|out| H::encode(header.serialize(), reply, out).map_err(Unwritten::Reply));
        Some(match written {
            Ok(payload_at) if out.len() - payload_at < LARGE => First::Answered,
            Ok(_) => {
                self.large = true;
                let head = if start == 0 { std::mem::take(out) } else { out.split_off(start) };
                First::Large(LargeAnswer { head, payload: Bytes::new() })
            }
            Err(Unwritten::Reply(error)) => First::Done(Err(unencodable::<H>(error))),
            Err(Unwritten::Frame(error)) => First::Done(Err(too_large(&error))),
        })
    }
}

/// Why a reply's frame could not be made.
enum Unwritten {
    Reply(SetError),
    Frame(EncodeError),
}

impl From<EncodeError> for Unwritten {
    fn from(error: EncodeError) -> Self {
        Self::Frame(error)
    }
}
