//! Which addresses may stand in a registry: those that others can dial.

use std::net::IpAddr;

use super::url::{host_of, is_loopback};
use crate::error::{Error, ErrorKind};
use crate::transport::Address;

/// Networks whose addresses are no host and port.
const WITHOUT_HOST: &[&str] = &["memory", "memu", "unix", "inprocess"];

/// Refuses an address that means nothing to who reads it. Loopback addresses mean something to
/// this machine's programs only.
pub(super) fn check(address: &Address, loopback: bool, registry: &str) -> Result<(), Error> {
    if WITHOUT_HOST.contains(&address.network()) {
        return Ok(());
    }
    let refuse = |why: &str, instead: &str| {
        let text = format!("`{address}` cannot be registered in `{registry}`: {why}; {instead}");
        Err(Error::new(ErrorKind::Invalid, text).at(address.as_str()))
    };
    let instead = "advertise an address that clients can dial, such as tcp@10.0.0.5:8972";
    let (host, port) = host_of(address.target());
    if port.and_then(|port| port.parse::<u16>().ok()) == Some(0) {
        return refuse("its port is 0", "register after the listener is bound, with the port that it got");
    }
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    if host.is_empty() || ip.is_ok_and(|ip| ip.to_canonical().is_unspecified()) {
        return refuse("it stands for all addresses of this machine and names none", instead);
    }
    if !loopback && is_loopback(host) {
        let text = format!("{instead}, or set the option `loopback` if all clients are on this machine");
        return refuse("only programs on this machine can dial it", &text);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_others_can_dial_may_be_registered() {
        for (address, alone, with_loopback) in [
            ("tcp@10.0.0.5:8972", "", ""),
            ("tcp@[2001:db8::1]:8972", "", ""),
            ("tcp@host.example:8972", "", ""),
            ("tcp@0.0.0.0:8972", "names none", "names none"),
            ("tcp@[::]:8972", "names none", "names none"),
            ("tcp@:8972", "names none", "names none"),
            ("quic@[::ffff:0.0.0.0]:8972", "names none", "names none"),
            ("tcp@10.0.0.5:0", "port is 0", "port is 0"),
            ("tcp@127.0.0.1:8972", "`loopback`", ""),
            ("tcp@localhost:8972", "`loopback`", ""),
            ("http@[::1]:8972", "`loopback`", ""),
            ("memory@a", "", ""),
            ("unix@/run/a", "", ""),
        ] {
            let address: Address = address.parse().unwrap();
            for (loopback, expected) in [(false, alone), (true, with_loopback)] {
                match check(&address, loopback, "test") {
                    Ok(()) => assert_eq!(expected, "", "{address}"),
                    Err(e) => assert!(!expected.is_empty() && e.to_string().contains(expected), "{e}"),
                }
            }
        }
    }
}
