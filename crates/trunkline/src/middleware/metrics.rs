//! Counts and times of calls, for Prometheus.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::time::Instant;

use super::{Middleware, Next, Side};
use crate::call::{Call, Reply, Target};
use crate::error::{Error, ErrorKind};

/// Counts calls and measures their time, on clients and servers alike.
///
/// | name | type | labels | meaning |
/// |---|---|---|---|
/// | `trunkline_server_calls_total` | counter | `service`, `method`, `kind` | calls that ended |
/// | `trunkline_server_call_duration_seconds` | histogram | `service`, `method` | how long they took |
/// | `trunkline_server_calls_in_flight` | gauge | | calls under way |
/// | `trunkline_client_calls_total` | counter | `service`, `method`, `kind` | calls that ended |
/// | `trunkline_client_call_duration_seconds` | histogram | `service`, `method` | how long they took |
/// | `trunkline_client_calls_in_flight` | gauge | | calls under way |
///
/// `kind` is `ok` or the [kind of error](ErrorKind::as_str). A call whose caller gave it up, or
/// went away, counts as `cancelled`, or as `deadline` when its time was up.
///
/// A caller cannot make labels grow: calls of methods that do not exist share the service and
/// method `unknown`. So do those of further methods once there are 500, or as many as
/// [`most_methods`](Self::most_methods) says. Put an [`Alias`](super::Alias) before this layer,
/// so that this one sees the real names.
///
/// Clones count into the same metrics: one `Metrics` serves all clients and servers of a process.
/// As a client's `attempt_layer` it counts attempts in place of calls.
///
/// ```
/// use prometheus_client::encoding::text::encode;
/// use prometheus_client::registry::Registry;
/// use trunkline::middleware::Metrics;
/// use trunkline::{Failure, Server, testing};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut registry = Registry::default();
/// let metrics = Metrics::new(&mut registry);
/// let client = testing::direct(
///     Server::builder()
///         .function("Math", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) })
///         .layer(metrics.clone()),
/// );
/// let _: i64 = client.service("Math").call("Neg", &5).await?;
///
/// let mut text = String::new();
/// encode(&mut text, &registry)?;
/// assert!(text.contains(r#"trunkline_server_calls_total{service="Math",method="Neg",kind="ok"} 1"#));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Metrics {
    server: Arc<Meters>,
    client: Arc<Meters>,
    most_methods: usize,
}

impl Metrics {
    /// Registers the metrics. A prefix and constant labels are the registry's to set.
    pub fn new(registry: &mut Registry) -> Self {
        Self {
            server: Meters::register(registry, "trunkline_server", "served"),
            client: Meters::register(registry, "trunkline_client", "made"),
            most_methods: 500,
        }
    }

    /// Sets for how many methods labels are kept on each side.
    #[must_use]
    pub fn most_methods(mut self, most: usize) -> Self {
        self.most_methods = most;
        self
    }
}

impl Middleware for Metrics {
    async fn handle(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Error> {
        let meters = match next.side() {
            Side::Client => &*self.client,
            Side::Server => &*self.server,
        };
        let mut measured = Measured::begin(meters, self.most_methods, call, next.knows(call));
        let result = next.run(call).await;
        measured.end(&result);
        result
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics")
            .field("served", &self.server.in_flight.get())
            .field("made", &self.client.in_flight.get())
            .finish_non_exhaustive()
    }
}

/// A call under way. Dropping it before its end counts it as given up.
struct Measured<'a> {
    meters: &'a Meters,
    most_methods: usize,
    target: Target,
    known: bool,
    begun: Instant,
    deadline: Option<Instant>,
    ended: bool,
}

impl<'a> Measured<'a> {
    fn begin(meters: &'a Meters, most_methods: usize, call: &Call, known: bool) -> Self {
        meters.in_flight.inc();
        Self {
            meters,
            most_methods,
            target: call.target.clone(),
            known,
            begun: Instant::now(),
            deadline: call.deadline,
            ended: false,
        }
    }

