//! What can be set about any registry, whichever back end it is.

use std::path::PathBuf;
use std::time::Duration;

use super::RegistryUrl;
use crate::error::{Error, ErrorKind};

/// What can be set about any registry. The names in brackets are the options of a URL.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// How long a list that became empty, or much shorter at once, is not believed (`grace`, 30 s;
    /// zero believes the registry at once).
    pub grace: Duration,
    /// A folder with a file of the last good list for each service, read at start and kept up to
    /// date (`last_good`, none).
    pub last_good: Option<PathBuf>,
    /// How soon the registry forgets this process's instances when it is gone without a word
    /// (`ttl`, 15 s).
    pub ttl: Duration,
    /// How often what stands in the registry is read back and mended (`check`, 10 s).
    pub check: Duration,
    /// What happens when the registry cannot be reached at the start (`start`).
    pub start: Start,
    /// Whether addresses of this machine alone, such as 127.0.0.1, may be registered
    /// (`loopback`). They may anyway where the registry itself is reached by such an address.
    pub loopback: bool,
    /// Where the jitter of a reader's pauses comes from: the same seed, the same pauses. For runs
    /// that are to be repeated; by default, chance.
    pub seed: Option<u64>,
}

/// What a server does whose registry cannot be reached when it starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Start {
    /// It serves, and the registration is tried for ever.
    #[default]
    Background,
    /// It fails to start.
    Require,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(30),
            last_good: None,
            ttl: Duration::from_secs(15),
            check: Duration::from_secs(10),
            start: Start::default(),
            loopback: false,
            seed: None,
        }
    }
}

impl Settings {
    /// Reads the options of a URL; the others stay as they are by default.
    pub(super) fn from_url(url: &RegistryUrl) -> Result<Self, Error> {
        let refuse = |text| Err(Error::new(ErrorKind::Invalid, text));
        let mut settings = Self::default();
        if let Some(grace) = url.duration("grace")? {
            settings.grace = grace;
        }
        if let Some(folder) = url.option("last_good") {
            if folder.is_empty() {
                return refuse(format!("option `last_good` of `{url}` is empty; expected a folder"));
            }
            if !cfg!(feature = "json") {
                return refuse(format!(
                    "option `last_good` of `{url}` needs the feature `json` of the crate `trunkline`, which is off"
                ));
            }
            settings.last_good = Some(folder.into());
        }
        for (name, setting) in [("ttl", &mut settings.ttl), ("check", &mut settings.check)] {
            if let Some(duration) = url.duration(name)? {
                if duration.is_zero() {
                    return refuse(format!(
                        "option `{name}` of `{url}` is zero; expected a duration above it"
                    ));
                }
                *setting = duration;
            }
        }
        match url.option("start") {
            None => {}
            Some("background") => settings.start = Start::Background,
            Some("require") => settings.start = Start::Require,
            Some(other) => {
                return refuse(format!(
                    "option `start` of `{url}` is `{other}`; expected `background` or `require`"
                ));
            }
        }
        if let Some(loopback) = url.switch("loopback")? {
            settings.loopback = loopback;
        }
        Ok(settings)
    }
}
