//! What is known of servers and clients, as metrics: read when they are asked for, so that calls
//! pay nothing for them.

use std::collections::BTreeMap;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use crate::client::{CalledService, Client, ClientStatus};
use crate::explain::{Exclusion, ListState};
use crate::server::ServerHandle;

/// The servers and clients of a program, as metrics: an [`Admin`](super::Admin) shows them, and a
/// program that has a metrics page already registers them there with
/// [`register_collector`](prometheus_client::registry::Registry::register_collector).
///
/// | name | type | labels | meaning |
/// |---|---|---|---|
/// | `trunkline_server_registered` | gauge | `service`, `address`, `registry` | 1 while it is in the registry, else 0 |
/// | `trunkline_client_instances` | gauge | `client`, `service`, `state` | instances by state: `ok`, or why they get no calls |
/// | `trunkline_client_registry_stale_seconds` | gauge | `client`, `service` | how long the registry has not answered; 0 while it does |
/// | `trunkline_client_retries_total` | counter | `client`, `service` | attempts after the first one of their call |
/// | `trunkline_client_breaker_changes_total` | counter | `client`, `to` | breakers that opened (`open`) and closed again (`closed`) |
///
/// `state` is `ok`, `inactive`, `other_group`, `filtered`, `no_weight`, `unknown_network`,
/// `breaker_open`, `ejected`, `down`, `lost`, `draining` or `resting`. `client` is the name under
/// which the client was given; a list that is that of all services has the service `*`. Of the
/// services of one client, the first 500 by name have labels of their own; those beyond count
/// together as `unknown`, with the longest of their stale seconds.
///
/// ```
/// use prometheus_client::encoding::text::encode;
/// use prometheus_client::registry::Registry;
/// use trunkline::Client;
/// use trunkline::admin::Observed;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::connect("tcp@127.0.0.1:1?state=inactive").await?;
/// let mut registry = Registry::default();
/// registry.register_collector(Box::new(Observed::new().client("math", &client)));
///
/// let mut text = String::new();
/// encode(&mut text, &registry)?;
/// let line = r#"trunkline_client_instances{client="math",service="*",state="inactive"} 1"#;
/// assert!(text.contains(line), "{text}");
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct Observed {
    servers: Vec<ServerHandle>,
    clients: Vec<(String, Client)>,
}

/// So many services of a client have labels of their own.
const MOST_SERVICES: usize = 500;
/// The service of all further ones.
const UNKNOWN: &str = "unknown";

/// One service of a client, or all those without labels of their own.
#[derive(Default)]
struct Line {
    states: BTreeMap<&'static str, u64>,
    stale_seconds: f64,
    retries: u64,
}

impl Observed {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Observes a server.
    #[must_use]
    pub fn server(mut self, server: &ServerHandle) -> Self {
        self.servers.push(server.clone());
        self
    }

    /// Observes a client under this name, in place of another one of the same name.
    #[must_use]
    pub fn client(mut self, name: impl Into<String>, client: &Client) -> Self {
        let name = name.into();
        self.clients.retain(|(other, _)| *other != name);
        self.clients.push((name, client.clone()));
        self
    }

    pub(super) fn servers(&self) -> &[ServerHandle] {
        &self.servers
    }

    pub(super) fn clients(&self) -> &[(String, Client)] {
        &self.clients
    }

    pub(super) fn client_named(&self, name: &str) -> Option<&Client> {
        self.clients.iter().find(|(other, _)| other == name).map(|(_, client)| client)
    }
}

impl Collector for Observed {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let mut registrations: BTreeMap<_, bool> = BTreeMap::new();
        for status in self.servers.iter().flat_map(ServerHandle::registrations) {
            let key = (
                status.service.to_string(),
                status.instance.address().to_string(),
                status.registry.to_string(),
            );
            *registrations.entry(key).or_default() |= status.status.is_registered();
        }
        if !registrations.is_empty() {
            let zero = ConstGauge::new(0_u64);
            let about = "Whether a service is in a registry";
            let mut family =
                encoder.encode_descriptor("trunkline_server_registered", about, None, zero.metric_type())?;
            for ((service, address, registry), is_registered) in registrations {
                let labels = [("service", &*service), ("address", &*address), ("registry", &*registry)];
                ConstGauge::new(u64::from(is_registered)).encode(family.encode_family(&labels)?)?;
            }
        }
        let clients: Vec<_> = self
            .clients
            .iter()
            .filter_map(|(name, client)| Some((name.as_str(), client.status()?)))
            .collect();
        if clients.is_empty() {
            return Ok(());
        }
        let lines: Vec<_> = clients
            .iter()
            .flat_map(|(name, status)| {
                lines(status).into_iter().map(move |(service, line)| (*name, service, line))
            })
            .collect();
        encode_instances(&mut encoder, &lines)?;
        encode_staleness(&mut encoder, &lines)?;
        encode_retries(&mut encoder, &lines)?;
        encode_changes(&mut encoder, &clients)
    }
}

