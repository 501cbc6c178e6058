//! All the services that a client calls, and the task that looks after the health of their
//! instances.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::endpoint::Endpoint;
use super::explanation;
use super::health::{Ejection, Record, outliers};
use super::pool::{Grounds, Pool, Table};
use crate::balance::Shut;
use crate::call::Call;
use crate::error::{Error, ErrorKind};
use crate::registry::Resolver;

pub(crate) struct Fleet {
    resolver: Arc<dyn Resolver>,
    source: Arc<str>,
    grounds: Arc<Grounds>,
    /// One list for all services: what is not asked of a registry.
    only: Option<Arc<Pool>>,
    /// Of the one server, where there is only one.
    address: Option<String>,
    pools: Arc<ArcSwap<Pools>>,
    adding: Mutex<()>,
    closed: AtomicBool,
    keeper: JoinHandle<()>,
}

/// What a resolver's lists are of.
pub(crate) enum List {
    /// A list for each service.
    ByService,
    /// One for whatever service is called.
    OfAll,
    /// One server.
    OfOne(String),
}

type Pools = HashMap<Box<str>, Arc<Pool>>;

/// A client that calls whatever names it is given, a proxy say, must not grow with them.
const MOST_SERVICES: usize = 4096;

impl Fleet {
    /// Services found by a resolver.
    pub(crate) fn new(resolver: Arc<dyn Resolver>, grounds: Grounds, list: List) -> Self {
        let grounds = Arc::new(grounds);
        let (only, address) = match list {
            List::ByService => (None, None),
            List::OfAll => (Some(Pool::new(&grounds, resolver.watch(""))), None),
            List::OfOne(address) => (Some(Pool::of_one(&grounds, resolver.watch(""))), Some(address)),
        };
        let only = only.map(Arc::new);
        let pools = Arc::new(ArcSwap::from_pointee(Pools::new()));
        let keeper = tokio::spawn(keep(grounds.clone(), only.clone(), pools.clone()));
        Self {
            source: resolver.describe().into(),
            resolver,
            grounds,
            only,
            address,
            pools,
            adding: Mutex::new(()),
            closed: AtomicBool::new(false),
            keeper,
        }
    }

    pub(crate) fn source(&self) -> &Arc<str> {
        &self.source
    }

    pub(crate) fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }

    pub(crate) fn grounds(&self) -> &Grounds {
        &self.grounds
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// All that is called, by service; `*` is whatever service.
    pub(crate) fn pools(&self) -> Vec<(Arc<str>, Arc<Pool>)> {
        match &self.only {
            Some(only) => vec![("*".into(), only.clone())],
            None => self.pools.load().iter().map(|(name, pool)| ((&**name).into(), pool.clone())).collect(),
        }
    }

    /// The service's instances.
    #[inline]
    pub(crate) fn pool(&self, service: &str) -> Result<Found<'_>, Error> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(self.closed_error());
        }
        if let Some(only) = &self.only {
            return Ok(Found::Here(only));
        }
        match self.pools.load().get(service) {
            Some(pool) => Ok(Found::Held(pool.clone())),
            None => self.add(service).map(Found::Held),
        }
    }

    #[cold]
    fn closed_error(&self) -> Error {
        let text = "the client was closed; make another one for further calls";
        let error = Error::new(ErrorKind::Unavailable, text).not_sent();
        match &self.address {
            Some(address) => error.at(address.as_str()),
            None => error,
        }
    }

    #[cold]
    fn add(&self, service: &str) -> Result<Arc<Pool>, Error> {
        let _adding = self.adding.lock();
        if self.closed.load(Ordering::Relaxed) {
            return Err(self.closed_error());
        }
        let pools = self.pools.load_full();
        if let Some(pool) = pools.get(service) {
            return Ok(pool.clone());
        }
        if pools.len() >= MOST_SERVICES {
            let text = format!("the client calls {MOST_SERVICES} services already, and no more at a time");
            return Err(Error::new(ErrorKind::Overloaded, text).not_sent());
        }
        let pool = Arc::new(Pool::new(&self.grounds, self.resolver.watch(service)));
        let mut more = Pools::clone(&pools);
        more.insert(service.into(), pool.clone());
        self.pools.store(Arc::new(more));
        Ok(pool)
    }

    /// A table for this call: the first one that says something.
    pub(crate) async fn table(&self, call: &Call) -> Result<Arc<Table>, Error> {
        let pool = self.pool(call.service())?;
        loop {
            let table = Arc::clone(&pool.table());
            if !table.is_waiting() {
                return Ok(table);
            }
            let first_list = pool.changed(&table);
            match call.deadline {
                None => first_list.await,
                Some(at) => tokio::time::timeout_at(at, first_list).await.map_err(|_| {
                    let text =
                        format!("no list of instances came from {} within the time of the call", self.source);
                    Error::new(ErrorKind::Deadline, text).not_sent()
                })?,
            }
        }
    }

    /// Where all instances are that may get this call, able or not.
    pub(crate) async fn addresses(&self, call: &Call) -> Result<Vec<Arc<str>>, Error> {
        let table = self.table(call).await?;
        if table.endpoints().is_empty() {
            return Err(explanation::nobody(&table, &self.source, None));
        }
        Ok(table.endpoints().iter().map(|endpoint| endpoint.name().clone()).collect())
    }

    /// All instances of a service, each with why it is kept out of the choice, if it is.
    #[cfg(feature = "testing")]
    pub(crate) fn exclusions(&self, service: &str) -> Vec<(String, Option<crate::explain::Exclusion>)> {
        let Ok(pool) = self.pool(service) else { return Vec::new() };
        let table = pool.table();
        let able =
            table.endpoints().iter().map(|e| (e.name().to_string(), explanation::exclusion(e.health())));
        let not = table.excluded().iter().map(|(i, why)| (i.address().to_string(), Some(why.clone())));
        able.chain(not).collect()
    }

    /// Waits until a service, or else each one that was called or watched so far, has an instance
    /// that is connected.
    pub(crate) async fn ready(&self, service: Option<&str>) {
        let pools = match (&self.only, service) {
            (Some(only), _) => vec![only.clone()],
            (None, Some(service)) => match self.pool(service) {
                Ok(Found::Held(pool)) => vec![pool],
                _ => return,
            },
            (None, None) => self.pools.load().values().cloned().collect(),
        };
        for pool in pools {
            ready(&pool).await;
        }
    }

    /// Takes no new calls.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.keeper.abort();
        // Whoever adds one holds this lock, and looks whether the client is closed.
        let adding = self.adding.lock();
        for pool in self.only.iter().chain(self.pools.load().values()) {
            pool.close();
        }
        drop(adding);
        for endpoint in self.grounds.endpoints() {
            endpoint.close();
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// A pool, borrowed where that is enough: a counter that all calls share is not touched then.
pub(crate) enum Found<'a> {
    Here(&'a Arc<Pool>),
    Held(Arc<Pool>),
}

impl Deref for Found<'_> {
    type Target = Pool;

    #[inline]
    fn deref(&self) -> &Pool {
        match self {
            Self::Here(pool) => pool,
            Self::Held(pool) => pool,
        }
    }
}

