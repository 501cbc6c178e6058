//! One service's instances as this client may call them: who is a candidate, who is not and why,
//! and the picker over those who are. Immutable; a new list makes a new table.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::endpoint::Endpoint;
use super::fail::{Allowance, Latencies};
use super::health::{Changes, Health};
use super::inbound::Inbound;
use super::settings::Settings;
use crate::balance::{Candidate, Pick, Picker, Random, Shut, Stats};
use crate::explain::Exclusion;
use crate::registry::{Instance, Snapshot, Trust, Watch};
use crate::transport::{Address, Transports};

/// One service, from the first call on.
pub(crate) struct Pool {
    tables: Tables,
    pub(crate) retry_budget: Allowance,
    pub(crate) backup_budget: Allowance,
    pub(crate) latencies: Latencies,
    retries: AtomicU64,
}

enum Tables {
    /// Of one server: its list does not change.
    One(Arc<Table>),
    Last {
        table: Arc<ArcSwap<Table>>,
        /// Says that there is another table.
        changed: watch::Receiver<()>,
        task: JoinHandle<()>,
    },
}

/// The table as it is now.
pub(crate) enum Current<'a> {
    /// Borrowed: what readers of a table that may be replaced leave behind costs two atomic operations.
    One(&'a Arc<Table>),
    Last(arc_swap::Guard<Arc<Table>>),
}

impl Deref for Current<'_> {
    type Target = Arc<Table>;

    #[inline]
    fn deref(&self) -> &Arc<Table> {
        match self {
            Self::One(table) => table,
            Self::Last(table) => table,
        }
    }
}

pub(crate) struct Table {
    candidates: Vec<Candidate>,
    /// In the order of the candidates.
    endpoints: Vec<Arc<Endpoint>>,
    picker: Box<dyn Picker>,
    excluded: Vec<(Instance, Exclusion)>,
    snapshot: Snapshot,
}

/// What a client's pools share.
pub(crate) struct Grounds {
    pub(crate) settings: Arc<Settings>,
    pub(crate) transports: Transports,
    pub(crate) inbound: Inbound,
    pub(crate) random: Random,
    /// Wakes the keeper: a reason has come whose time will be over.
    pub(crate) keeper: Arc<Notify>,
    pub(crate) changes: Arc<Changes>,
    /// One for each address, whatever services it offers.
    endpoints: Mutex<BTreeMap<Address, Weak<Endpoint>>>,
}

/// What a call wants of a pick.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) service: &'a str,
    pub(crate) method: &'a str,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) tried: &'a [Arc<Stats>],
    pub(crate) now: Instant,
}

/// So many instances or fewer are connected to before the first call.
const EAGER: usize = 16;

impl Grounds {
    pub(crate) fn new(settings: Arc<Settings>, transports: Transports, inbound: Inbound) -> Self {
        Self {
            random: settings.random("picks"),
            settings,
            transports,
            inbound,
            keeper: Arc::new(Notify::new()),
            changes: Arc::default(),
            endpoints: Mutex::default(),
        }
    }

    /// The endpoint of an address; none where its network is unknown.
    fn endpoint(&self, address: &Address) -> Option<Arc<Endpoint>> {
        let mut endpoints = self.endpoints.lock();
        if let Some(known) = endpoints.get(address).and_then(Weak::upgrade) {
            return Some(known);
        }
        let transport = self.transports.get(address.network())?;
        let random = self.settings.random(&format!("health of {address}"));
        let (keeper, changes) = (self.keeper.clone(), self.changes.clone());
        let health = Health::new(self.settings.breaker, keeper, changes, random);
        let endpoint =
            Arc::new(Endpoint::new(address.clone(), transport, &self.settings, &self.inbound, health));
        endpoints.insert(address.clone(), Arc::downgrade(&endpoint));
        Some(endpoint)
    }

