//! Simulated instances: real servers that take the time, and fail in the ways, that they are told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::log::Log;
use crate::call::{Call, Reply};
use crate::chance::Random;
use crate::error::{Error, ErrorKind};
use crate::later::LONGEST;
use crate::middleware::{Middleware, Next};
use crate::server::{RunningServer, Server};
use crate::testing::Network;

/// How long an instance takes for a call. Timers are no finer than a millisecond.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ServiceTime {
    /// Always the same.
    Fixed(Duration),
    /// Anything between these, each as likely as any other.
    Between(Duration, Duration),
    /// Mostly short, now and then long, with this mean: what a queue behind the handler looks like.
    Exponential(Duration),
}

/// What an instance does.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Behaviour {
    /// It answers after its service time.
    Serves(ServiceTime),
    /// It answers every call at once with an error of this kind.
    Lies(ErrorKind),
    /// Its process is gone: connections are cut, new ones refused.
    Dead,
    /// Its process was stopped, as by SIGSTOP: it accepts connections and says nothing.
    Frozen,
    /// Its cable was pulled: it says nothing, and dialling it gets no answer.
    Lost,
    /// It serves for a while, is dead for a while, and so on.
    Flaps {
        /// How long it serves.
        up: Duration,
        /// How long it is dead.
        down: Duration,
        /// How long a call takes while it serves.
        time: ServiceTime,
    },
}

impl ServiceTime {
    /// So many times as long.
    #[must_use]
    pub fn times(self, factor: u32) -> Self {
        match self {
            Self::Fixed(time) => Self::Fixed(time.saturating_mul(factor)),
            Self::Between(least, most) => {
                Self::Between(least.saturating_mul(factor), most.saturating_mul(factor))
            }
            Self::Exponential(mean) => Self::Exponential(mean.saturating_mul(factor)),
        }
    }

    fn draw(self, random: &Random) -> Duration {
        let chance = random.fraction();
        match self {
            Self::Fixed(time) => time,
            Self::Between(least, most) => least + most.saturating_sub(least).mul_f64(chance),
            Self::Exponential(mean) => mean.min(LONGEST).mul_f64(-(1.0 - chance).ln()),
        }
    }
}

/// All instances of a run.
pub(super) struct Instances {
    network: Network,
    seed: u64,
    workers: Option<usize>,
    log: Arc<Log>,
    /// By name; servers that were stopped stay for their counts.
    all: Mutex<BTreeMap<String, Instance>>,
}

struct Instance {
    what: Arc<What>,
    server: Option<RunningServer>,
}

/// What an instance does at present.
struct What {
    random: Random,
    workers: Option<Semaphore>,
    state: Mutex<State>,
    executed: AtomicU64,
    received: AtomicU64,
}

struct State {
    behaviour: Behaviour,
    /// Another one ends a flapping that was begun before.
    generation: u64,
}

impl Instances {
    pub(super) fn new(network: Network, seed: u64, workers: Option<usize>, log: Arc<Log>) -> Self {
        Self { network, seed, workers, log, all: Mutex::default() }
    }

    /// Starts an instance.
    pub(super) async fn start(&self, name: &str, behaviour: Behaviour) -> Result<(), Error> {
        let what = Arc::new(What {
            random: Random::for_use(Some(self.seed), name),
            workers: self.workers.map(Semaphore::new),
            state: Mutex::new(State { behaviour, generation: 0 }),
            executed: AtomicU64::new(0),
            received: AtomicU64::new(0),
        });
        let server = Server::builder()
            .grace(Duration::from_secs(1))
            .layer(Played(what.clone()))
            .transport(self.network.clone())
            .bind(&format!("memory@{name}"))
            .await?
            .spawn();
        self.all.lock().insert(name.to_owned(), Instance { what, server: Some(server) });
        self.behave(name, behaviour);
        Ok(())
    }

    /// Lets an instance do something else from now on.
    pub(super) fn behave(&self, name: &str, behaviour: Behaviour) {
        let Some(what) = self.all.lock().get(name).map(|instance| instance.what.clone()) else {
            return self.log.line(&format!("{name} is not there to change"));
        };
        let generation = {
            let mut state = what.state.lock();
            state.behaviour = behaviour;
            state.generation += 1;
            state.generation
        };
        match behaviour {
            Behaviour::Serves(_) | Behaviour::Lies(_) => self.network.restore(name),
            Behaviour::Dead => self.network.refuse(name),
            Behaviour::Frozen => self.network.freeze(name),
            Behaviour::Lost => self.network.lose(name),
            Behaviour::Flaps { up, down, .. } => {
                let (network, name) = (self.network.clone(), name.to_owned());
                tokio::spawn(async move {
                    while what.state.lock().generation == generation {
                        network.restore(&name);
                        tokio::time::sleep(up).await;
                        if what.state.lock().generation == generation {
                            network.refuse(&name);
                            tokio::time::sleep(down).await;
                        }
                    }
                });
            }
        }
    }

    /// Stops an instance in order.
    pub(super) fn stop(&self, name: &str) {
        let server = self.all.lock().get_mut(name).and_then(|instance| instance.server.take());
        if let Some(server) = server {
            tokio::spawn(async move { server.stop().await });
        }
    }

    /// Name, calls received and calls executed, of all that ever were.
    pub(super) fn counts(&self) -> BTreeMap<String, (u64, u64)> {
        let counts =
            |what: &What| (what.received.load(Ordering::Relaxed), what.executed.load(Ordering::Relaxed));
        self.all.lock().iter().map(|(name, instance)| (name.clone(), counts(&instance.what))).collect()
    }
}

/// What answers in place of a router.
struct Played(Arc<What>);

impl Middleware for Played {
    async fn handle(&self, call: &mut Call, _: Next<'_>) -> Result<Reply, Error> {
        let what = &*self.0;
        what.received.fetch_add(1, Ordering::Relaxed);
        let behaviour = what.state.lock().behaviour;
        let time = match behaviour {
            Behaviour::Lies(kind) => return Err(Error::new(kind, "a lie")),
            Behaviour::Serves(time) | Behaviour::Flaps { time, .. } => time.draw(&what.random),
            // What was read before it went still runs; nobody hears of it.
            Behaviour::Dead | Behaviour::Frozen | Behaviour::Lost => Duration::ZERO,
        };
        let _worker = match &what.workers {
            Some(workers) => workers.acquire().await.ok(),
            None => None,
        };
        if !time.is_zero() {
            tokio::time::sleep(time).await;
        }
        what.executed.fetch_add(1, Ordering::Relaxed);
        Ok(Reply::new(call.body().to_vec()))
    }
}
