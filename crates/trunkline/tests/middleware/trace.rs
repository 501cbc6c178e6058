use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_core::span::Current;
use trunkline::middleware::{Middleware, Next, Trace};
use trunkline::server::{MethodFlags, MethodInfo};
use trunkline::{Call, Client, Ctx, DefaultFormats, Error, Failure, Reply, Service, testing};

use crate::sample;

/// Keeps the spans of this thread, which in these tests is all there is.
#[derive(Clone, Default)]
struct Spans(Arc<Inner>);

#[derive(Default)]
struct Inner {
    spans: Mutex<Vec<Span>>,
    events: Mutex<Vec<Vec<String>>>,
    inside: Mutex<Vec<u64>>,
    next: AtomicU64,
}

#[derive(Clone, Debug)]
struct Span {
    id: u64,
    metadata: &'static Metadata<'static>,
    fields: HashMap<&'static str, String>,
}

impl Span {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

impl Visit for Span {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }
}

impl Spans {
    /// Those with this name, in the order in which they began.
    fn named(&self, name: &str) -> Vec<Span> {
        self.0.spans.lock().iter().filter(|span| span.metadata.name() == name).cloned().collect()
    }

    /// The spans around each event of these tests.
    fn events(&self) -> Vec<Vec<String>> {
        self.0.events.lock().clone()
    }
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.target().starts_with("trunkline")
            || metadata.is_event() && metadata.target() == module_path!()
    }

    /// Other threads have other subscribers, or none.
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed) + 1;
        let metadata = attributes.metadata();
        let mut span = Span { id, metadata, fields: HashMap::new() };
        attributes.record(&mut span);
        self.0.spans.lock().push(span);
        Id::from_u64(id)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        let mut spans = self.0.spans.lock();
        let span = spans.iter_mut().find(|span| span.id == id.into_u64()).unwrap();
        values.record(span);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        let spans = self.0.spans.lock();
        let name = |id: &u64| spans.iter().find(|span| span.id == *id).unwrap().metadata.name().to_owned();
        let around = self.0.inside.lock().iter().map(name).collect();
        self.0.events.lock().push(around);
    }

    fn enter(&self, id: &Id) {
        self.0.inside.lock().push(id.into_u64());
    }

    fn current_span(&self) -> Current {
        let Some(id) = self.0.inside.lock().last().copied() else { return Current::none() };
        let spans = self.0.spans.lock();
        let span = spans.iter().find(|span| span.id == id).unwrap();
        Current::new(Id::from_u64(id), span.metadata)
    }

    fn exit(&self, id: &Id) {
        let mut inside = self.0.inside.lock();
        let at = inside.iter().rposition(|inside| *inside == id.into_u64()).unwrap();
        inside.remove(at);
    }
}

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// `Meta.Get`, traced on both ends.
async fn traced() -> (Client, trunkline::server::RunningServer) {
    let server = sample::server().layer(Trace::new());
    testing::connected_with(server, Client::builder().layer(Trace::new())).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn one_trace_goes_from_the_caller_through_client_and_server() {
    let spans = Spans::default();
    let _guard = tracing::subscriber::set_default(spans.clone());
    let (client, running) = traced().await;
    let meta = client.service("Meta");
    let seen: Option<String> = meta
        .call("Get", "traceparent")
        .metadata("traceparent", PARENT)
        .metadata("tracestate", "vendor=1")
        .await
        .unwrap();
    let (client_spans, server_spans) = (spans.named("client_call"), spans.named("server_call"));
    let ([outer], [inner]) = (&client_spans[..], &server_spans[..]) else { panic!("one span on each side") };
    for (span, side) in [(outer, "client"), (inner, "server")] {
        assert_eq!(span.metadata.target(), format!("trunkline::{side}"));
        for (name, value) in [
            ("otel.kind", side),
            ("otel.name", "Meta/Get"),
            ("rpc.system", "rpcx"),
            ("rpc.service", "Meta"),
            ("rpc.method", "Get"),
            ("trace_id", TRACE),
            ("outcome", "ok"),
            ("peer", "memory@test"),
        ] {
            assert_eq!(span.field(name), Some(value), "{name} of the {side}'s span");
        }
        assert_eq!(span.field("error"), None);
    }
    assert_eq!(outer.field("parent_id"), Some("b7ad6b7169203331"));
    assert_eq!(inner.field("parent_id"), outer.field("span_id"));
    // The handler sees its own span, for what it calls in turn.
    let own = inner.field("span_id").unwrap();
    assert_eq!(seen.unwrap(), format!("00-{TRACE}-{own}-01"));
    let state: Option<String> = meta
        .call("Get", "tracestate")
        .metadata("traceparent", PARENT)
        .metadata("tracestate", "vendor=1")
        .await
        .unwrap();
    assert_eq!(state.as_deref(), Some("vendor=1"));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_trace_begins_where_none_came_and_where_what_came_cannot_be_read() {
    let spans = Spans::default();
    let _guard = tracing::subscriber::set_default(spans.clone());
    let (client, running) = traced().await;
    let meta = client.service("Meta");
    let _: Option<String> = meta.call("Get", "traceparent").await.unwrap();
    let state: Option<String> = meta
        .call("Get", "tracestate")
        .metadata("traceparent", "nonsense")
        .metadata("tracestate", "vendor=1")
        .await
        .unwrap();
    assert_eq!(state, None, "a state without its trace means nothing");
    let begun = spans.named("client_call");
    assert_eq!(begun.len(), 2);
    for span in &begun {
        assert_eq!(span.field("parent_id"), None);
        assert_eq!(span.field("trace_id").unwrap().len(), 32);
    }
    assert_ne!(begun[0].field("trace_id"), begun[1].field("trace_id"));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_handlers_own_calls_continue_its_span() {
    let spans = Spans::default();
    let _guard = tracing::subscriber::set_default(spans.clone());
    let (inner_client, inner) = traced().await;
    let nested = sample::server().layer(Trace::new()).function("Nested", "Get", move |key: String| {
        let client = inner_client.clone();
        async move { Ok::<_, Failure>(client.service("Meta").call::<_, Option<String>>("Get", &key).await?) }
    });
    let (client, outer) = testing::connected(nested).await.unwrap();
    let _: Option<String> = client.service("Nested").call("Get", "traceparent").await.unwrap();
    let (servers, clients) = (spans.named("server_call"), spans.named("client_call"));
    let [first, second] = &servers[..] else { panic!("a span for each server") };
    let [between] = &clients[..] else { panic!("a span for the call between them") };
    assert_eq!(between.field("parent_id"), first.field("span_id"));
    assert_eq!(second.field("parent_id"), between.field("span_id"));
    assert_eq!(second.field("trace_id"), first.field("trace_id"));
    outer.stop().await;
    inner.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_error_and_its_kind_are_noted() {
    let spans = Spans::default();
    let _guard = tracing::subscriber::set_default(spans.clone());
    let (client, running) = traced().await;
    client.service("Math").call::<_, ()>("Fail", "no luck").await.unwrap_err();
    client.service("Math").call::<_, ()>(&"x".repeat(5000), &()).await.unwrap_err();
    let served = spans.named("server_call");
    assert_eq!(
        (served[0].field("outcome"), served[0].field("error")),
        (Some("application"), Some("no luck"))
    );
    assert_eq!(served[1].field("outcome"), Some("not_found"));
    assert_eq!(served[1].field("rpc.method").unwrap().len(), 64, "a caller's name is cut");
    assert_eq!(served[1].field("error").unwrap().len(), 1024, "also where an error repeats it");
    let called = spans.named("client_call");
    assert!(called[0].field("error").unwrap().contains("calling Math.Fail, at memory@test"), "{called:?}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn handlers_run_inside_the_span_wherever_they_run() {
    let spans = Spans::default();
    let _guard = tracing::subscriber::set_default(spans.clone());
    let say = |_: ()| async {
        tokio::task::yield_now().await;
        tracing::info!("in a handler");
        Ok::<_, Failure>(())
    };
    let run_on = MethodFlags { run_to_completion: true, ..MethodFlags::default() };
    let service = Service::new("Say")
        .function("Here", say)
        .function_in::<DefaultFormats, _, _, _>(MethodInfo::new("RunOn").flags(run_on), say);
    let server = sample::server().service(service).layer(Trace::new());
    let (client, running) = testing::connected(server).await.unwrap();
    for method in ["Here", "RunOn"] {
        client.service("Say").call::<_, ()>(method, &()).await.unwrap();
    }
    assert_eq!(spans.events(), [["server_call"], ["server_call"]]);
    running.stop().await;
}

/// Tries once more.
struct Again;

impl Middleware for Again {
    async fn handle(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Error> {
        let first = next.run(call).await;
        if first.is_ok() { first } else { next.run(call).await }
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_are_siblings_under_the_call() {
    let spans = Spans::default();
    let _guard = tracing::subscriber::set_default(spans.clone());
    let client = Client::builder().layer(Trace::new()).layer(Again).attempt_layer(Trace::new());
    let client = testing::direct_with(sample::server(), client);
    client.service("Math").call::<_, ()>("Fail", "no").await.unwrap_err();
    let made = spans.named("client_call");
    let [call, first, second] = &made[..] else { panic!("one call, two attempts: {made:?}") };
    assert_eq!(first.field("parent_id"), call.field("span_id"));
    assert_eq!(second.field("parent_id"), call.field("span_id"));
    assert_ne!(first.field("span_id"), second.field("span_id"));
}

#[tokio::test(start_paused = true)]
async fn where_nobody_listens_a_trace_passes_unchanged() {
    let (client, running) = traced().await;
    let meta = client.service("Meta");
    let none: Option<String> = meta.call("Get", "traceparent").await.unwrap();
    assert_eq!(none, None);
    let same: Option<String> = meta.call("Get", "traceparent").metadata("traceparent", PARENT).await.unwrap();
    assert_eq!(same.as_deref(), Some(PARENT));
    running.stop().await;
}

/// Asks a server for what its own caller sent, outside of any layer.
#[tokio::test(start_paused = true)]
async fn without_the_layer_a_trace_still_goes_on_to_nested_calls() {
    let (inner_client, inner) = testing::connected(sample::server()).await.unwrap();
    let nested = sample::server().function("Nested", "Get", move |_: Ctx, key: String| {
        let client = inner_client.clone();
        async move { Ok::<_, Failure>(client.service("Meta").call::<_, Option<String>>("Get", &key).await?) }
    });
    let (client, outer) = testing::connected(nested).await.unwrap();
    let nested = client.service("Nested");
    let same: Option<String> =
        nested.call("Get", "traceparent").metadata("traceparent", PARENT).await.unwrap();
    assert_eq!(same.as_deref(), Some(PARENT));
    outer.stop().await;
    inner.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_clients_span_has_the_explanation_of_a_failed_call() {
    let spans = Spans::default();
    let _guard = tracing::subscriber::set_default(spans.clone());
    let client = Client::builder().layer(Trace::new());
    let list = "memory@nobody,memory@off?state=inactive";
    let client = client.transport(trunkline::transport::memory::Memory::new()).connect(list).await.unwrap();
    client.service("Math").call::<_, i64>("Neg", &5).await.unwrap_err();
    let span = &spans.named("client_call")[0];
    assert_eq!((span.field("candidates"), span.field("list")), (Some("0"), Some("fresh")));
    assert!(span.field("excluded").unwrap().contains("memory@off (inactive)"), "{:?}", span.fields);
    assert!(span.field("attempts").unwrap().contains("memory@nobody"), "{:?}", span.fields);
    assert!(span.field("gave_up").is_some() && span.field("left").is_some(), "{:?}", span.fields);
    assert!(!span.field("error").unwrap().contains('\n'));
}