    /// All endpoints that there are.
    pub(crate) fn endpoints(&self) -> Vec<Arc<Endpoint>> {
        let mut endpoints = self.endpoints.lock();
        endpoints.retain(|_, endpoint| endpoint.strong_count() > 0);
        endpoints.values().filter_map(Weak::upgrade).collect()
    }

    fn exclusion(&self, instance: &Instance) -> Option<Exclusion> {
        let settings = &*self.settings;
        if !instance.is_active() {
            Some(Exclusion::Inactive)
        } else if settings.group.as_ref().is_some_and(|group| !instance.is_in_group(group)) {
            Some(Exclusion::OtherGroup)
        } else if !settings.filters.iter().all(|keep| keep(instance)) {
            Some(Exclusion::Filtered)
        } else {
            None
        }
    }

    fn table(&self, snapshot: Snapshot, before: Option<&Table>) -> Table {
        let mut excluded = Vec::new();
        let mut wanted = Vec::new();
        for instance in snapshot.instances().iter() {
            match self.exclusion(instance) {
                Some(why) => excluded.push((instance.clone(), why)),
                None => wanted.push(instance),
            }
        }
        // A weight that is not positive wants no calls; where all are so, it says nothing.
        let weighted = wanted.iter().any(|instance| instance.weight() > 0);
        let (mut candidates, mut endpoints) = (Vec::new(), Vec::new());
        for instance in wanted {
            let weight = if weighted { instance.weight() } else { 1 };
            match (u64::try_from(weight).ok().filter(|w| *w > 0), self.endpoint(instance.address())) {
                (None, _) => excluded.push((instance.clone(), Exclusion::NoWeight)),
                (_, None) => excluded.push((instance.clone(), Exclusion::UnknownNetwork)),
                (Some(weight), Some(endpoint)) => {
                    let stats = endpoint.health().stats.clone();
                    candidates.push(Candidate { instance: instance.clone(), weight, stats });
                    endpoints.push(endpoint);
                }
            }
        }
        if endpoints.len() <= EAGER {
            endpoints.iter().for_each(|endpoint| endpoint.start());
        }
        let picker = self.settings.balancer.picker(&candidates, before.map(|table| &*table.picker));
        Table { candidates, endpoints, picker, excluded, snapshot }
    }
}

impl Pool {
    pub(crate) fn new(grounds: &Arc<Grounds>, mut watch: Watch) -> Self {
        let table = Arc::new(ArcSwap::from_pointee(grounds.table(watch.current(), None)));
        let (sender, changed) = watch::channel(());
        let task = tokio::spawn(follow(grounds.clone(), watch, table.clone(), sender));
        Self::of(grounds, Tables::Last { table, changed, task })
    }

    /// Of one server.
    pub(crate) fn of_one(grounds: &Grounds, mut watch: Watch) -> Self {
        let table = grounds.table(watch.current(), None);
        Self::of(grounds, Tables::One(Arc::new(table)))
    }

    fn of(grounds: &Grounds, tables: Tables) -> Self {
        let now = Instant::now();
        let allowance = || Allowance::new(grounds.settings.retry_budget, now);
        let (retry_budget, backup_budget) = (allowance(), allowance());
        let (latencies, retries) = (Latencies::default(), AtomicU64::new(0));
        Self { tables, retry_budget, backup_budget, latencies, retries }
    }

    /// An attempt is made that is not the first one of its call.
    pub(crate) fn tried_again(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// How many there were.
    pub(crate) fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn table(&self) -> Current<'_> {
        match &self.tables {
            Tables::One(table) => Current::One(table),
            Tables::Last { table, .. } => Current::Last(table.load()),
        }
    }

