//! Spans around calls, and the W3C trace context that ties both ends together.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::field::Empty;
use tracing::{Instrument, Span};
use trunkline_wire::{Metadata, keys};

use super::{Middleware, Next, Side};
use crate::call::{Call, Reply};
use crate::error::Error;
use crate::explain::Explanation;

/// Puts a `tracing` span around every call, on either end, and carries the trace from one to the
/// other in the metadata `traceparent` and `tracestate`, as W3C and Go's tracing plugins have it.
///
/// A server's span continues the caller's trace, and calls that the handler makes continue the
/// server's: they inherit what this layer leaves in the request's metadata. As a client's
/// `attempt_layer` it makes one span for each attempt, each of them a child of the call's.
///
/// | | on a client | on a server |
/// |---|---|---|
/// | name and target | `client_call` of `trunkline::client` | `server_call` of `trunkline::server` |
/// | level | info | info |
/// | `otel.kind` | `client` | `server` |
/// | `otel.name` | service and method, `Arith/Mul` | the same |
/// | `rpc.system`, `rpc.service`, `rpc.method` | `rpcx` and the names, cut at 64 characters | the same |
/// | `trace_id`, `span_id` | the trace and this span, in hex | the same |
/// | `parent_id` | the span that this one continues, if there is one | the caller's span, if it sent one |
/// | `peer` | who answered, where somebody did | who calls |
/// | `outcome` | `ok` or the [kind of error](crate::ErrorKind::as_str) | the same |
/// | `error` | the error, if there was one, cut at 1,024 characters | the same |
/// | `candidates`, `excluded`, `attempts`, `list`, `gave_up`, `left` | the call's [explanation](crate::explain::Explanation), where it has one: how many could take it, who could not and why, where it went, how far the list is believed, why there was no further attempt, what was left of its time | |
///
/// Where nobody listens to the span, because the level is off, no id is made, and a trace that
/// came along goes on unchanged.
///
/// ```
/// use trunkline::middleware::Trace;
/// use trunkline::{Client, Server};
///
/// let server = Server::builder().layer(Trace::new());
/// let client = Client::builder().layer(Trace::new());
/// # let _ = (server, client);
/// ```
pub struct Trace {
    /// Ids are hashes of a counter under a random key: distinct, not guessable, and no lock.
    key: RandomState,
    next: AtomicU64,
}

impl Trace {
    /// A layer for a client or a server.
    pub fn new() -> Self {
        Self { key: RandomState::new(), next: AtomicU64::new(0) }
    }

    fn id(&self) -> u64 {
        loop {
            let id = self.key.hash_one(self.next.fetch_add(1, Ordering::Relaxed));
            // Zero is no id.
            if id != 0 {
                return id;
            }
        }
    }

    /// The context of a new span: a child of `parent`, or the first of a trace.
    fn child(&self, parent: Option<TraceParent>) -> TraceParent {
        match parent {
            Some(parent) => TraceParent { span: self.id(), ..parent },
            None => TraceParent {
                trace: u128::from(self.id()) << 64 | u128::from(self.id()),
                span: self.id(),
                flags: SAMPLED,
            },
        }
    }
}

impl Default for Trace {
    fn default() -> Self {
        Self::new()
    }
}

impl Middleware for Trace {
    async fn handle(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Error> {
        let side = next.side();
        let span = span(side, call);
        if span.is_disabled() {
            return next.run(call).await;
        }
        let came = Came::take(&mut call.metadata);
        let parent = came.parent();
        let own = self.child(parent);
        span.record("trace_id", format_args!("{:032x}", own.trace));
        span.record("span_id", format_args!("{:016x}", own.span));
        if let Some(parent) = parent {
            span.record("parent_id", format_args!("{:016x}", parent.span));
        }
        call.metadata.insert(keys::TRACEPARENT, own.to_string());
        // The inner block makes even the beginning of the rest happen inside the span: a handler
        // may be spawned there.
        let result = async { next.run(call).await }.instrument(span.clone()).await;
        // A layer outside may try again: then that is a child of the same parent.
        came.put_back(&mut call.metadata);
        record(&span, side, &result);
        result
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trace")
    }
}

fn span(side: Side, call: &Call) -> Span {
    /// The level, name and target of a span cannot be values.
    macro_rules! call_span {
        ($target:literal, $name:literal, $kind:literal) => {
            tracing::info_span!(
                target: $target,
                $name,
                otel.kind = $kind,
                otel.name = %Name(call),
                rpc.system = "rpcx",
                rpc.service = short(call.service()),
                rpc.method = short(call.method()),
                trace_id = Empty,
                span_id = Empty,
                parent_id = Empty,
                peer = call.peer().map(|peer| &*peer.address),
                outcome = Empty,
                error = Empty,
                candidates = Empty,
                excluded = Empty,
                attempts = Empty,
                list = Empty,
                gave_up = Empty,
                left = Empty,
            )
        };
    }
    match side {
        Side::Client => call_span!("trunkline::client", "client_call", "client"),
        Side::Server => call_span!("trunkline::server", "server_call", "server"),
    }
}

fn record(span: &Span, side: Side, result: &Result<Reply, Error>) {
    let (outcome, address, explanation) = match result {
        Ok(reply) => ("ok", reply.address(), reply.explanation.as_deref()),
        Err(error) => {
            span.record("error", cut(&error.line().to_string(), LONGEST_TEXT));
            (error.kind().as_str(), error.address(), error.explanation())
        }
    };
    span.record("outcome", outcome);
    if let Some(explanation) = explanation.filter(|_| side == Side::Client) {
        explain(span, explanation);
    }
    if let Some(address) = address.filter(|_| side == Side::Client) {
        span.record("peer", address);
    }
}

fn explain(span: &Span, explanation: &Explanation) {
    span.record("candidates", explanation.candidates_in_all);
    let excluded: Vec<_> = explanation
        .excluded
        .iter()
        .map(|excluded| format!("{} ({})", excluded.address, excluded.why))
        .collect();
    span.record("excluded", cut(&excluded.join(", "), LONGEST_TEXT));
    let attempts: Vec<_> = explanation.attempts.iter().map(ToString::to_string).collect();
    span.record("attempts", cut(&attempts.join(", "), LONGEST_TEXT));
    span.record("list", format_args!("{}", explanation.list));
    if let Some(gave_up) = explanation.gave_up {
        span.record("gave_up", format_args!("{gave_up}"));
    }
    if let Some(left) = explanation.left {
        span.record("left", format_args!("{left:?}"));
    }
}

struct Name<'a>(&'a Call);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", short(self.0.service()), short(self.0.method()))
    }
}

