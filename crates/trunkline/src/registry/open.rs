//! A registry, whichever it is: what a URL opens, and what clients, servers and consoles get of it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::supervise::{Followed, Writer};
use super::{Catalog, List, Registrar, RegistryUrl, Resolver, Sessions, Settings, Source, schemes};
use crate::error::{Error, ErrorKind};

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
    list: Option<List>,
    followed: Arc<OnceLock<Arc<Followed>>>,
    writer: Arc<OnceLock<Arc<Writer>>>,
}

/// Opens what a text names, a registry's URL or a list of addresses, and follows services there.
///
/// ```
/// let resolver = trunkline::registry::resolver("tcp@127.0.0.1:8972?weight=3,tcp@127.0.0.1:8973")?;
/// assert_eq!(resolver.watch("Arith").current().instances().len(), 2);
///
/// let error = trunkline::registry::resolver("gopher://127.0.0.1").err().expect("there is no such registry");
/// assert!(error.to_string().contains("no registry has the scheme `gopher`"));
/// # Ok::<(), trunkline::Error>(())
/// ```
///
/// # Errors
/// As [`Registry::open`] and [`Registry::resolver`].
pub fn resolver(text: &str) -> Result<Arc<dyn Resolver>, Error> {
    Registry::open(text)?.resolver()
}

/// Opens the registry that a URL names, to register instances there.
///
/// # Errors
/// As [`Registry::open`] and [`Registry::registrar`].
pub fn registrar(url: &str) -> Result<Registrar, Error> {
    Registry::open(url)?.registrar()
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
            list: None,
            followed: Arc::default(),
            writer: Arc::default(),
        }
    }

    /// Opens what a text names: a registry's URL, or a [list](List) of addresses. Nothing is
    /// connected yet: a registry that is down is tried for ever.
    ///
    /// # Errors
    /// When it is neither, the scheme is unknown or not part of this build, or an option is unknown
    /// or wrong.
    pub fn open(text: &str) -> Result<Self, Error> {
        if text.contains("://") {
            return schemes::open(&text.parse::<RegistryUrl>()?);
        }
        let list: List = text.parse()?;
        Ok(Self { list: Some(list.clone()), ..Self::new(list.describe()) })
    }

    /// It can be read.
    #[must_use]
    pub fn reads(mut self, source: Arc<dyn Source>) -> Self {
        self.source = Some(source);
        self.followed = Arc::default();
        self
    }

    /// It can be written.
    #[must_use]
    pub fn writes(mut self, sessions: Arc<dyn Sessions>) -> Self {
        self.sessions = Some(sessions);
        self.writer = Arc::default();
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
        self.followed = Arc::default();
        self.writer = Arc::default();
        self
    }

    /// What clients follow services by. All that come from this registry and its clones share one
    /// watch for each service.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn resolver(&self) -> Result<Arc<dyn Resolver>, Error> {
        if let Some(list) = &self.list {
            return Ok(Arc::new(list.clone()));
        }
        let Some(source) = &self.source else {
            return Err(self.cannot("be read"));
        };
        let followed = || Arc::new(Followed::new(self.name.clone(), source.clone(), self.settings.clone()));
        Ok(self.followed.get_or_init(followed).clone())
    }

    /// What servers register with. All that come from this registry and its clones share one
    /// session and one writing task.
    ///
    /// # Errors
    /// When the registry cannot be written, or cannot keep a time to live as short as is set.
    pub fn registrar(&self) -> Result<Registrar, Error> {
        let Some(sessions) = &self.sessions else {
            return Err(self.cannot("be written, so nothing can be registered there"));
        };
        let (ttl, shortest) = (self.settings.ttl, sessions.shortest_ttl());
        if ttl < shortest {
            let text = format!(
                "a time to live of {ttl:?} is too short for the registry `{}`: the option `ttl` has to be {shortest:?} or more",
                self.name
            );
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        let writer = || Writer::new(self.name.clone(), sessions.clone(), self.settings.clone());
        Ok(Registrar::new(self, self.writer.get_or_init(writer).clone()))
    }

    /// What opens the sessions under which entries live; for those who build on a back end.
    /// Servers take a [`registrar`](Self::registrar).
    ///
    /// # Errors
    /// When the registry cannot be written.
    pub fn sessions(&self) -> Result<Arc<dyn Sessions>, Error> {
        self.sessions.clone().ok_or_else(|| self.cannot("be written"))
    }

    /// What consoles look into.
    ///
    /// # Errors
    /// When the registry cannot be looked into.
    pub fn catalog(&self) -> Result<Arc<dyn Catalog>, Error> {
        self.catalog.clone().ok_or_else(|| self.cannot("be looked into"))
    }

    fn cannot(&self, what: &str) -> Error {
        Error::new(ErrorKind::Invalid, format!("the registry `{}` cannot {what}", self.name))
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
            .field("reads", &(self.source.is_some() || self.list.is_some()))
            .field("writes", &self.sessions.is_some())
            .field("edits", &self.catalog.is_some())
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
