//! The members of an etcd cluster: which one is asked, how long it may take, and what its errors
//! are called.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tonic::Code;

use super::access::{Access, Refusal};
use super::client::Client;
use super::failure::Failure;
use crate::error::{Error, ErrorKind};
use crate::transport::BoxFuture;

/// How long one member may take for one answer. A member that hangs is noticed by this and by
/// nothing else while no stream is open.
const CALL: Duration = Duration::from_secs(3);

/// An answer that took so long when nobody waited for it any more counts as none.
const PATIENCE: Duration = Duration::from_secs(1);

/// The members of a cluster. One of them is asked until it fails, then the next.
pub(super) struct Cluster {
    name: Arc<str>,
    hosts: Vec<String>,
    access: Access,
    /// Held while connecting, so that those who need a connection at once share one.
    current: Mutex<Current>,
    /// The connection that somebody stopped waiting for; generations begin with 1.
    given_up: AtomicU64,
}

#[derive(Default)]
struct Current {
    host: usize,
    /// Counts the connections, so that the failure of an old one does not end a new one.
    generation: u64,
    client: Option<Client>,
}

/// A connection to one member.
#[derive(Clone)]
pub(super) struct Member {
    pub(super) client: Client,
    host: usize,
    generation: u64,
}

impl Cluster {
    pub(super) fn new(name: Arc<str>, hosts: Vec<String>, access: Access) -> Self {
        Self { name, hosts, access, current: Mutex::default(), given_up: AtomicU64::new(0) }
    }

