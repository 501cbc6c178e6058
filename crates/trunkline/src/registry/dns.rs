//! The registry `dns://`: servers by the addresses of a name, or by its SRV records. It is read
//! only; who puts names into DNS is not our business.
//!
//! `dns://name:port` is an instance for each A and AAAA record. `dns://name` is one for each SRV
//! record of `_rpcx._tcp.name`, or of the name itself where it begins with an underscore; those of
//! the lowest priority count, as RFC 2782 has it. `{service}` in a name stands for the service.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::rr::rdata::SRV;
use hickory_resolver::proto::rr::{RData, RecordType};

use parking_lot::Mutex;

use super::{Attributes, Instance, Registry, RegistryUrl, Report, Source};
use crate::error::{Error, ErrorKind};
use crate::transport::{Address, BoxFuture};

/// `network` of the instances (tcp); `interval`, the longest between two lookups (30 s);
/// `server`, the address of a name server instead of the system's.
pub(super) const OPTIONS: &[&str] = &["interval", "network", "server"];

/// A shorter time to live than this is not followed.
const SHORTEST: Duration = Duration::from_secs(1);
const INTERVAL: Duration = Duration::from_secs(30);

struct Dns {
    name: String,
    /// With a port, addresses are asked for; without one, SRV records.
    port: Option<u16>,
    network: String,
    interval: Duration,
    server: Option<SocketAddr>,
    /// Which of the families, A and AAAA, a name had records of when it was last heard.
    families: Mutex<HashMap<String, [bool; 2]>>,
}

pub(super) fn open(url: &RegistryUrl) -> Result<Registry, Error> {
    let refuse = |why: String| Err(Error::new(ErrorKind::Invalid, format!("`{url}`: {why}")));
    let [host] = url.hosts() else {
        return refuse("expected one name, as in dns://name:port or dns://name".to_owned());
    };
    let (name, port) = super::url::host_of(host);
    let port = match port.map(str::parse::<u16>).transpose() {
        Ok(port) if port != Some(0) => port,
        _ => return refuse("the port is not a number from 1 to 65535".to_owned()),
    };
    if name.is_empty() || url.user().is_some() || !url.base().is_empty() {
        return refuse("expected a name, with neither a user before nor a path behind it".to_owned());
    }
    let Ok(server) = url.option("server").map(str::parse).transpose() else {
        return refuse("option `server` is no address of a name server, such as 10.0.0.2:53".to_owned());
    };
    let interval = url.duration("interval")?.unwrap_or(INTERVAL);
    if interval < SHORTEST {
        return refuse("option `interval` is below one second".to_owned());
    }
    let dns = Dns {
        name: name.to_owned(),
        port,
        network: url.option("network").unwrap_or("tcp").to_owned(),
        interval,
        server,
        families: Mutex::default(),
    };
    dns.resolver()?;
    Ok(Registry::new(url.to_string()).reads(Arc::new(dns)))
}

/// The records of one type, and how long they hold.
struct Found {
    data: Vec<RData>,
    ttl: Option<Duration>,
}

impl Dns {
    /// Asks the system's name servers, as they are configured now, or the one that was given.
    fn resolver(&self) -> Result<TokioResolver, Error> {
        let mut builder = match self.server {
            None => TokioResolver::builder_tokio()
                .map_err(|e| failed("reading the system's DNS configuration", &e))?,
            Some(server) => {
                let mut config = NameServerConfig::udp_and_tcp(server.ip());
                config.connections.iter_mut().for_each(|connection| connection.port = server.port());
                let config = ResolverConfig::from_parts(None, Vec::new(), vec![config]);
                let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
                builder.options_mut().timeout = Duration::from_secs(2);
                builder
            }
        };
        // What is known and for how long is the supervisor's business and this file's.
        builder.options_mut().cache_size = 0;
        builder.build().map_err(|e| failed("setting up DNS", &e))
    }