/// On a server a caller may ask for any name, which errors repeat: megabytes of it have no place
/// in a log.
const LONGEST_NAME: usize = 64;
const LONGEST_TEXT: usize = 1024;

fn short(name: &str) -> &str {
    cut(name, LONGEST_NAME)
}

fn cut(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(end, _)| &text[..end])
}

/// The trace context as it came, to be put back.
struct Came {
    parent: Option<String>,
    state: Option<String>,
}

impl Came {
    /// A context that cannot be read is dropped with its state: the trace begins anew, as W3C
    /// has it.
    fn take(metadata: &mut Metadata) -> Self {
        let parent = metadata.get(keys::TRACEPARENT).map(str::to_owned);
        let mut came = Self { parent, state: None };
        if came.parent().is_none() {
            came.state = metadata.get(keys::TRACESTATE).map(str::to_owned);
            metadata.remove(keys::TRACESTATE);
        }
        came
    }

    fn parent(&self) -> Option<TraceParent> {
        TraceParent::parse(self.parent.as_deref()?)
    }

    fn put_back(self, metadata: &mut Metadata) {
        match self.parent {
            Some(parent) => metadata.insert(keys::TRACEPARENT, parent),
            None => {
                metadata.remove(keys::TRACEPARENT);
            }
        }
        if let Some(state) = self.state {
            metadata.insert(keys::TRACESTATE, state);
        }
    }
}

/// A `traceparent`, version 00.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct TraceParent {
    trace: u128,
    span: u64,
    flags: u8,
}

const SAMPLED: u8 = 0x01;

/// Those that version 00 knows: sampled, and that the trace's id is random.
const FLAGS: u8 = 0x03;

impl TraceParent {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let version = hex(parts.next()?, 2)?;
        let trace = hex(parts.next()?, 32)?;
        let span = hex(parts.next()?, 16)?;
        let flags = hex(parts.next()?, 2)?;
        // Later versions may add parts; this one has none.
        if version == 0xff || (version == 0 && parts.next().is_some()) || trace == 0 || span == 0 {
            return None;
        }
        let flags = u8::try_from(flags).ok()? & FLAGS;
        Some(Self { trace, span: u64::try_from(span).ok()?, flags })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, self.flags)
    }
}

/// A number of exactly so many lower-case hex digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    (text.len() == digits && text.bytes().all(is_digit)).then(|| u128::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_context_is_read_as_w3c_has_it() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let parsed = TraceParent::parse(text).unwrap();
        assert_eq!(parsed.span, 0xb7ad_6b71_6920_3331);
        assert_eq!(parsed.to_string(), text);
        let later = format!("cc-{}-what-comes", &text[3..]);
        assert_eq!(TraceParent::parse(&later).unwrap().to_string(), text);
        for wrong in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(TraceParent::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn unknown_flags_are_not_passed_on() {
        let all = TraceParent::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff").unwrap();
        assert!(all.to_string().ends_with("-03"), "{all}");
    }

    #[test]
    fn ids_differ() {
        let (a, b) = (Trace::new(), Trace::new());
        let mut ids: Vec<_> = (0..1000).flat_map(|_| [a.id(), b.id()]).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 2000);
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(short("Arith"), "Arith");
        assert_eq!(short(&"é".repeat(100)), "é".repeat(64));
    }
}