    /// What the registry is called in errors and logs.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Asks one member after another until one answers, each within its limit. What is asked may
    /// be carried out twice: a member that hangs may do it in the end.
    pub(super) async fn call<'a, T>(
        &self,
        what: &str,
        ask: impl Fn(Client) -> BoxFuture<'a, Result<T, Failure>>,
    ) -> Result<T, Error> {
        Ok(self.call_member(what, ask).await?.0)
    }

    /// As [`call`](Self::call), and says who answered.
    pub(super) async fn call_member<'a, T>(
        &self,
        what: &str,
        ask: impl Fn(Client) -> BoxFuture<'a, Result<T, Failure>>,
    ) -> Result<(T, Member), Error> {
        // Twice where there is one member: the connection may be one from before its restart.
        let mut left = self.hosts.len().max(2);
        loop {
            left -= 1;
            let failed = match self.member().await {
                Ok(member) => match self.within_limit(&member, what, ask(member.client.clone())).await {
                    Ok(answer) => return Ok((answer, member)),
                    Err(failed) => failed,
                },
                Err(failed) => failed,
            };
            if left == 0 || !failed.elsewhere {
                return Err(failed.error);
            }
        }
    }

    /// Asks this member, within the limit.
    pub(super) async fn ask<T>(
        &self,
        member: &Member,
        what: &str,
        answer: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Error> {
        self.within_limit(member, what, answer).await.map_err(|failed| failed.error)
    }

    async fn within_limit<T>(
        &self,
        member: &Member,
        what: &str,
        answer: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failed> {
        let waiting =
            Waiting { given_up: &self.given_up, generation: member.generation, since: Instant::now() };
        let answered = timeout(CALL, answer).await;
        waiting.end();
        let failed = match answered {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(e)) => self.failed(member.host, what, e),
            Err(_) => Failed { error: self.silent(member.host, what), elsewhere: true },
        };
        if failed.elsewhere {
            self.leave(member).await;
        }
        Err(failed)
    }

    /// The next calls go to the next member, on a new connection.
    pub(super) async fn leave(&self, member: &Member) {
        let mut current = self.current.lock().await;
        if current.generation == member.generation {
            current.client = None;
            current.host = (member.host + 1) % self.hosts.len();
        }
    }

    async fn member(&self) -> Result<Member, Failed> {
        let mut current = self.current.lock().await;
        if current.client.is_some() && self.given_up.load(Ordering::Relaxed) == current.generation {
            current.client = None;
            current.host = (current.host + 1) % self.hosts.len();
        }
        let host = current.host;
        let client = match &current.client {
            Some(client) => client.clone(),
            None => match self.connect(host).await {
                Ok(client) => {
                    current.generation += 1;
                    current.client = Some(client.clone());
                    client
                }
                Err(failed) => {
                    current.host = (host + 1) % self.hosts.len();
                    return Err(failed);
                }
            },
        };
        Ok(Member { client, host, generation: current.generation })
    }

    async fn connect(&self, host: usize) -> Result<Client, Failed> {
        let refusal = match self.connect_as(host, true).await? {
            Ok(client) => return Ok(client),
            Err(refusal) => refusal,
        };
        match refusal {
            // As Go does: who is to say who it is and is not asked goes on without.
            Refusal::Etcd(e) if self.access.has_user() && e.is_without_users() => {
                tracing::warn!(
                    registry = &*self.name,
                    "etcd has its authentication switched off: the user and the password are not used"
                );
                match self.connect_as(host, false).await? {
                    Ok(client) => Ok(client),
                    Err(Refusal::Etcd(e)) => Err(self.failed(host, "connecting", e)),
                    Err(Refusal::Files(error)) => Err(Failed { error, elsewhere: false }),
                }
            }
            Refusal::Etcd(e) => Err(self.failed(host, "logging in", e)),
            Refusal::Files(error) => {
                let text = format!("{}: {}", self.name, error.message());
                Err(Failed { error: error.with_message(text), elsewhere: false })
            }
        }
    }

    async fn connect_as(&self, host: usize, user: bool) -> Result<Result<Client, Refusal>, Failed> {
        timeout(CALL, self.access.connect(&self.hosts[host], user))
            .await
            .map_err(|_| Failed { error: self.silent(host, "connecting"), elsewhere: true })
    }

    fn silent(&self, host: usize, what: &str) -> Error {
        let text = format!("{}: {what}: {} has not answered within {CALL:?}", self.name, self.hosts[host]);
        Error::new(ErrorKind::Unavailable, text)
    }

    fn failed(&self, host: usize, what: &str, e: Failure) -> Failed {
        let (kind, elsewhere) = match e.code() {
            Some(Code::PermissionDenied) => (ErrorKind::Denied, false),
            // A connection from before authentication was switched on, or changed, is refused with
            // one of these: a new one logs in.
            Some(Code::Unauthenticated | Code::InvalidArgument) if self.access.has_user() => {
                (ErrorKind::Unauthenticated, true)
            }
            Some(Code::Unauthenticated) => (ErrorKind::Unauthenticated, false),
            Some(Code::InvalidArgument) => (ErrorKind::Invalid, false),
            Some(Code::NotFound | Code::FailedPrecondition | Code::OutOfRange) => {
                (ErrorKind::Unavailable, false)
            }
            _ => (ErrorKind::Unavailable, true),
        };
        let text = format!("{}: {what}: {} answers: {}", self.name, self.hosts[host], e.why());
        Failed { error: Error::new(kind, text).with_source(e), elsewhere }
    }

    /// What a stream's end is called.
    pub(super) fn ended(&self, member: &Member, what: &str, why: &str) -> Error {
        let text = format!("{}: {what}: {} {why}", self.name, self.hosts[member.host]);
        Error::new(ErrorKind::Unavailable, text)
    }
}

/// Waits for an answer. Whoever has a shorter limit than [`CALL`] drops it, and has to find another
/// connection the next time, too.
struct Waiting<'a> {
    given_up: &'a AtomicU64,
    generation: u64,
    since: Instant,
}

impl Waiting<'_> {
    fn end(self) {
        std::mem::forget(self);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.since.elapsed() > PATIENCE {
            self.given_up.store(self.generation, Ordering::Relaxed);
        }
    }
}

/// A call that failed, and whether another connection or member may do better.
struct Failed {
    error: Error,
    elsewhere: bool,
}
