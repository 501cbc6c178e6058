//! What stands in a registry for where a server listens.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use super::local::{Block, Family, Local, choose};
use super::refused;
use crate::error::Error;
use crate::transport::Address;

/// What to advertise in place of what is bound. What it leaves out comes from the listener.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Advertise {
    network: Option<String>,
    /// With brackets where it is IPv6.
    host: Option<String>,
    port: Option<u16>,
    /// All that is behind the network, where that is no host and port.
    target: Option<String>,
}

/// Where a listener can be reached.
#[derive(Debug)]
pub(super) struct Bound {
    network: String,
    host: String,
    port: Option<u16>,
    /// The host is loopback for want of another.
    pub(super) is_last_resort: bool,
}

/// Networks whose addresses are no host and port.
const WITHOUT_HOST: &[&str] = &["memory", "memu", "unix", "inprocess"];

/// Names under which servers bind what clients dial as `tcp`.
const DIALLED_AS_TCP: &[&str] = &["tcp4", "tcp6", "reuseport"];

impl FromStr for Advertise {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = |why: &str| {
            Err(refused(format!(
                "`{text}` cannot be advertised: {why}; expected an address such as tcp@10.0.0.5:8972, or its parts: 10.0.0.5, :8972, http@"
            )))
        };
        let (network, rest) = match text.trim().split_once('@') {
            Some(("", _)) => return refuse("the network before the `@` is empty"),
            Some((network, rest)) => (Some(network.to_owned()), rest),
            None => (None, text.trim()),
        };
        if network.as_deref().is_some_and(|network| WITHOUT_HOST.contains(&network)) {
            return match rest {
                "" => refuse("there is nothing behind the network"),
                target => Ok(Self { network, target: Some(target.to_owned()), ..Self::default() }),
            };
        }
        let (host, port) = match (rest.parse::<IpAddr>(), rest.rsplit_once(':')) {
            (Ok(ip), _) => (bracketed(ip), None),
            (Err(_), Some((host, port))) if !port.ends_with(']') => (host.to_owned(), Some(port)),
            _ => (rest.to_owned(), None),
        };
        let port = match port.map(str::parse::<u16>) {
            None => None,
            Some(Ok(0)) => return refuse("its port is 0"),
            Some(Ok(port)) => Some(port),
            Some(Err(_)) => return refuse("its port is not a number from 1 to 65535"),
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        match bare.unwrap_or(&host).parse::<IpAddr>() {
            Ok(ip) if ip.to_canonical().is_unspecified() => {
                return refuse("its host stands for all addresses of a machine and names none");
            }
            Ok(IpAddr::V6(_)) if bare.is_none() => {
                return refuse("an IPv6 address with a port needs brackets");
            }
            Err(_) if bare.is_some() => return refuse("what is in brackets is no IPv6 address"),
            Err(_) if host.contains(|c: char| c.is_whitespace() || "/?&#,@:".contains(c)) => {
                return refuse("its host is no name and no address");
            }
            _ => {}
        }
        let host = Some(host).filter(|host| !host.is_empty());
        if network.is_none() && host.is_none() && port.is_none() {
            return refuse("it is empty");
        }
        Ok(Self { network, host, port, target: None })
    }
}

impl Bound {
    /// A listener, as others can reach it: its own address, or one of the machine's where it
    /// listens on all of them and nobody said which.
    pub(super) fn new(
        network: &str,
        target: &str,
        from: &[Block],
        advertise: &[Advertise],
        local: &dyn Local,
    ) -> Result<Self, Error> {
        let dialled = if DIALLED_AS_TCP.contains(&network) { "tcp" } else { network };
        let bound =
            |host, port, is_last_resort| Ok(Self { network: dialled.to_owned(), host, port, is_last_resort });
        let Ok(socket) = target.parse::<SocketAddr>() else {
            return bound(target.to_owned(), None, false);
        };
        let port = Some(socket.port());
        let ip = socket.ip().to_canonical();
        if !ip.is_unspecified() {
            return bound(bracketed(ip), port, false);
        }
        let is_named =
            !advertise.is_empty() && advertise.iter().all(|a| a.host.is_some() || a.target.is_some());
        if is_named {
            return bound(String::new(), port, false);
        }
        // `[::]` takes both families, unless its network says otherwise; more peers have IPv4.
        let families: &[Family] = match (socket, network) {
            (SocketAddr::V4(_), _) => &[Family::V4],
            (SocketAddr::V6(_), "tcp6") => &[Family::V6],
            (SocketAddr::V6(_), _) => &[Family::V4, Family::V6],
        };
        let chosen = choose(families, from, local)?;
        bound(bracketed(chosen.ip), port, chosen.is_last_resort)
    }

