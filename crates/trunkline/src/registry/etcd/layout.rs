//! Where things stand in etcd: Go rpcx's keys, byte for byte.

use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::registry::{Attributes, Instance};
use crate::transport::Address;

/// The value of the key `BASE`.
pub(super) const BASE_VALUE: &str = "rpcx_path";

/// The keys below a base path, which is taken as it stands.
pub(super) struct Layout {
    registry: Arc<str>,
    base: String,
}

impl Layout {
    pub(super) fn new(registry: Arc<str>, base: &str) -> Self {
        Self { registry, base: base.to_owned() }
    }

    /// `BASE`
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// `BASE/`, below which all services stand.
    pub(super) fn services(&self) -> String {
        format!("{}/", self.base)
    }

    /// `BASE/Service`
    pub(super) fn service(&self, service: &str) -> Result<String, Error> {
        // Go does not escape: a slash would make another tree of it.
        if service.trim().is_empty() || service.contains('/') {
            let text = format!(
                "{}: `{service}` cannot be the name of a service in a registry; expected one without `/` that is not blank",
                self.registry
            );
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        Ok(format!("{}/{service}", self.base))
    }

    /// `BASE/Service/`: with its slash, so that `A` does not see the instances of `AB`.
    pub(super) fn instances(&self, service: &str) -> Result<String, Error> {
        Ok(self.service(service)? + "/")
    }

    /// `BASE/Service/network@host:port`
    pub(super) fn instance(&self, service: &str, address: &Address) -> Result<String, Error> {
        Ok(self.instances(service)? + address.as_str())
    }
}

/// The instance that a key and its value stand for; none for what is no instance.
pub(super) fn decode(prefix: &str, key: &[u8], value: &[u8]) -> Option<Instance> {
    let child = std::str::from_utf8(key.strip_prefix(prefix.as_bytes())?).ok()?;
    let address = address(child)?;
    Some(Instance::new(address, Attributes::parse(&String::from_utf8_lossy(value))))
}

/// The address in the last part of a key. What stands deeper is none; only the path of a Unix
/// socket has slashes of its own.
pub(super) fn address(child: &str) -> Option<Address> {
    let address: Address = child.parse().ok()?;
    (address.network() == "unix" || !child.contains('/')).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_gos() {
        for (base, key) in [
            ("/rpcx_test", "/rpcx_test/Arith/tcp@127.0.0.1:8972"),
            ("rpcx_test", "rpcx_test/Arith/tcp@127.0.0.1:8972"),
            ("/a b/%41", "/a b/%41/Arith/tcp@127.0.0.1:8972"),
        ] {
            let layout = Layout::new("etcd://h".into(), base);
            let address = "127.0.0.1:8972".parse().unwrap();
            assert_eq!(layout.instance("Arith", &address).unwrap(), key);
            assert_eq!(layout.service("Arith").unwrap(), format!("{base}/Arith"));
        }
    }

    #[test]
    fn a_service_is_one_part_of_a_key() {
        let layout = Layout::new("etcd://h".into(), "/b");
        for name in ["", " ", "A/B", "/"] {
            let error = layout.instances(name).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{name}");
        }
        assert_eq!(layout.instances("Ünï %[*").unwrap(), "/b/Ünï %[*/");
    }

    #[test]
    fn what_is_no_instance_is_left_out_one_by_one() {
        let read = |key: &[u8], value: &[u8]| decode("/b/A/", key, value).map(|i| i.to_string());
        assert_eq!(read(b"/b/A/tcp@h:1", b"weight=2"), Some("tcp@h:1?weight=2".into()));
        assert_eq!(read(b"/b/A/h:1", b""), Some("tcp@h:1".into()));
        assert_eq!(read(b"/b/A/unix@/tmp/s", b""), Some("unix@/tmp/s".into()));
        assert_eq!(read(b"/b/A/tcp@h:1", b"a=\xff&weight=2").as_deref(), Some("tcp@h:1?a=\u{fffd}&weight=2"));
        for key in [&b"/b/A/"[..], b"/b/A/junk", b"/b/A/tcp@h:1/x", b"/b/A/\xff@h:1", b"/b/AB/tcp@h:1"] {
            assert_eq!(read(key, b""), None, "{}", String::from_utf8_lossy(key));
        }
    }
}
