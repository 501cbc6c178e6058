//! `network@address`: how rpcx names where a server is.

use std::fmt;
use std::str::FromStr;

/// Where a server is: a network and what that network calls an address.
///
/// Split at the first `@`; without one the network is `tcp`.
///
/// ```
/// use trunkline::transport::Address;
///
/// let address: Address = "tcp@127.0.0.1:8972".parse()?;
/// assert_eq!((address.network(), address.target()), ("tcp", "127.0.0.1:8972"));
/// assert_eq!("localhost:8972".parse::<Address>()?.to_string(), "tcp@localhost:8972");
/// assert!("tcp@localhost".parse::<Address>().is_err());
/// # Ok::<(), trunkline::transport::AddressError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    text: String,
    at: usize,
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError {
    text: String,
    why: &'static str,
}

impl Address {
    /// The network: `tcp`, `memory`, …
    pub fn network(&self) -> &str {
        &self.text[..self.at]
    }

    /// What the network calls an address.
    pub fn target(&self) -> &str {
        &self.text[self.at + 1..]
    }

    /// Both, as one text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let refuse = |why| Err(AddressError { text: text.to_owned(), why });
        let (network, target) = text.split_once('@').unwrap_or(("tcp", text));
        if network.is_empty() {
            return refuse("the network before the `@` is empty");
        }
        if target.is_empty() {
            return refuse("there is no address behind the network");
        }
        if !network.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'+')) {
            // A registry's URL with a mistyped scheme has a password there: it is not repeated.
            let why = "what stands before the `@` is no network's name (a registry is written scheme://…)";
            return Err(AddressError { text: format!("…@{target}"), why });
        }
        if matches!(network, "tcp" | "tcp4" | "tcp6") {
            let Some((host, port)) = target.rsplit_once(':') else {
                return refuse("a port is missing: write host:port");
            };
            if port.parse::<u16>().is_err() {
                return refuse("the port is not a number from 0 to 65535");
            }
            if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
                return refuse("an IPv6 address needs brackets: [::1]:8972");
            }
        }
        Ok(Self { text: format!("{network}@{target}"), at: network.len() })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not an address: {}; expected network@address such as tcp@127.0.0.1:8972",
            self.text, self.why
        )
    }
}

impl std::error::Error for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_split_at_the_first_at() {
        for (text, network, target) in [
            ("tcp@127.0.0.1:8972", "tcp", "127.0.0.1:8972"),
            ("127.0.0.1:8972", "tcp", "127.0.0.1:8972"),
            ("tcp6@[::1]:1", "tcp6", "[::1]:1"),
            ("memory@a@b", "memory", "a@b"),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.network(), address.target()), (network, target));
        }
    }

    #[test]
    fn a_refused_address_says_why() {
        for (text, why) in [
            ("", "no address"),
            ("@x", "network before"),
            ("etcd:me:secret@h/base", "no network's name"),
            ("tcp@host", "port is missing"),
            ("tcp@host:x", "not a number"),
            ("tcp@::1:80", "brackets"),
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains("secret"), "{text}: {error}");
        }
    }
}
