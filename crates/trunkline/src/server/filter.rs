//! Policies for whole connections, asked before a byte of protocol is read.

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::transport::{Peer, Stream};

/// Decides about connections. The first filter added is asked first.
pub trait ConnectionFilter: Send + Sync + 'static {
    /// Looks at a new connection: lets it in, wraps its stream, or refuses it with a reason for
    /// the log. The peer is told nothing: it may be hostile.
    ///
    /// # Errors
    /// Why the connection is refused.
    fn accept(&self, stream: Stream) -> Result<Stream, String> {
        Ok(stream)
    }

    /// A connection that was let in has ended.
    fn closed(&self, peer: &Peer) {
        let _ = peer;
    }
}

/// Lets in, or keeps out, by IP address and network. Peers without an IP address (in-process
/// ones) pass a deny list and fail an allow list, as in Go.
///
/// ```
/// use trunkline::server::IpList;
///
/// let office = IpList::allow(["10.0.0.0/8", "::1"])?;
/// assert!(office.admits("10.1.2.3".parse().unwrap()));
/// assert!(!office.admits("192.0.2.1".parse().unwrap()));
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug)]
pub struct IpList {
    allow: bool,
    exact: HashSet<IpAddr>,
    networks: Vec<(IpAddr, u8)>,
}

impl IpList {
    /// Only these addresses and networks may connect.
    ///
    /// # Errors
    /// Names the text that is neither an address nor a network.
    pub fn allow<'a>(list: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        Self::parse(true, list)
    }

    /// These addresses and networks may not connect.
    ///
    /// # Errors
    /// Names the text that is neither an address nor a network.
    pub fn deny<'a>(list: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        Self::parse(false, list)
    }

    fn parse<'a>(allow: bool, list: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut parsed = Self { allow, exact: HashSet::new(), networks: Vec::new() };
        for text in list {
            let refuse = || format!("`{text}` is neither an IP address nor a network such as 10.0.0.0/8");
            match text.split_once('/') {
                None => {
                    parsed.exact.insert(text.parse::<IpAddr>().map_err(|_| refuse())?.to_canonical());
                }
                Some((base, bits)) => {
                    let base: IpAddr = base.parse().map_err(|_| refuse())?;
                    let bits: u8 = bits.parse().map_err(|_| refuse())?;
                    if bits > if base.is_ipv4() { 32 } else { 128 } {
                        return Err(refuse());
                    }
                    parsed.networks.push((base, bits));
                }
            }
        }
        Ok(parsed)
    }

    /// Whether a peer of this address may connect.
    pub fn admits(&self, address: IpAddr) -> bool {
        // A v4 client of a v6 socket is the same client.
        let address = address.to_canonical();
        let listed = self.exact.contains(&address)
            || self.networks.iter().any(|(base, bits)| covers(*base, *bits, address));
        listed == self.allow
    }
}

fn covers(base: IpAddr, bits: u8, address: IpAddr) -> bool {
    match (base, address) {
        (IpAddr::V4(base), IpAddr::V4(address)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            base.to_bits() & mask == address.to_bits() & mask
        }
        (IpAddr::V6(base), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            base.to_bits() & mask == address.to_bits() & mask
        }
        _ => false,
    }
}

impl ConnectionFilter for IpList {
    fn accept(&self, stream: Stream) -> Result<Stream, String> {
        let admitted = match stream.peer.socket {
            Some(socket) => self.admits(socket.ip()),
            None => !self.allow,
        };
        if admitted { Ok(stream) } else { Err("its address is not admitted".to_owned()) }
    }
}

/// Lets in a burst of connections, then so many each second.
pub struct ConnectionRate {
    burst: f64,
    each: Duration,
    state: Mutex<(f64, Option<Instant>)>,
}

impl ConnectionRate {
    /// A bucket of `burst` that gains one connection each `each`.
    pub fn new(burst: u32, each: Duration) -> Self {
        let burst = f64::from(burst.max(1));
        Self { burst, each: each.max(Duration::from_nanos(1)), state: Mutex::new((burst, None)) }
    }
}

impl ConnectionFilter for ConnectionRate {
    fn accept(&self, stream: Stream) -> Result<Stream, String> {
        let now = Instant::now();
        let mut state = self.state.lock();
        let (tokens, last) = &mut *state;
        if let Some(last) = last {
            *tokens = (*tokens + (now - *last).as_secs_f64() / self.each.as_secs_f64()).min(self.burst);
        }
        *last = Some(now);
        if *tokens < 1.0 {
            return Err(format!(
                "more than one connection each {:?} after a burst of {}",
                self.each, self.burst
            ));
        }
        *tokens -= 1.0;
        Ok(stream)
    }
}

impl fmt::Debug for ConnectionRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionRate")
            .field("burst", &self.burst)
            .field("each", &self.each)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_cover_what_they_say() {
        let list = IpList::deny(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "0.0.0.0/32"]).unwrap();
        for (address, admitted) in [
            ("10.255.0.1", false),
            ("11.0.0.1", true),
            ("192.0.2.7", false),
            ("::ffff:192.0.2.7", false),
            ("2001:db8::1", false),
            ("2001:db9::1", true),
        ] {
            assert_eq!(list.admits(address.parse().unwrap()), admitted, "{address}");
        }
        assert!(!IpList::deny(["0.0.0.0/0"]).unwrap().admits("1.2.3.4".parse().unwrap()));
    }

    #[test]
    fn a_bad_list_is_refused() {
        for text in ["10.0.0.0/33", "x", "10.0.0/8"] {
            assert!(IpList::allow([text]).unwrap_err().contains(text));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_refills() {
        let rate = ConnectionRate::new(2, Duration::from_secs(1));
        let try_one = || rate.accept(crate::transport::memory::pair("x").0).is_ok();
        assert_eq!([try_one(), try_one(), try_one()], [true, true, false]);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!([try_one(), try_one()], [true, false]);
    }
}
