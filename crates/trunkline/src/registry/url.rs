//! The URL of a registry, taken apart: `scheme://[user[:password]@]h1,h2/base?option=value`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{Attributes, Secret};
use crate::config::parse_duration;
use crate::error::{Error, ErrorKind};

/// The URL of a registry: `etcd://user:password@h1:2379,h2:2379/rpcx_test?grace=10s`.
///
/// The path is the base as it stands, with its slash in front; the option `base` says it
/// otherwise. Slashes at its end are left out. User, password and base may be written with `%XX`.
/// Printed, it shows neither the password nor the options.
///
/// ```
/// use trunkline::registry::RegistryUrl;
///
/// let url: RegistryUrl = "etcd://me:hush@h1:2379,h2:2379/rpcx_test?grace=10s".parse()?;
/// assert_eq!(url.hosts(), ["h1:2379", "h2:2379"]);
/// assert_eq!(url.base(), "/rpcx_test");
/// assert_eq!(url.to_string(), "etcd://me:***@h1:2379,h2:2379/rpcx_test");
/// # Ok::<(), trunkline::Error>(())
/// ```
#[derive(Clone)]
pub struct RegistryUrl {
    scheme: String,
    user: Option<String>,
    password: Option<Secret>,
    hosts: Vec<String>,
    base: String,
    options: Attributes,
}

impl RegistryUrl {
    /// What stands before the `://`.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The user.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The password.
    pub fn password(&self) -> Option<&Secret> {
        self.password.as_ref()
    }

    /// The hosts, each with its port if one was given.
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// The hosts, each with a port.
    ///
    /// # Errors
    /// When there are none.
    pub fn hosts_with_port(&self, port: u16) -> Result<Vec<String>, Error> {
        if self.hosts.is_empty() {
            let text = format!("`{self}` names no host: write {}://host:{port}/base", self.scheme);
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        let with_port = |host: &String| match host_of(host).1 {
            Some(_) => host.clone(),
            None => format!("{host}:{port}"),
        };
        Ok(self.hosts.iter().map(with_port).collect())
    }

    /// The base: with its leading slash if it is the path, without slashes at its end; empty when
    /// none was given.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The base, where the back end needs one.
    ///
    /// # Errors
    /// When none was given.
    pub fn required_base(&self) -> Result<&str, Error> {
        if self.base.trim_matches('/').is_empty() {
            let text = format!(
                "`{self}` names no base: write the base path of the services behind the hosts, such as /rpcx_test"
            );
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        Ok(&self.base)
    }

    /// An option.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name)
    }

    /// The names of the options that were given.
    pub fn option_names(&self) -> impl Iterator<Item = &str> {
        self.options.iter().map(|(name, _)| name)
    }

    /// An option that is a duration, such as `10s`.
    ///
    /// # Errors
    /// When it is none.
    pub fn duration(&self, name: &str) -> Result<Option<Duration>, Error> {
        self.option(name)
            .map(|text| {
                parse_duration(text).map_err(|e| {
                    Error::new(ErrorKind::Invalid, format!("option `{name}` of `{self}`: {e}")).with_source(e)
                })
            })
            .transpose()
    }

    /// An option that is yes or no: `true`, `false`, or just its name for `true`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn switch(&self, name: &str) -> Result<Option<bool>, Error> {
        match self.option(name) {
            None => Ok(None),
            Some("" | "true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(other) => {
                let text = format!("option `{name}` of `{self}` is `{other}`; expected true or false");
                Err(Error::new(ErrorKind::Invalid, text))
            }
        }
    }

    /// Whether all hosts are addresses of this machine.
    pub fn is_loopback(&self) -> bool {
        !self.hosts.is_empty() && self.hosts.iter().all(|host| is_loopback(host_of(host).0))
    }
}

/// Splits `host:port`; brackets around an IPv6 address belong to the host.
pub(crate) fn host_of(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    }
}

