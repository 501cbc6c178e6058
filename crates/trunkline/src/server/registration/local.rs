//! Which of this machine's addresses others can dial, where a server listens on all of them.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::str::FromStr;

use super::refused;
use crate::error::Error;

/// A block of addresses: `10.0.0.0/8`, `fd00::/8`, or one address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Block {
    base: IpAddr,
    bits: u8,
}

/// What is known of this machine's addresses.
pub(super) trait Local {
    /// The addresses of all interfaces that are up, in the system's order.
    fn interfaces(&self) -> io::Result<Vec<IpAddr>>;

    /// The address from which something far away would be reached.
    fn routed(&self, family: Family) -> Option<IpAddr>;
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Family {
    V4,
    V6,
}

/// The machine itself.
pub(super) struct Machine;

/// An address that was chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Chosen {
    pub(super) ip: IpAddr,
    /// It is loopback, because there is nothing else.
    pub(super) is_last_resort: bool,
}

/// Addresses that lead nowhere and everywhere: documentation's. Nothing is sent there; they make
/// the system look into its table of routes.
const FAR_V4: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);
const FAR_V6: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)), 9);

/// The address to advertise for a server that listens on all of these families: of an interface
/// within the first block that has one; without blocks that of the default route, else that of any
/// interface, else loopback.
pub(super) fn choose(families: &[Family], from: &[Block], local: &dyn Local) -> Result<Chosen, Error> {
    let is_of = |ip: &IpAddr| families.contains(&Family::of(*ip));
    let interfaces = || match local.interfaces() {
        Ok(found) => found.into_iter().filter(is_of).collect::<Vec<_>>(),
        Err(error) => {
            tracing::warn!(%error, "the addresses of this machine's interfaces cannot be listed");
            Vec::new()
        }
    };
    let chosen = |ip| Ok(Chosen { ip, is_last_resort: false });
    if !from.is_empty() {
        let interfaces = interfaces();
        return match from.iter().find_map(|block| interfaces.iter().find(|ip| block.contains(**ip))) {
            Some(ip) => chosen(*ip),
            None => Err(refused(format!(
                "no interface has an address in {} to advertise; the addresses here are {}",
                listed(from),
                if interfaces.is_empty() { "none".to_owned() } else { listed(&interfaces) }
            ))),
        };
    }
    let routed = families.iter().filter_map(|family| local.routed(*family)).find(can_be_dialled);
    if let Some(ip) = routed.or_else(|| interfaces().into_iter().find(can_be_dialled)) {
        return chosen(ip);
    }
    let ip =
        if families.contains(&Family::V4) { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
    Ok(Chosen { ip, is_last_resort: true })
}

/// Whether other machines may have a way there. Link-local addresses of IPv6 mean something with
/// the name of an interface only.
fn can_be_dialled(ip: &IpAddr) -> bool {
    let is_link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    !(ip.is_unspecified() || ip.is_loopback() || is_link_local)
}

fn listed<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl Local for Machine {
    fn interfaces(&self) -> io::Result<Vec<IpAddr>> {
        Ok(if_addrs::get_if_addrs()?.iter().map(if_addrs::Interface::ip).collect())
    }

    fn routed(&self, family: Family) -> Option<IpAddr> {
        let (from, far) = match family {
            Family::V4 => (IpAddr::V4(Ipv4Addr::UNSPECIFIED), FAR_V4),
            Family::V6 => (IpAddr::V6(Ipv6Addr::UNSPECIFIED), FAR_V6),
        };
        let socket = UdpSocket::bind((from, 0)).ok()?;
        socket.connect(far).ok()?;
        Some(socket.local_addr().ok()?.ip())
    }
}

impl Family {
    fn of(ip: IpAddr) -> Self {
        if ip.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

impl Block {
    fn contains(&self, ip: IpAddr) -> bool {
        let same = |base: u128, ip: u128, width: u32| {
            let rest = width - u32::from(self.bits);
            base.checked_shr(rest).unwrap_or(0) == ip.checked_shr(rest).unwrap_or(0)
        };
        match (self.base, ip) {
            (IpAddr::V4(base), IpAddr::V4(ip)) => same(base.to_bits().into(), ip.to_bits().into(), 32),
            (IpAddr::V6(base), IpAddr::V6(ip)) => same(base.to_bits(), ip.to_bits(), 128),
            _ => false,
        }
    }
}

impl FromStr for Block {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let (base, bits) = match text.split_once('/') {
            Some((base, bits)) => (base, Some(bits)),
            None => (text, None),
        };
        let parsed = base.parse::<IpAddr>().ok().and_then(|base| {
            let width = if base.is_ipv4() { 32 } else { 128 };
            let bits = bits.map_or(Some(width), |bits| bits.parse().ok().filter(|bits| *bits <= width))?;
            Some(Self { base, bits })
        });
        parsed.ok_or_else(|| {
            refused(format!("`{text}` is no block of addresses; expected one such as 10.0.0.0/8 or fd00::/8"))
        })
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A machine that has these addresses.
    pub(in crate::server::registration) struct Fake {
        pub(in crate::server::registration) interfaces: &'static [&'static str],
        pub(in crate::server::registration) routed: &'static [&'static str],
    }

    impl Local for Fake {
        fn interfaces(&self) -> io::Result<Vec<IpAddr>> {
            Ok(self.interfaces.iter().map(|ip| ip.parse().unwrap()).collect())
        }

        fn routed(&self, family: Family) -> Option<IpAddr> {
            self.routed.iter().map(|ip| ip.parse().unwrap()).find(|ip| Family::of(*ip) == family)
        }
    }

    const BOTH: &[Family] = &[Family::V4, Family::V6];

    #[test]
    fn a_block_holds_what_begins_like_it() {
        for (block, ip, inside) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "fd00::1", false),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("0.0.0.0/0", "192.168.0.1", true),
            ("::/0", "fd00::1", true),
            ("fd00::/8", "fdff::1", true),
            ("fd00::/8", "fe80::1", false),
        ] {
            let block: Block = block.parse().unwrap();
            assert_eq!(block.contains(ip.parse().unwrap()), inside, "{block} {ip}");
        }
        for text in ["", "10.0.0.0/33", "fd00::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "eth0"] {
            let error = text.parse::<Block>().unwrap_err().to_string();
            assert!(error.contains("no block of addresses"), "{text}: {error}");
        }
    }

    #[test]
    fn the_address_is_the_one_that_others_can_dial() {
        type Case = (
            &'static [&'static str],
            &'static [&'static str],
            &'static [Family],
            &'static [&'static str],
            &'static str,
        );
        let cases: &[Case] = &[
            // interfaces, by the default route, families, blocks, expected
            (&["127.0.0.1", "172.17.0.1", "10.0.0.5"], &["10.0.0.5"], BOTH, &[], "10.0.0.5"),
            (&["127.0.0.1", "172.17.0.1", "10.0.0.5"], &["172.17.0.1"], BOTH, &["10.0.0.0/8"], "10.0.0.5"),
            (&["10.0.0.5", "192.168.1.2"], &[], BOTH, &["192.168.0.0/16", "10.0.0.0/8"], "192.168.1.2"),
            (&["10.0.0.5", "fd00::5"], &[], BOTH, &["fd00::/8"], "fd00::5"),
            (&["10.0.0.5", "fd00::5"], &["10.0.0.5", "fd00::5"], &[Family::V6], &[], "fd00::5"),
            // A network without a way out has addresses all the same.
            (&["127.0.0.1", "169.254.3.4", "172.18.0.3"], &[], BOTH, &[], "172.18.0.3"),
            (&["127.0.0.1", "::1", "fe80::1", "fd00::5"], &[], BOTH, &[], "fd00::5"),
            (&["127.0.0.1", "10.0.0.5"], &["127.0.0.1"], BOTH, &[], "10.0.0.5"),
            (&["127.0.0.1", "::1"], &[], BOTH, &[], "127.0.0.1 at last"),
            (&["127.0.0.1", "::1"], &[], &[Family::V6], &[], "::1 at last"),
            (
                &["10.0.0.5"],
                &["10.0.0.5"],
                BOTH,
                &["192.168.0.0/16"],
                "no interface has an address in 192.168.0.0/16",
            ),
        ];
        for (interfaces, routed, families, blocks, expected) in cases {
            let blocks: Vec<Block> = blocks.iter().map(|block| block.parse().unwrap()).collect();
            let found = match choose(families, &blocks, &Fake { interfaces, routed }) {
                Ok(Chosen { ip, is_last_resort: false }) => ip.to_string(),
                Ok(Chosen { ip, is_last_resort: true }) => format!("{ip} at last"),
                Err(error) => error.to_string(),
            };
            assert!(found.contains(expected), "{interfaces:?} {routed:?}: {found}, expected {expected}");
        }
    }

    #[test]
    fn the_machine_itself_is_asked_without_sending_anything() {
        assert!(Machine.interfaces().unwrap().contains(&Ipv4Addr::LOCALHOST.into()));
        // Whether there is a way out depends on the machine; what comes is an address of its own.
        if let Some(ip) = Machine.routed(Family::V4) {
            assert!(Machine.interfaces().unwrap().contains(&ip), "{ip}");
        }
    }
}