    async fn look_up(&self, resolver: &TokioResolver, name: &str, kind: RecordType) -> Result<Found, Error> {
        match resolver.lookup(name, kind).await {
            Ok(lookup) => {
                let records = lookup.answers().iter().filter(|record| record.record_type() == kind);
                // The shortest of the chain: an alias may change as well.
                let ttl = lookup.answers().iter().map(|record| record.ttl).min();
                let ttl = ttl.map(|seconds| Duration::from_secs(seconds.into()));
                Ok(Found { data: records.map(|record| record.data.clone()).collect(), ttl })
            }
            // That there is nothing is an answer; how much it is worth the supervisor decides.
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => {
                let ttl = none.negative_ttl.map(|seconds| Duration::from_secs(seconds.into()));
                Ok(Found { data: Vec::new(), ttl })
            }
            Err(error) => Err(failed(&format!("looking up {kind} of {name}"), &error)),
        }
    }

    /// The instances, and when to look again.
    async fn list(&self, resolver: &TokioResolver, name: &str) -> Result<(Vec<Instance>, Duration), Error> {
        let Some(port) = self.port else {
            let name = if name.starts_with('_') { name.to_owned() } else { format!("_rpcx._tcp.{name}") };
            let found = self.look_up(resolver, &name, RecordType::SRV).await?;
            return Ok((self.of_srv(&found.data), self.wait(found.ttl)));
        };
        let (a, aaaa) = tokio::join!(
            self.look_up(resolver, name, RecordType::A),
            self.look_up(resolver, name, RecordType::AAAA)
        );
        let mut instances = Vec::new();
        let mut ttl = None;
        let mut failure = None;
        let mut is_answered = false;
        let mut families = self.families.lock();
        let families = families.entry(name.to_owned()).or_default();
        for (found, had_some) in [a, aaaa].into_iter().zip(families) {
            match found {
                Ok(found) => {
                    is_answered = true;
                    *had_some = !found.data.is_empty();
                    ttl = [ttl, found.ttl].into_iter().flatten().min();
                    instances.extend(found.data.iter().filter_map(|data| self.of_address(data, port)));
                }
                // Some name servers never answer for one of the families. Where it had something
                // to say before, its silence is an error.
                Err(error) if *had_some => return Err(error),
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) if !is_answered => Err(error),
            Some(error) if instances.is_empty() => Err(error),
            _ => Ok((instances, self.wait(ttl))),
        }
    }

    fn of_address(&self, data: &RData, port: u16) -> Option<Instance> {
        let ip = match data {
            RData::A(a) => IpAddr::V4(a.0),
            RData::AAAA(aaaa) => IpAddr::V6(aaaa.0),
            _ => return None,
        };
        // A socket address writes IPv6 with brackets.
        self.instance(&SocketAddr::new(ip, port).to_string(), Attributes::new())
    }

    fn of_srv(&self, data: &[RData]) -> Vec<Instance> {
        let records: Vec<&SRV> = data
            .iter()
            .filter_map(|data| if let RData::SRV(srv) = data { Some(srv) } else { None })
            .collect();
        // A target of `.` says that the service is decidedly not there.
        let records: Vec<&SRV> = records.into_iter().filter(|srv| !srv.target.is_root()).collect();
        let first = records.iter().map(|srv| srv.priority).min();
        records
            .iter()
            .filter(|srv| Some(srv.priority) == first)
            .filter_map(|srv| {
                let target = srv.target.to_ascii();
                // To DNS, weight 0 is little; to rpcx it would be nothing.
                let weight = srv.weight.max(1).to_string();
                let address = format!("{}:{}", target.trim_end_matches('.'), srv.port);
                self.instance(&address, Attributes::from_iter([("weight", weight)]))
            })
            .collect()
    }

    fn instance(&self, target: &str, attributes: Attributes) -> Option<Instance> {
        let address: Address = format!("{}@{target}", self.network).parse().ok()?;
        Some(Instance::new(address, attributes))
    }

    fn wait(&self, ttl: Option<Duration>) -> Duration {
        ttl.unwrap_or(self.interval).clamp(SHORTEST, self.interval)
    }
}

impl Source for Dns {
    fn follow<'a>(&'a self, service: &'a str, report: &'a Report) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let resolver = self.resolver()?;
            let name = self.name.replace("{service}", service);
            loop {
                let (instances, wait) = self.list(&resolver, &name).await?;
                report.list(instances);
                tokio::time::sleep(wait).await;
            }
        })
    }
}

fn failed(what: &str, error: &NetError) -> Error {
    Error::new(ErrorKind::Unavailable, format!("{what}: {error}")).with_source(error.clone())
}