/// Whether a host, with or without brackets, is this machine's own.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<std::net::IpAddr>() {
        Ok(ip) => ip.to_canonical().is_loopback(),
        Err(_) => {
            let name = bare.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

impl FromStr for RegistryUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // What was given may hold a password wherever it went wrong, so no message repeats it.
        let refuse = |why: &str| {
            let text = format!(
                "a registry's URL {why}; expected scheme://[user[:password]@]h1,h2/base?option=value"
            );
            Err(Error::new(ErrorKind::Invalid, text))
        };
        let Some((scheme, rest)) = text.split_once("://") else {
            return refuse("needs `://` behind its scheme");
        };
        if scheme.is_empty() || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) {
            return refuse("begins with a scheme of letters and digits");
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let split = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(split);
        // A slash in a password would end the authority and lay half of the password open.
        if path.contains('@') || query.contains('@') && !authority.contains('@') {
            return refuse(
                "has an `@` behind its hosts: in a password write / as %2F and ? as %3F, in a base write @ as %40",
            );
        }
        let (credentials, hosts) = match authority.rsplit_once('@') {
            Some((credentials, hosts)) => (Some(credentials), hosts),
            None => (None, authority),
        };
        let (user, password) = match credentials.map(|text| text.split_once(':').unwrap_or((text, ""))) {
            None => (None, None),
            Some((user, password)) => {
                let (Some(user), Some(password)) = (unescape(user), unescape(password)) else {
                    return refuse("has a `%` in its user or password that is no escape: write % as %25");
                };
                (Some(user), (!password.is_empty()).then(|| Secret::new(password)))
            }
        };
        let hosts: Vec<String> =
            hosts.split(',').map(str::trim).filter(|host| !host.is_empty()).map(str::to_owned).collect();
        let options = Attributes::parse(query);
        if options.is_broken() {
            return refuse("has an option that does not parse");
        }
        let base = match options.get("base") {
            Some(base) => base.to_owned(),
            None => match unescape(path) {
                Some(path) => path,
                None => return refuse("has a `%` in its path that is no escape: write % as %25"),
            },
        };
        let mut url = Self { scheme: scheme.to_ascii_lowercase(), user, password, hosts, base, options };
        let trimmed = url.base.trim_end_matches('/').len();
        if trimmed < url.base.len() {
            // To etcd and Redis, `/a/` and `/a` are different trees.
            if trimmed > 0 {
                tracing::warn!(
                    "the base of `{url}` ends with a slash, which is left out: other peers must not use it either"
                );
            }
            url.base.truncate(trimmed);
        }
        Ok(url)
    }
}

impl fmt::Display for RegistryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        if let Some(user) = &self.user {
            let hidden = if self.password.is_some() { ":***" } else { "" };
            write!(f, "{user}{hidden}@")?;
        }
        f.write_str(&self.hosts.join(","))?;
        if !self.base.is_empty() && !self.base.starts_with('/') {
            f.write_str("/")?;
        }
        f.write_str(&self.base)
    }
}

impl fmt::Debug for RegistryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// `%XX` only: a plus stays a plus outside of a query.
fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> RegistryUrl {
        text.parse().unwrap()
    }

    #[test]
    fn a_url_comes_apart() {
        for (text, hosts, base) in [
            ("etcd://h1:1,h2:2/rpcx_test", vec!["h1:1", "h2:2"], "/rpcx_test"),
            ("etcd://[::1]:2379/a/b/", vec!["[::1]:2379"], "/a/b"),
            ("etcd://h?base=rpcx_test", vec!["h"], "rpcx_test"),
            ("etcd://h/x?base=/y/", vec!["h"], "/y"),
            ("mdns://", vec![], ""),
            ("dns://svc.local:53", vec!["svc.local:53"], ""),
            ("redis://h/a%2Fb%20c", vec!["h"], "/a/b c"),
        ] {
            let url = url(text);
            assert_eq!(
                (url.hosts(), url.base()),
                (&hosts.iter().map(|h| (*h).to_owned()).collect::<Vec<_>>()[..], base),
                "{text}"
            );
        }
        assert_eq!(url("a://h1,[::1],h2:9").hosts_with_port(5).unwrap(), ["h1:5", "[::1]:5", "h2:9"]);
    }

    #[test]
    fn a_password_never_shows() {
        let all = |text: &str| match text.parse::<RegistryUrl>() {
            Ok(url) => {
                let missing = url.required_base().map(|_| String::new()).unwrap_or_else(|e| e.to_string());
                format!("{url} {url:?} {missing}")
            }
            Err(e) => format!("{e} {e:?}"),
        };
        for text in [
            "etcd://me:hush@h/base",
            "etcd://me:hush@h",
            "etcd://me:hu%73h@h/base?token=hush",
            "etcd://me:/hush@h/base",
            "etcd://me:hush/@h/base",
            "etcd://me:?hush@h/base",
            "etcd:me:hush@h/base",
            "etcd://me:hush%@h/base",
            "e tcd://me:hush@h/base",
            "etcd://me:a@hush@h/base",
        ] {
            assert!(!all(text).contains("hush"), "{text}: {}", all(text));
        }
        let url = url("etcd://me:p%40ss%2Fw@h/base");
        assert_eq!((url.user(), url.password().unwrap().reveal()), (Some("me"), "p@ss/w"));
    }

    #[test]
    fn loopback_is_told() {
        assert!(url("etcd://127.0.0.1:1,localhost,[::1]:2/b").is_loopback());
        assert!(!url("etcd://127.0.0.1:1,10.0.0.1/b").is_loopback());
        assert!(!url("mdns://").is_loopback());
    }
}