async fn ready(pool: &Pool) {
    loop {
        let table = Arc::clone(&pool.table());
        let one_is_up = async {
            match table.endpoints() {
                [] => std::future::pending().await,
                // All the connections to the one server.
                [only] => only.ready().await,
                several => any_ready(several).await,
            }
        };
        tokio::select! {
            biased;
            () = one_is_up => return,
            () = pool.changed(&table) => {}
        }
    }
}

async fn any_ready(endpoints: &[Arc<Endpoint>]) {
    let mut waiting: Vec<_> = endpoints.iter().take(ASKED).map(|e| Box::pin(e.ready())).collect();
    std::future::poll_fn(|cx| {
        if waiting.iter_mut().any(|ready| ready.as_mut().poll(cx).is_ready()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}

/// So many instances are dialled to find one that is up.
const ASKED: usize = 16;

/// How often the keeper looks at the clock though nothing happened: breakers count by the second,
/// or by a part of their window where that is short.
const LOOK: Duration = Duration::from_secs(1);

async fn keep(grounds: Arc<Grounds>, only: Option<Arc<Pool>>, pools: Arc<ArcSwap<Pools>>) {
    let rules = grounds.settings.ejection.clone();
    let mut seen = HashMap::new();
    let mut compare = Instant::now() + rules.as_ref().map_or(LOOK, |rules| rules.interval);
    let look = grounds.settings.breaker.looks_every().map_or(LOOK, |every| every.min(LOOK));
    loop {
        let now = Instant::now();
        let next = grounds
            .endpoints()
            .iter()
            .filter(|endpoint| endpoint.is_started())
            .filter_map(|endpoint| endpoint.health().tick(now))
            .fold(now + look, Instant::min);
        if let Some(rules) = rules.as_ref().filter(|_| now >= compare) {
            compare = now + rules.interval;
            let mut fresh = HashMap::new();
            for pool in only.iter().chain(pools.load().values()) {
                eject(pool, rules, now, &seen, &mut fresh);
            }
            seen = fresh;
        }
        tokio::select! {
            biased;
            // A moment's rest, so that what is due now is not asked again and again.
            () = tokio::time::sleep_until(next.max(now + Duration::from_millis(1))) => {}
            () = grounds.keeper.notified() => {}
        }
    }
}

/// What each endpoint had counted when it was compared, by its place in memory.
type Counts = HashMap<usize, (u64, u64)>;

/// Compares the instances of one service and puts aside whoever does much worse.
fn eject(pool: &Pool, rules: &Ejection, now: Instant, seen: &Counts, fresh: &mut Counts) {
    let table = pool.table();
    if table.endpoints().len() < 3 {
        return;
    }
    let records: Vec<Record> = table
        .endpoints()
        .iter()
        .map(|endpoint| {
            let counts @ (good, bad) = endpoint.health().counts();
            let key = Arc::as_ptr(endpoint) as usize;
            let (good_before, bad_before) = seen.get(&key).copied().unwrap_or_default();
            fresh.insert(key, counts);
            let aside = endpoint.health().stats.is_shut_for(Shut::Ejected);
            Record { good: good.saturating_sub(good_before), bad: bad.saturating_sub(bad_before), aside }
        })
        .collect();
    for place in outliers(&records, rules) {
        let endpoint = &table.endpoints()[place];
        let pause = endpoint.health().put_aside(now, rules);
        let Record { good, bad, .. } = records[place];
        tracing::warn!(address = %endpoint.address(), good, bad, ?pause, "does much worse than the others; put aside");
    }
}
