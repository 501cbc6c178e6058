//! What the pages say.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::http::{Answer, Status};
use super::observed::Observed;
use crate::client::{CalledService, ClientStatus, InstanceStatus};
use crate::explain::ListState;
use crate::registry::Status as Registered;
use crate::server::{MethodInfo, RegistrationStatus, ServedService, ServerStatus};

pub(super) struct Pages {
    observed: Observed,
    /// Clients and the services that are required of them.
    required: Vec<(String, String)>,
    metrics: Option<Arc<Registry>>,
    /// Of what is observed.
    own: Registry,
    born: Instant,
}

impl Pages {
    pub(super) fn new(
        observed: Observed,
        required: Vec<(String, String)>,
        metrics: Option<Arc<Registry>>,
    ) -> Self {
        let mut own = Registry::default();
        own.register_collector(Box::new(observed.clone()));
        Self { observed, required, metrics, own, born: Instant::now() }
    }

    pub(super) fn page(&self, path: &str) -> Answer {
        match path {
            "/livez" => Answer::text(Status::Ok, "ok\n"),
            "/readyz" => self.readyz(),
            "/metrics" => self.metrics(),
            "/status" => self.status(),
            "/" => Answer::text(Status::Ok, "/livez\n/readyz\n/metrics\n/status\n"),
            _ => Answer::text(Status::NotFound, "there are /livez, /readyz, /metrics and /status\n"),
        }
    }

    fn readyz(&self) -> Answer {
        let reasons = self.why_not_ready();
        if reasons.is_empty() {
            return Answer::text(Status::Ok, "ok\n");
        }
        Answer::text(Status::Unavailable, reasons.join("\n") + "\n")
    }

    fn why_not_ready(&self) -> Vec<String> {
        let mut reasons: Vec<_> =
            self.observed.servers().iter().flat_map(|server| server.why_not_ready()).collect();
        for (name, service) in &self.required {
            let status = self.observed.client_named(name).and_then(crate::Client::status);
            let called = status.iter().flat_map(|status| &status.services);
            let mut its = called.filter(|called| *called.service == **service || &*called.service == "*");
            let why = match its.next() {
                Some(called) if called.is_available() => continue,
                Some(called) => why_unavailable(called),
                None => "it is not watched".to_owned(),
            };
            reasons.push(format!("the client `{name}` has no instance of `{service}` to call: {why}"));
        }
        reasons
    }

    fn metrics(&self) -> Answer {
        let mut body = String::new();
        let encoded = encode_registry(&mut body, &self.own)
            .and_then(|()| self.metrics.iter().try_for_each(|given| encode_registry(&mut body, given)))
            .and_then(|()| encode_eof(&mut body));
        match encoded {
            Ok(()) => Answer {
                status: Status::Ok,
                kind: "application/openmetrics-text; version=1.0.0; charset=utf-8",
                body,
            },
            Err(error) => {
                Answer::text(Status::Unavailable, format!("the metrics cannot be written: {error}\n"))
            }
        }
    }

    fn status(&self) -> Answer {
        let reasons = self.why_not_ready();
        let clients = self.observed.clients().iter().map(|(name, client)| (name, client.status()));
        let page = json!({
            "up_seconds": self.born.elapsed().as_secs(),
            "ready": reasons.is_empty(),
            "why_not_ready": reasons,
            "servers": self.observed.servers().iter().map(|s| server(&s.status())).collect::<Vec<_>>(),
            "clients": clients
                .map(|(name, status)| (name.clone(), status.as_ref().map_or(Value::Null, client)))
                .collect::<serde_json::Map<_, _>>(),
        });
        Answer { status: Status::Ok, kind: "application/json", body: format!("{page:#}\n") }
    }
}

fn why_unavailable(called: &CalledService) -> String {
    let mut why = match (&called.list, called.instances.len()) {
        (ListState::Waiting, _) => "no list has come yet".to_owned(),
        (_, 0) => "none is listed".to_owned(),
        (_, several) => format!("{several} listed"),
    };
    for instance in called.instances.iter().take(4) {
        if let Some(excluded) = &instance.excluded {
            let _ = write!(why, ", {} ({excluded})", instance.instance.address());
        }
    }
    if let ListState::Stale { why: stale, .. } = &called.list {
        let _ = write!(why, "; the list is old: {stale}");
    }
    why
}

fn server(status: &ServerStatus) -> Value {
    json!({
        "addresses": status.addresses,
        "advertised": status.advertised.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "stopping": status.is_stopping,
        "ready": status.why_not_ready.is_empty(),
        "why_not_ready": status.why_not_ready,
        "services": status.services.iter().map(served).collect::<Vec<_>>(),
        "registrations": status.registrations.iter().map(registration).collect::<Vec<_>>(),
        "connections": status.connections,
        "in_flight": status.in_flight,
        "waiting": status.waiting,
        "held_bytes": status.held_bytes,
        "config": serde_json::to_value(&status.config).unwrap_or_default(),
    })
}

fn served(service: &ServedService) -> Value {
    let method = |method: &MethodInfo| {
        json!({
            "name": method.name,
            "args": method.args,
            "reply": method.reply,
            "formats": method.formats,
            "idempotent": method.flags.idempotent,
        })
    };
    json!({ "service": service.path, "methods": service.methods.iter().map(method).collect::<Vec<_>>() })
}

fn registration(status: &RegistrationStatus) -> Value {
    let (state, since, why) = match &status.status {
        Registered::Registering { why } => ("registering", None, why.clone()),
        Registered::Registered { since } => ("registered", Some(*since), None),
        Registered::Lost { why, since } => ("lost", Some(*since), Some(why.clone())),
        Registered::Closed => ("closed", None, None),
    };
    json!({
        "service": &*status.service,
        "address": status.instance.address().as_str(),
        "attributes": status.instance.attributes().text(),
        "registry": &*status.registry,
        "state": state,
        "for_seconds": since.map(|since| since.elapsed().as_secs()),
        "why": why.as_deref(),
    })
}

fn client(status: &ClientStatus) -> Value {
    json!({
        "source": &*status.source,
        "balancer": status.balancer,
        "closed": status.is_closed,
        "services": status.services.iter().map(called).collect::<Vec<_>>(),
        "breakers_opened": status.breakers_opened,
        "breakers_closed": status.breakers_closed,
        "held_bytes": status.held_bytes,
        "config": serde_json::to_value(&status.config).unwrap_or_default(),
    })
}

fn called(service: &CalledService) -> Value {
    let (list, age, why) = match &service.list {
        ListState::Waiting => ("waiting", None, None),
        ListState::Fresh => ("fresh", None, None),
        ListState::Stale { age, why } => ("stale", Some(age.as_secs()), Some(&**why)),
    };
    json!({
        "service": &*service.service,
        "list": { "state": list, "stale_seconds": age, "why": why },
        "available": service.is_available(),
        "retries": service.retries,
        "instances": service.instances.iter().map(instance).collect::<Vec<_>>(),
    })
}

fn instance(status: &InstanceStatus) -> Value {
    let milliseconds = |latency: Duration| (latency.as_secs_f64() * 1e6).round() / 1e3;
    json!({
        "address": status.instance.address().as_str(),
        "attributes": status.instance.attributes().text(),
        "weight": status.weight,
        "excluded": status.excluded.as_ref().map(ToString::to_string),
        "connections": status.connections,
        "in_flight": status.in_flight,
        "latency_ms": status.latency.map(milliseconds),
        "succeeded": status.succeeded,
        "failed": status.failed,
        "breaker": status.breaker.as_str(),
    })
}