    /// Waits for another table than the one that was looked at.
    pub(crate) async fn changed(&self, seen: &Arc<Table>) {
        let Tables::Last { table, changed, .. } = &self.tables else { return std::future::pending().await };
        let mut changed = changed.clone();
        while Arc::ptr_eq(seen, &table.load_full()) {
            if changed.changed().await.is_err() {
                // Nobody will make another one.
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Pool {
    /// Takes no new lists: they would have connections made.
    pub(crate) fn close(&self) {
        if let Tables::Last { task, .. } = &self.tables {
            task.abort();
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

/// Makes a new table of each new list.
async fn follow(
    grounds: Arc<Grounds>,
    mut watch: Watch,
    table: Arc<ArcSwap<Table>>,
    changed: watch::Sender<()>,
) {
    loop {
        let refresh = grounds.settings.balancer.refresh();
        let refreshed = async {
            match refresh {
                Some(every) => tokio::time::sleep(every).await,
                None => std::future::pending().await,
            }
        };
        let snapshot = tokio::select! {
            biased;
            next = watch.changed() => next,
            () = refreshed => Some(watch.current()),
        };
        // A list that never changes is looked at again only where the balancer wants to.
        let snapshot = match (snapshot, refresh) {
            (Some(snapshot), _) => snapshot,
            (None, Some(every)) => {
                tokio::time::sleep(every).await;
                watch.current()
            }
            (None, None) => return std::future::pending().await,
        };
        let before = table.load_full();
        table.store(Arc::new(grounds.table(snapshot, Some(&before))));
        changed.send_replace(());
    }
}

impl Table {
    pub(crate) fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    pub(crate) fn endpoints(&self) -> &[Arc<Endpoint>] {
        &self.endpoints
    }

    pub(crate) fn excluded(&self) -> &[(Instance, Exclusion)] {
        &self.excluded
    }

    pub(crate) fn trust(&self) -> &Trust {
        self.snapshot.trust()
    }

    /// Whether nobody has said yet which instances there are.
    pub(crate) fn is_waiting(&self) -> bool {
        *self.trust() == Trust::Waiting && self.candidates.is_empty() && self.excluded.is_empty()
    }

    /// Whether there is something to choose from.
    #[inline]
    pub(crate) fn is_choice(&self) -> bool {
        self.candidates.len() > 1
    }

    /// The endpoint at this address.
    pub(crate) fn at(&self, address: &str) -> Option<&Arc<Endpoint>> {
        self.endpoints.iter().find(|endpoint| endpoint.address().as_str() == address)
    }

    /// The endpoint for a call: of those that the call has not been to, an open one; failing that
    /// one that would rather be left alone; failing that one where the call has been.
    #[inline]
    pub(crate) fn pick(&self, wanted: Wanted<'_>, random: &Random) -> Option<&Arc<Endpoint>> {
        if let ([only], [endpoint]) = (&self.candidates[..], &self.endpoints[..]) {
            return self.is_only_one_open(only, endpoint, wanted.now).then_some(endpoint);
        }
        self.pick_of_several(wanted, random)
    }

    /// Where there is one, the breaker alone keeps calls out: if it is down, dialling says why.
    fn is_only_one_open(&self, only: &Candidate, endpoint: &Endpoint, now: Instant) -> bool {
        !only.stats.is_shut_for(Shut::Breaker)
            && (!only.stats.has_trial() || endpoint.health().take_trial(now))
    }

    fn pick_of_several(&self, wanted: Wanted<'_>, random: &Random) -> Option<&Arc<Endpoint>> {
        let Wanted { service, method, key, tried, now } = wanted;
        let again: &[bool] = if tried.is_empty() { &[false] } else { &[false, true] };
        for again in again {
            for in_need in [false, true] {
                let tried = if *again { &[] } else { tried };
                let candidates = &self.candidates[..];
                let pick = Pick { service, method, key, candidates, tried, now, random, in_need };
                // A second one where somebody else took the trial of the first.
                for _ in 0..2 {
                    let Some(place) = self.picker.pick(&pick).filter(|place| pick.is_open(*place)) else {
                        break;
                    };
                    if !candidates[place].stats.has_trial() || self.endpoints[place].health().take_trial(now)
                    {
                        return Some(&self.endpoints[place]);
                    }
                }
            }
        }
        None
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("candidates", &self.candidates.len())
            .field("excluded", &self.excluded.len())
            .finish_non_exhaustive()
    }
}
