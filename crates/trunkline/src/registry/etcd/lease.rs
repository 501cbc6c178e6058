//! Writing: one lease for all keys of a process, renewed until it is lost or given up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::client::Client;
use super::guard::{self, Own};
use super::wire::{
    Compare, DeleteRangeRequest, KeyValue, PutRequest, RangeRequest, ResponseOp, TxnRequest, TxnResponse,
};
use super::{Etcd, layout};
use crate::error::{Error, ErrorKind};
use crate::registry::{Attributes, Expect, Held, Instance, Session, Sessions, Swap, Version};
use crate::transport::{Address, BoxFuture};

/// The shortest time to live that is asked for: etcd's own limit is two seconds at its default
/// heartbeat, and a leader that is elected anew takes longer than that.
const SHORTEST: Duration = Duration::from_secs(5);

/// The pause after a renewal that failed.
const RETRY: Duration = Duration::from_millis(500);

/// The services whose parents are read in one transaction: etcd takes 128 operations.
const PARENTS_AT_ONCE: usize = 64;

/// Where leases come from.
pub(super) struct Leases(pub(super) Arc<Etcd>);

/// A lease, and the keys that live under it.
struct Lease {
    etcd: Arc<Etcd>,
    id: i64,
    /// As etcd's own tools write it.
    name: String,
    lost: watch::Receiver<Option<Arc<str>>>,
    own: Arc<Own>,
    /// Set once a user was seen who may write instances and not what stands above them.
    without_parents: AtomicBool,
    tasks: [AbortHandle; 2],
}

/// What the tasks of a lease share.
pub(super) struct Pulse {
    pub(super) id: i64,
    ttl: Duration,
    /// Renews at once, to see whether the lease is still there.
    pub(super) doubt: Notify,
    lost: watch::Sender<Option<Arc<str>>>,
}

impl Sessions for Leases {
    fn open(&self, ttl: Duration) -> BoxFuture<'_, Result<Arc<dyn Session>, Error>> {
        Box::pin(async move { Ok(Arc::new(Lease::grant(self.0.clone(), ttl).await?) as Arc<dyn Session>) })
    }

    fn shortest_ttl(&self) -> Duration {
        SHORTEST
    }
}

impl Lease {
    async fn grant(etcd: Arc<Etcd>, ttl: Duration) -> Result<Self, Error> {
        let asked = Instant::now();
        let seconds = ttl.max(SHORTEST).as_millis().div_ceil(1000);
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        let granted = etcd
            .cluster
            .call("granting a lease", |client| Box::pin(async move { client.grant(seconds).await }))
            .await?;
        // etcd may grant longer than was asked for; the process is then forgotten later, and
        // renewing as if it were not costs little.
        let ttl = Duration::from_secs(u64::try_from(granted.ttl.min(seconds)).unwrap_or(1).max(1));
        let (lost, lost_receiver) = watch::channel(None);
        let pulse = Arc::new(Pulse { id: granted.id, ttl, doubt: Notify::new(), lost });
        let own = Arc::new(Own::default());
        let tasks = [
            tokio::spawn(renew(etcd.clone(), pulse.clone(), asked)).abort_handle(),
            tokio::spawn(guard::watch(etcd.clone(), pulse, own.clone())).abort_handle(),
        ];
        Ok(Self {
            etcd,
            id: granted.id,
            name: lease_name(granted.id),
            lost: lost_receiver,
            own,
            without_parents: AtomicBool::new(false),
            tasks,
        })
    }

    async fn read(&self, service: &str, address: &Address) -> Result<Option<Held>, Error> {
        let key = self.etcd.layout.instance(service, address)?;
        let answer = self
            .etcd
            .cluster
            .call("reading", |client| {
                let key = &*key;
                Box::pin(async move { client.range(RangeRequest::key(key)).await })
            })
            .await?;
        Ok(answer.kvs.first().map(held))
    }

