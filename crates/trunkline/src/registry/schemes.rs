//! The schemes of registries' URLs: one line for each back end.

use super::{Registry, RegistryUrl};
use crate::error::{Error, ErrorKind};

/// How a back end is opened: its URL in, a registry out. It does not connect: that is for the
/// first use.
type Open = fn(&RegistryUrl) -> Result<Registry, Error>;

/// A scheme, and what this build has behind it.
struct Scheme {
    name: &'static str,
    behind: Behind,
}

enum Behind {
    /// A back end, with the options it knows beside those of every registry.
    #[allow(dead_code, reason = "without any feature there is no back end with a URL")]
    BackEnd { open: Open, options: &'static [&'static str] },
    /// A back end whose feature is off.
    #[allow(dead_code, reason = "with all features none is off")]
    Off { feature: &'static str },
    /// None yet.
    Later,
}

/// A line of the table: the scheme, and the back end's feature and module, which has `open` and
/// `OPTIONS`; or `later`.
macro_rules! scheme {
    ($name:literal, later) => {
        Scheme { name: $name, behind: Behind::Later }
    };
    ($name:literal, feature $feature:literal, $module:ident) => {{
        #[cfg(feature = $feature)]
        const BEHIND: Behind =
            Behind::BackEnd { open: super::$module::open, options: super::$module::OPTIONS };
        #[cfg(not(feature = $feature))]
        const BEHIND: Behind = Behind::Off { feature: $feature };
        Scheme { name: $name, behind: BEHIND }
    }};
}

const SCHEMES: &[Scheme] = &[
    scheme!("consul", later),
    scheme!("dns", feature "dns", dns),
    scheme!("etcd", feature "etcd", etcd),
    scheme!("etcds", feature "etcd", etcd),
    scheme!("eureka", later),
    scheme!("exchange", later),
    scheme!("kubernetes", later),
    scheme!("mdns", later),
    scheme!("nacos", later),
    scheme!("redis", later),
    scheme!("zookeeper", later),
];

/// The options that every registry has; `settings.rs` says what they mean.
const COMMON: &[&str] = &["base", "check", "grace", "last_good", "loopback", "start", "ttl"];

/// Opens what a URL names. Nothing is connected yet.
pub(super) fn open(url: &RegistryUrl) -> Result<Registry, Error> {
    let refuse = |text: String| Err(Error::new(ErrorKind::Invalid, text));
    let Some(scheme) = SCHEMES.iter().find(|scheme| scheme.name == url.scheme()) else {
        let here = SCHEMES.iter().filter(|scheme| !matches!(scheme.behind, Behind::Later));
        let names: Vec<_> = here.map(|scheme| scheme.name).collect();
        return refuse(format!(
            "`{url}`: no registry has the scheme `{}`; expected {}, or a list of addresses such as tcp@127.0.0.1:8972",
            url.scheme(),
            if names.is_empty() { "one that is built in".to_owned() } else { names.join(", ") }
        ));
    };
    let (open, options) = match scheme.behind {
        Behind::BackEnd { open, options } => (open, options),
        Behind::Off { feature } => {
            return refuse(format!(
                "`{url}` needs the feature `{feature}` of the crate `trunkline`, which is off: switch it on in Cargo.toml"
            ));
        }
        Behind::Later => {
            return refuse(format!(
                "`{url}`: registries of the scheme `{}` are not part of this version",
                scheme.name
            ));
        }
    };
    if let Some(unknown) = url.option_names().find(|name| !COMMON.contains(name) && !options.contains(name)) {
        let mut known = [COMMON, options].concat();
        known.sort_unstable();
        return refuse(format!("`{url}` has no option `{unknown}`; its options are {}", known.join(", ")));
    }
    let settings = super::Settings::from_url(url)?;
    Ok(open(url)?.settings(settings))
}
