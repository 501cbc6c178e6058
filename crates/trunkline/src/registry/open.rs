//! A registry, whichever it is: what a URL opens, and what clients, servers and consoles get of it.

use std::fmt;
use std::sync::Arc;

use super::{Catalog, RegistryUrl, Sessions, Settings, Source, schemes};
use crate::error::Error;

/// A registry: what its back end can do, and what is set about it. Cheap to clone; clones share
/// their watches and their session.
///
/// A back end makes one with [`new`](Self::new), says what it can do, and that is all it does:
///
/// ```
/// # use std::sync::Arc;
/// # use trunkline::registry::{Registry, Source};
/// fn registry(source: Arc<dyn Source>) -> Registry {
///     Registry::new("invented://h/base").reads(source)
/// }
/// ```
#[derive(Clone)]
pub struct Registry {
    pub(super) name: Arc<str>,
    pub(super) source: Option<Arc<dyn Source>>,
    pub(super) sessions: Option<Arc<dyn Sessions>>,
    pub(super) catalog: Option<Arc<dyn Catalog>>,
    pub(super) local: bool,
    pub(super) settings: Settings,
}

impl Registry {
    /// A registry that can do nothing yet. Errors, logs and status pages show its name, which is
    /// its URL without the password.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            source: None,
            sessions: None,
            catalog: None,
            local: false,
            settings: Settings::default(),
        }
    }

    /// Opens what a URL names. Nothing is connected yet: a registry that is down is tried for ever.
    ///
    /// # Errors
    /// When the URL is none, its scheme is unknown or not part of this build, or an option is
    /// unknown or wrong.
    pub fn open(url: &str) -> Result<Self, Error> {
        schemes::open(&url.parse::<RegistryUrl>()?)
    }

    /// It can be read.
    #[must_use]
    pub fn reads(mut self, source: Arc<dyn Source>) -> Self {
        self.source = Some(source);
        self
    }

    /// It can be written.
    #[must_use]
    pub fn writes(mut self, sessions: Arc<dyn Sessions>) -> Self {
        self.sessions = Some(sessions);
        self
    }

    /// It can be looked into and edited.
    #[must_use]
    pub fn edits(mut self, catalog: Arc<dyn Catalog>) -> Self {
        self.catalog = Some(catalog);
        self
    }

    /// Whether only this machine can reach it, so that addresses of this machine mean something to
    /// all who read it.
    #[must_use]
    pub fn local(mut self, local: bool) -> Self {
        self.local = local;
        self
    }

    /// Replaces the settings.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Its name: the URL without the password.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("name", &self.name)
            .field("reads", &self.source.is_some())
            .field("writes", &self.sessions.is_some())
            .field("edits", &self.catalog.is_some())
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