type Lines<'a> = [(&'a str, String, Line)];

fn encode_instances(encoder: &mut DescriptorEncoder, lines: &Lines) -> Result<(), fmt::Error> {
    let kind = ConstGauge::new(0_u64).metric_type();
    let about = "Instances by whether they get calls";
    let mut family = encoder.encode_descriptor("trunkline_client_instances", about, None, kind)?;
    for (client, service, line) in lines {
        for (state, count) in &line.states {
            let labels = [("client", *client), ("service", &**service), ("state", *state)];
            ConstGauge::new(*count).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn encode_staleness(encoder: &mut DescriptorEncoder, lines: &Lines) -> Result<(), fmt::Error> {
    let kind = ConstGauge::new(0.0).metric_type();
    let about = "How long the registry has not answered";
    let name = "trunkline_client_registry_stale";
    let mut family = encoder.encode_descriptor(name, about, Some(&Unit::Seconds), kind)?;
    for (client, service, line) in lines {
        let labels = [("client", *client), ("service", &**service)];
        ConstGauge::new(line.stale_seconds).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn encode_retries(encoder: &mut DescriptorEncoder, lines: &Lines) -> Result<(), fmt::Error> {
    let kind = ConstCounter::new(0_u64).metric_type();
    let about = "Attempts after the first one of their call";
    let mut family = encoder.encode_descriptor("trunkline_client_retries", about, None, kind)?;
    for (client, service, line) in lines {
        let labels = [("client", *client), ("service", &**service)];
        ConstCounter::new(line.retries).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn encode_changes(
    encoder: &mut DescriptorEncoder,
    clients: &[(&str, ClientStatus)],
) -> Result<(), fmt::Error> {
    let kind = ConstCounter::new(0_u64).metric_type();
    let about = "Breakers that opened or closed";
    let mut family = encoder.encode_descriptor("trunkline_client_breaker_changes", about, None, kind)?;
    for (client, status) in clients {
        for (to, count) in [("open", status.breakers_opened), ("closed", status.breakers_closed)] {
            let labels = [("client", *client), ("to", to)];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

/// The services of a client by the names that are their labels. They come sorted.
fn lines(status: &ClientStatus) -> BTreeMap<String, Line> {
    let mut lines: BTreeMap<String, Line> = BTreeMap::new();
    for (place, called) in status.services.iter().enumerate() {
        let label = if place < MOST_SERVICES { &*called.service } else { UNKNOWN };
        lines.entry(label.to_owned()).or_default().add(called);
    }
    lines
}

impl Line {
    fn add(&mut self, called: &CalledService) {
        self.states.entry("ok").or_default();
        for instance in &called.instances {
            *self.states.entry(instance.excluded.as_ref().map_or("ok", state)).or_default() += 1;
        }
        if let ListState::Stale { age, .. } = &called.list {
            self.stale_seconds = self.stale_seconds.max(age.as_secs_f64());
        }
        self.retries += called.retries;
    }
}

fn state(exclusion: &Exclusion) -> &'static str {
    match exclusion {
        Exclusion::Inactive => "inactive",
        Exclusion::OtherGroup => "other_group",
        Exclusion::Filtered => "filtered",
        Exclusion::NoWeight => "no_weight",
        Exclusion::UnknownNetwork => "unknown_network",
        Exclusion::BreakerOpen => "breaker_open",
        Exclusion::Ejected => "ejected",
        Exclusion::Down(_) => "down",
        Exclusion::Lost => "lost",
        Exclusion::Draining => "draining",
        Exclusion::Resting => "resting",
        // These two are about one call, not about an instance.
        Exclusion::Tried | Exclusion::NotPinned => "ok",
    }
}

impl fmt::Debug for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clients: Vec<_> = self.clients.iter().map(|(name, _)| name).collect();
        f.debug_struct("Observed").field("servers", &self.servers.len()).field("clients", &clients).finish()
    }
}