    pub(super) fn target(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    fn advertised(&self, as_what: &Advertise) -> Result<Address, Error> {
        let network = as_what.network.as_deref().unwrap_or(&self.network);
        let target = match (&as_what.target, self.port) {
            (Some(target), _) => target.clone(),
            // What is bound has no host and port; nothing can be put in their place.
            (None, None) if as_what.host.is_none() || as_what.port.is_none() => self.host.clone(),
            (None, bound) => {
                let host = as_what.host.as_deref().unwrap_or(&self.host);
                let port = as_what.port.or(bound).unwrap_or_default();
                format!("{host}:{port}")
            }
        };
        let text = format!("{network}@{target}");
        text.parse::<Address>().map_err(|e| refused(e.to_string()).with_source(e))
    }
}

/// The addresses of these listeners. What is advertised is filled in from the listeners of its
/// network, or where there are none, from all.
pub(super) fn addresses(bound: &[Bound], advertise: &[Advertise]) -> Result<Vec<Address>, Error> {
    let as_bound = [Advertise::default()];
    let advertise = if advertise.is_empty() { &as_bound } else { advertise };
    let mut addresses: Vec<Address> = Vec::new();
    for as_what in advertise {
        let is_its =
            |bound: &&Bound| as_what.network.as_ref().is_some_and(|network| *network == bound.network);
        let any = bound.iter().any(|bound| is_its(&bound));
        for listener in bound.iter().filter(|bound| !any || is_its(bound)) {
            let address = listener.advertised(as_what)?;
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
    }
    Ok(addresses)
}

/// The host as it stands before a port.
fn bracketed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::local::tests::Fake;
    use super::*;

    fn advertised(bound: &[&str], advertise: &[&str], from: &[&str]) -> Result<String, Error> {
        let machine = Fake {
            interfaces: &["127.0.0.1", "172.17.0.1", "10.0.0.5", "fd00::5"],
            routed: &["10.0.0.5", "fd00::5"],
        };
        let advertise = advertise.iter().map(|text| text.parse()).collect::<Result<Vec<Advertise>, _>>()?;
        let from: Vec<Block> = from.iter().map(|text| text.parse().unwrap()).collect();
        let bound = bound
            .iter()
            .map(|text| {
                let (network, target) = text.split_once('@').unwrap();
                Bound::new(network, target, &from, &advertise, &machine)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let addresses = addresses(&bound, &advertise)?;
        Ok(addresses.iter().map(Address::as_str).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn what_is_advertised_can_be_dialled() {
        for (bound, advertise, from, expected) in [
            // As it is bound.
            (&["tcp@10.9.9.9:8972"][..], &[][..], &[][..], "tcp@10.9.9.9:8972"),
            (&["tcp@[2001:db8::1]:8972"], &[], &[], "tcp@[2001:db8::1]:8972"),
            (&["tcp@127.0.0.1:8972"], &[], &[], "tcp@127.0.0.1:8972"),
            (&["memory@here"], &[], &[], "memory@here"),
            (&["unix@/run/a.sock"], &[], &[], "unix@/run/a.sock"),
            // All addresses are never advertised.
            (&["tcp@0.0.0.0:8972"], &[], &[], "tcp@10.0.0.5:8972"),
            (&["tcp@[::]:8972"], &[], &[], "tcp@10.0.0.5:8972"),
            (&["tcp6@[::]:8972"], &[], &[], "tcp@[fd00::5]:8972"),
            (&["tcp@0.0.0.0:8972"], &[], &["172.16.0.0/12"], "tcp@172.17.0.1:8972"),
            (&["tcp@[::]:8972"], &[], &["fd00::/8"], "tcp@[fd00::5]:8972"),
            // Names that only servers know.
            (&["reuseport@0.0.0.0:8972"], &[], &[], "tcp@10.0.0.5:8972"),
            (&["tcp4@10.9.9.9:1"], &[], &[], "tcp@10.9.9.9:1"),
            // As it is asked for.
            (&["tcp@0.0.0.0:8972"], &["tcp@192.0.2.7:30000"], &[], "tcp@192.0.2.7:30000"),
            (&["tcp@0.0.0.0:8972"], &["192.0.2.7"], &[], "tcp@192.0.2.7:8972"),
            (&["tcp@0.0.0.0:8972"], &["node-7.example"], &[], "tcp@node-7.example:8972"),
            (&["tcp@0.0.0.0:8972"], &["fd00::7"], &[], "tcp@[fd00::7]:8972"),
            (&["tcp@0.0.0.0:8972"], &["[fd00::7]:1"], &[], "tcp@[fd00::7]:1"),
            (&["tcp@0.0.0.0:8972"], &[":30000"], &[], "tcp@10.0.0.5:30000"),
            (&["tcp@0.0.0.0:8972"], &["http@"], &[], "http@10.0.0.5:8972"),
            (&["tcp@0.0.0.0:8972"], &["http@192.0.2.7"], &[], "http@192.0.2.7:8972"),
            (&["memory@here"], &["tcp@192.0.2.7:30000"], &[], "tcp@192.0.2.7:30000"),
            (&["tcp@0.0.0.0:8972"], &["unix@/run/a.sock"], &[], "unix@/run/a.sock"),
            // Several.
            (&["tcp@0.0.0.0:1", "http@0.0.0.0:2"], &[], &[], "tcp@10.0.0.5:1 http@10.0.0.5:2"),
            (&["tcp@0.0.0.0:1", "http@0.0.0.0:2"], &["h"], &[], "tcp@h:1 http@h:2"),
            (&["tcp@0.0.0.0:1", "http@0.0.0.0:2"], &["tcp@a", "http@b"], &[], "tcp@a:1 http@b:2"),
            (&["tcp@0.0.0.0:1", "tcp@0.0.0.0:2"], &["tcp@a:9"], &[], "tcp@a:9"),
            (&["tcp@10.0.0.1:1"], &["tcp@inside:1", "tcp@outside:9"], &[], "tcp@inside:1 tcp@outside:9"),
        ] {
            let found = advertised(bound, advertise, from).unwrap();
            assert_eq!(found, expected, "{bound:?} {advertise:?} {from:?}");
        }
    }

    #[test]
    fn what_cannot_be_dialled_is_refused() {
        for (text, why) in [
            ("", "it is empty"),
            ("@h:1", "the network"),
            ("0.0.0.0", "names none"),
            ("tcp@[::]:8972", "names none"),
            ("::ffff:0.0.0.0", "names none"),
            ("tcp@h:0", "port is 0"),
            (":0", "port is 0"),
            ("h:x", "not a number"),
            ("h:70000", "not a number"),
            ("tcp@a b:1", "no name and no address"),
            ("etcd://h/base", "not a number"),
            ("[h]:1", "no IPv6"),
            ("memory@", "nothing behind"),
        ] {
            let error = text.parse::<Advertise>().unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("tcp@10.0.0.5:8972"), "{text}: {error}");
        }
        let error = advertised(&["tcp@0.0.0.0:1"], &[], &["192.168.0.0/16"]).unwrap_err().to_string();
        assert!(error.contains("no interface has an address in 192.168.0.0/16"), "{error}");
    }
}