    fn end(&mut self, result: &Result<Reply, Error>) {
        self.ended = true;
        let kind = result.as_ref().err().map(Error::kind);
        // A client learns only from the answer that there is no such method.
        let exists = !result.as_ref().is_err_and(|error| {
            error.kind() == ErrorKind::NotFound && error.message().starts_with("rpcx: can't find ")
        });
        self.count(self.known && exists, kind);
    }

    fn count(&self, known: bool, kind: Option<ErrorKind>) {
        self.meters.in_flight.dec();
        let took = self.begun.elapsed().as_secs_f64();
        let (service, method) = (self.target.service(), self.target.method());
        if !known || !self.meters.with(service, method, self.most_methods, |m| m.count(kind, took)) {
            self.meters.with(UNKNOWN, UNKNOWN, usize::MAX, |m| m.count(kind, took));
        }
    }
}

impl Drop for Measured<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let late = self.deadline.is_some_and(|at| at <= Instant::now());
            let kind = if late { ErrorKind::Deadline } else { ErrorKind::Cancelled };
            self.count(self.known, Some(kind));
        }
    }
}

/// The service and method of calls whose own have no label.
const UNKNOWN: &str = "unknown";

/// In seconds. Calls in one room take tenths of milliseconds; few wait longer than ten seconds.
const BUCKETS: [f64; 16] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The metrics of one side.
struct Meters {
    calls: Family<CallLabels, Counter>,
    duration: Family<MethodLabels, Histogram>,
    in_flight: Gauge,
    /// Found by borrowed names, so that a call makes no labels of its own.
    methods: RwLock<HashMap<String, HashMap<String, MethodMeters>>>,
}

struct MethodMeters {
    calls: Family<CallLabels, Counter>,
    labels: MethodLabels,
    ok: Counter,
    duration: Histogram,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    service: String,
    method: String,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MethodLabels {
    service: String,
    method: String,
}

impl Meters {
    fn register(registry: &mut Registry, prefix: &str, done: &str) -> Arc<Self> {
        let meters = Self {
            calls: Family::default(),
            duration: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            in_flight: Gauge::default(),
            methods: RwLock::default(),
        };
        registry.register(
            format!("{prefix}_calls"),
            format!("Calls {done}, by how they ended"),
            meters.calls.clone(),
        );
        registry.register_with_unit(
            format!("{prefix}_call_duration"),
            format!("Time of calls {done}"),
            Unit::Seconds,
            meters.duration.clone(),
        );
        registry.register(
            format!("{prefix}_calls_in_flight"),
            format!("Calls being {done}"),
            meters.in_flight.clone(),
        );
        Arc::new(meters)
    }

    /// Hands over a method's metrics, unless there are none and no more may be.
    fn with(&self, service: &str, method: &str, most: usize, f: impl Fn(&MethodMeters)) -> bool {
        if let Some(found) = self.methods.read().get(service).and_then(|methods| methods.get(method)) {
            f(found);
            return true;
        }
        let mut services = self.methods.write();
        let found = services.values().map(HashMap::len).sum::<usize>();
        if found >= most && !services.get(service).is_some_and(|methods| methods.contains_key(method)) {
            return false;
        }
        let methods = services.entry(service.to_owned()).or_default();
        f(methods.entry(method.to_owned()).or_insert_with(|| self.meters_of(service, method)));
        true
    }

    fn meters_of(&self, service: &str, method: &str) -> MethodMeters {
        let labels = MethodLabels { service: service.to_owned(), method: method.to_owned() };
        MethodMeters {
            calls: self.calls.clone(),
            ok: self.calls.get_or_create_owned(&labels.with("ok")),
            duration: self.duration.get_or_create_owned(&labels),
            labels,
        }
    }
}

impl MethodMeters {
    fn count(&self, kind: Option<ErrorKind>, seconds: f64) {
        match kind {
            None => self.ok.inc(),
            Some(kind) => self.calls.get_or_create(&self.labels.with(kind.as_str())).inc(),
        };
        self.duration.observe(seconds);
    }
}

impl MethodLabels {
    fn with(&self, kind: &'static str) -> CallLabels {
        CallLabels { service: self.service.clone(), method: self.method.clone(), kind }
    }
}