    async fn put(&self, service: &str, instance: &Instance, expected: &Expect) -> Result<Swap, Error> {
        let key = self.etcd.layout.instance(service, instance.address())?;
        let value = instance.attributes().text();
        let compare = match expected {
            Expect::Absent => Compare::is_absent(&key),
            Expect::Version(version) => Compare::is_of_revision(&key, revision(version)?),
        };
        let node = PutRequest {
            key: key.as_str().into(),
            value: value.into(),
            lease: self.id,
            ..Default::default()
        };
        let transaction =
            &TxnRequest { compare: vec![compare], success: vec![node.into()], ..Default::default() };
        // Before it is written, so that the key's guard knows this write from others'.
        let before = self.own.insert(&key, value);
        let put = |client: Client| -> BoxFuture<'_, _> {
            Box::pin(async move {
                match client.txn(transaction.clone()).await {
                    Err(e) if e.is_lease_gone() => Ok(None),
                    answer => answer.map(Some),
                }
            })
        };
        match self.etcd.cluster.call("registering", put).await? {
            Some(answer) if answer.succeeded => {
                if let Err(e) = self.put_parents([service]).await {
                    tracing::debug!(error = %e, "the keys above the instance are written later");
                }
                Ok(Swap::Done)
            }
            Some(_) => {
                self.own.restore(&key, before);
                Ok(Swap::Conflict)
            }
            None => {
                self.own.doubted.notify_one();
                let text = format!("{}: registering: lease {} is gone", self.etcd.cluster.name(), self.name);
                Err(Error::new(ErrorKind::Unavailable, text))
            }
        }
    }

    /// Writes `BASE` and `BASE/Service` where they are missing, without a lease: they are not this
    /// process's alone, and Go's servers take theirs along when they go.
    async fn put_parents<'a>(&self, services: impl IntoIterator<Item = &'a str>) -> Result<(), Error> {
        if !self.etcd.publish_parents || self.without_parents.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut parents = vec![(self.etcd.layout.base().to_owned(), layout::BASE_VALUE)];
        for service in services {
            parents.push((self.etcd.layout.service(service)?, service));
        }
        match self.etcd.put_missing(&parents).await {
            Err(e) if e.kind() == ErrorKind::Denied => {
                self.without_parents.store(true, Ordering::Relaxed);
                tracing::warn!(
                    "instances are registered without the keys above them, so that consoles may not list the services: {e}"
                );
                Ok(())
            }
            result => result,
        }
    }

    async fn delete(&self, service: &str, address: &Address, version: &Version) -> Result<Swap, Error> {
        let key = self.etcd.layout.instance(service, address)?;
        let before = self.own.remove(&key);
        let swap = self.etcd.delete(&key, revision(version)?).await;
        if !matches!(swap, Ok(Swap::Done)) {
            self.own.restore(&key, before);
        }
        swap
    }

    async fn lost(&self) -> Error {
        let mut lost = self.lost.clone();
        let why = match lost.wait_for(Option::is_some).await {
            Ok(why) => why.as_deref().unwrap_or_default().to_owned(),
            // The tasks end by themselves only after they have said why, so it was closed.
            Err(_) => "it was given up".to_owned(),
        };
        let text = format!("{}: lease {} is lost: {why}", self.etcd.cluster.name(), self.name);
        Error::new(ErrorKind::Unavailable, text)
    }

    async fn uphold(&self, services: &[Arc<str>]) -> Result<(), Error> {
        for some in services.chunks(PARENTS_AT_ONCE) {
            self.put_parents(some.iter().map(|service| &**service)).await?;
        }
        Ok(())
    }

    async fn close(&self) -> Result<(), Error> {
        self.tasks.iter().for_each(AbortHandle::abort);
        let revoke = |client: Client| -> BoxFuture<'_, _> {
            Box::pin(async move {
                match client.revoke(self.id).await {
                    Err(e) if e.is_lease_gone() => Ok(()),
                    answer => answer,
                }
            })
        };
        self.etcd.cluster.call("giving the lease up", revoke).await
    }
}

