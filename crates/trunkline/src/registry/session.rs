//! Writing: what a back end has to offer for instances to be registered.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Attributes, Instance};
use crate::error::Error;
use crate::transport::{Address, BoxFuture};

/// A back end that can be written: it opens sessions.
pub trait Sessions: Send + Sync + 'static {
    /// Opens a session whose entries vanish within `ttl` after this process is gone. The session
    /// keeps itself alive.
    fn open(&self, ttl: Duration) -> BoxFuture<'_, Result<Arc<dyn Session>, Error>>;

    /// The shortest `ttl` that the registry can keep.
    fn shortest_ttl(&self) -> Duration {
        Duration::from_secs(1)
    }
}

/// A session (a lease, a set of keys with a time to live) under which a process's entries live.
///
/// One task makes all calls of a session, one after another, each within a limit in time. What
/// should stand in the registry is not the session's business: it carries out.
pub trait Session: Send + Sync + 'static {
    /// What it is called in [`Held::owner`]: the same for all entries that live under it, and for
    /// those of no other session.
    fn id(&self) -> &str;

    /// What the registry holds for an instance, under whichever session; read from the registry
    /// itself and not from a cache or a stale replica.
    fn read<'a>(
        &'a self,
        service: &'a str,
        address: &'a Address,
    ) -> BoxFuture<'a, Result<Option<Held>, Error>>;

    /// Writes an entry under this session, if the registry holds what is expected. An entry of
    /// another session is taken over. What the layout wants beside it, parents say, is written
    /// along where it is missing.
    fn put<'a>(
        &'a self,
        service: &'a str,
        instance: &'a Instance,
        expected: &'a Expect,
    ) -> BoxFuture<'a, Result<Swap, Error>>;

    /// Deletes an entry, if it is still of this version. One that is gone already counts as done.
    fn delete<'a>(
        &'a self,
        service: &'a str,
        address: &'a Address,
        version: &'a Version,
    ) -> BoxFuture<'a, Result<Swap, Error>>;

    /// Ends when the session is lost, at once when it is lost already, and says why. A registry
    /// that has not answered renewals for two thirds of the time to live has lost it.
    ///
    /// # Cancel safety
    /// It may be dropped and called again.
    fn lost(&self) -> BoxFuture<'_, Error>;

    /// Ends when somebody else may have changed an entry of this session: it is read back at once
    /// then, rather than after some seconds. For registries that tell; the default never ends.
    ///
    /// # Cancel safety
    /// It may be dropped and called again.
    fn disturbed(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    /// Puts back what the layout wants beside the entries of these services, parents say, where it
    /// is missing. Called about once a minute. The default does nothing.
    fn uphold<'a>(&'a self, services: &'a [Arc<str>]) -> BoxFuture<'a, Result<(), Error>> {
        let _ = services;
        Box::pin(async { Ok(()) })
    }

    /// Gives the session up, with what still lives under it.
    fn close(&self) -> BoxFuture<'_, Result<(), Error>>;
}

/// What a registry holds for one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The attributes.
    pub attributes: Attributes,
    /// The [`Session::id`] under which it lives; none where it lives under no session and stays
    /// for ever. A registry that cannot tell names the session that asks.
    pub owner: Option<Arc<str>>,
    /// Which of the entry's states this is.
    pub version: Version,
}

/// One state of an entry, for compare-and-swap: a revision, an index, or the value itself.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Version(Arc<str>);

/// What a registry has to hold for a write to be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Absent,
    /// This state.
    Version(Version),
}

/// How a compare-and-swap ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swap {
    /// It was carried out.
    Done,
    /// The registry held something else; nothing was changed.
    Conflict,
}

impl Version {
    /// A version, as the registry writes it.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number, where it is one.
    pub fn number(&self) -> Option<i64> {
        self.0.parse().ok()
    }
}

impl From<i64> for Version {
    fn from(number: i64) -> Self {
        Self(number.to_string().into())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