impl Etcd {
    /// Writes those of these keys that are missing. They are read first, because they hardly ever
    /// are, and reading costs the cluster less.
    async fn put_missing(&self, entries: &[(String, &str)]) -> Result<(), Error> {
        const WHAT: &str = "writing the keys above the instances";
        let reads = entries.iter().map(|(key, _)| RangeRequest::key(key).keys_only().into());
        let reads = TxnRequest { success: reads.collect(), ..Default::default() };
        let answer = self.transact(WHAT, &reads).await?;
        for ((key, value), found) in entries.iter().zip(&answer.responses) {
            if found.found_nothing() {
                let put =
                    PutRequest { key: key.as_str().into(), value: (*value).into(), ..Default::default() };
                let put = TxnRequest {
                    compare: vec![Compare::is_absent(key)],
                    success: vec![put.into()],
                    ..Default::default()
                };
                self.transact(WHAT, &put).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn transact(&self, what: &str, transaction: &TxnRequest) -> Result<TxnResponse, Error> {
        self.cluster.call(what, |client| Box::pin(async move { client.txn(transaction.clone()).await })).await
    }

    /// Deletes a key that is still of this revision.
    pub(super) async fn delete(&self, key: &str, revision: i64) -> Result<Swap, Error> {
        let transaction = TxnRequest {
            compare: vec![Compare::is_of_revision(key, revision)],
            success: vec![DeleteRangeRequest { key: key.into() }.into()],
            failure: vec![RangeRequest::key(key).into()],
        };
        let answer = self.transact("removing", &transaction).await?;
        let gone = answer.succeeded || answer.responses.iter().any(ResponseOp::found_nothing);
        Ok(if gone { Swap::Done } else { Swap::Conflict })
    }
}

/// What stands in a key.
pub(super) fn held(kv: &KeyValue) -> Held {
    Held {
        attributes: Attributes::parse(&String::from_utf8_lossy(&kv.value)),
        owner: (kv.lease != 0).then(|| lease_name(kv.lease).into()),
        version: kv.mod_revision.into(),
    }
}

/// A lease as etcd's own tools write it.
fn lease_name(id: i64) -> String {
    format!("{id:016x}")
}

/// The modification revision that a version stands for.
pub(super) fn revision(version: &Version) -> Result<i64, Error> {
    version.number().ok_or_else(|| {
        let text = format!("`{version}` is not a version of etcd's; expected a modification revision");
        Error::new(ErrorKind::Invalid, text)
    })
}

/// Renews the lease until it is lost.
async fn renew(etcd: Arc<Etcd>, pulse: Arc<Pulse>, granted: Instant) {
    let mut answered = granted;
    let mut next = granted + pulse.ttl / 3;
    let why: String = loop {
        let last = answered + pulse.ttl * 2 / 3;
        tokio::select! {
            () = sleep_until(next.min(last)) => {}
            () = pulse.doubt.notified() => {}
        }
        let asked = Instant::now();
        let id = pulse.id;
        let renewal = etcd.cluster.call("renewing the lease", |client| {
            Box::pin(async move {
                match client.keep_alive(id).await {
                    Ok(()) => Ok(true),
                    Err(e) if e.is_lease_gone() => Ok(false),
                    Err(e) => Err(e),
                }
            })
        });
        match timeout_at(last, renewal).await {
            Ok(Ok(true)) => {
                answered = asked;
                next = asked + pulse.ttl / 3;
            }
            Ok(Ok(false)) => break "it has expired or was revoked".to_owned(),
            Ok(Err(e)) if Instant::now() < last => {
                tracing::debug!(error = %e, "a renewal failed, and is tried again");
                sleep(RETRY).await;
                next = Instant::now();
            }
            Ok(Err(e)) => break format!("{:?} without a renewal; {e}", answered.elapsed()),
            Err(_) => break format!("{:?} without a renewal", answered.elapsed()),
        }
    };
    pulse.lost.send_replace(Some(why.into()));
}

impl Session for Lease {
    fn id(&self) -> &str {
        &self.name
    }

    fn read<'a>(
        &'a self,
        service: &'a str,
        address: &'a Address,
    ) -> BoxFuture<'a, Result<Option<Held>, Error>> {
        Box::pin(self.read(service, address))
    }

    fn put<'a>(
        &'a self,
        service: &'a str,
        instance: &'a Instance,
        expected: &'a Expect,
    ) -> BoxFuture<'a, Result<Swap, Error>> {
        Box::pin(self.put(service, instance, expected))
    }

    fn delete<'a>(
        &'a self,
        service: &'a str,
        address: &'a Address,
        version: &'a Version,
    ) -> BoxFuture<'a, Result<Swap, Error>> {
        Box::pin(self.delete(service, address, version))
    }

    fn lost(&self) -> BoxFuture<'_, Error> {
        Box::pin(self.lost())
    }

    fn disturbed(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.own.disturbed.notified())
    }

    fn uphold<'a>(&'a self, services: &'a [Arc<str>]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.uphold(services))
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.close())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}
