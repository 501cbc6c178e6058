//! A client, its balancer, a registry and any number of servers on virtual time, repeatable by a
//! seed.

mod event;
mod instance;
mod load;
mod log;
mod outcome;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

pub use event::{Event, RegistryEvent};
use instance::Instances;
pub use instance::{Behaviour, ServiceTime};
pub use load::Load;
use log::Log;
use outcome::Exclusions;
pub use outcome::{Figures, Outcome};

use crate::client::{Client, ClientBuilder};
use crate::error::Error;
use crate::registry::{MemoryRegistry, Settings};
use crate::testing::Network;

/// The service that all instances offer.
const SERVICE: &str = "Simulated";

/// How often it is looked at who is kept out of the choice.
const LOOK: Duration = Duration::from_millis(10);

type Configure = Box<dyn FnOnce(ClientBuilder) -> ClientBuilder + Send>;

/// A run of a client, with its balancer, fail mode, breakers and ejection, against a registry and
/// servers that behave as they are told: how a setting does in an outage can be tried before there
/// is one.
///
/// All of it is the real thing, over memory instead of sockets. Time is virtual: a minute takes as
/// long as its work. Chance comes from the seed, so a run can be repeated line by line; a test
/// that fails prints the seed.
///
/// ```
/// use std::time::Duration;
/// use trunkline::testing::{Behaviour, Event, Load, ServiceTime, Simulation};
///
/// let usual = ServiceTime::Between(Duration::from_millis(8), Duration::from_millis(12));
/// let outcome = Simulation::seeded(7)
///     .instances(10, Behaviour::Serves(usual))
///     .at(Duration::from_secs(1), Event::behave("i003", Behaviour::Dead))
///     .client(|client| client.timeout(Duration::from_secs(2)))
///     .load(Load::callers(20).calls(4_000).idempotent(true))
///     .run();
///
/// assert_eq!(outcome.figures().errors(), 0, "{outcome}");
/// assert!(outcome.figures().percentile(0.99) < Duration::from_millis(20), "{outcome}");
/// ```
pub struct Simulation {
    seed: u64,
    instances: Vec<(String, Behaviour)>,
    workers: Option<usize>,
    events: Vec<(Duration, Event)>,
    grace: Duration,
    configure: Configure,
    load: Load,
}

impl Simulation {
    /// A run without instances yet, with a load of one caller and 1,000 calls.
    pub fn seeded(seed: u64) -> Self {
        Self {
            seed,
            instances: Vec::new(),
            workers: None,
            events: Vec::new(),
            grace: Settings::default().grace,
            configure: Box::new(|client| client),
            load: Load::callers(1),
        }
    }

    /// So many instances more, which are there from the start. Their names are `i` and their
    /// number, from `i000`.
    #[must_use]
    pub fn instances(mut self, count: usize, behaviour: Behaviour) -> Self {
        let from = self.instances.len();
        self.instances.extend((from..from + count).map(|n| (format!("i{n:03}"), behaviour)));
        self
    }

    /// An instance more, by its name.
    #[must_use]
    pub fn instance(mut self, name: &str, behaviour: Behaviour) -> Self {
        self.instances.push((name.to_owned(), behaviour));
        self
    }

    /// How many calls each instance works on at a time: as many as come, by default.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers.max(1));
        self
    }

    /// Something happens so long after the start of the load.
    #[must_use]
    pub fn at(mut self, when: Duration, event: Event) -> Self {
        self.events.push((when, event));
        self
    }

    /// How long the client does not believe a list that shrank too much, as
    /// [`Settings::grace`](crate::registry::Settings::grace).
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Changes the client.
    #[must_use]
    pub fn client(mut self, configure: impl FnOnce(ClientBuilder) -> ClientBuilder + Send + 'static) -> Self {
        self.configure = Box::new(configure);
        self
    }

    /// Who calls.
    #[must_use]
    pub fn load(mut self, load: Load) -> Self {
        self.load = load;
        self
    }

    /// Runs it to the end of the load, in a thread with a runtime of its own; the caller waits.
    ///
    /// # Panics
    /// When the client was given something that cannot be, two instances have one name, or a thread
    /// cannot be had.
    pub fn run(self) -> Outcome {
        let thread = std::thread::Builder::new().name("simulation".to_owned()).spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
            let runtime = runtime.unwrap_or_else(|error| panic!("a simulation needs a runtime: {error}"));
            runtime.block_on(self.play())
        });
        let thread = thread.unwrap_or_else(|error| panic!("a simulation needs a thread: {error}"));
        match thread.join() {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => panic!("the simulation cannot run: {error}"),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    async fn play(self) -> Result<Outcome, Error> {
        let log = Arc::new(Log::new());
        let network = Network::new();
        let registry = MemoryRegistry::new();
        let stage = Arc::new(Stage {
            instances: Instances::new(network.clone(), self.seed, self.workers, log.clone()),
            registry: registry.faults(),
            log: log.clone(),
        });
        for (name, behaviour) in &self.instances {
            stage.instances.start(name, *behaviour).await?;
            stage.register(name);
        }
        let settings = Settings { grace: self.grace, seed: Some(self.seed), ..Settings::default() };
        let resolver = registry.registry().settings(settings).resolver()?;
        let builder = Client::builder().transport(network).seed(self.seed);
        let client = (self.configure)(builder).connect_to(resolver).await?;

        let mut events = self.events;
        events.sort_by_key(|(when, _)| *when);
        let (staged, begun) = (stage.clone(), log.began());
        let events = tokio::spawn(async move {
            for (when, event) in events {
                tokio::time::sleep_until(crate::later::after(begun, when)).await;
                staged.happens(event).await;
            }
        });
        let exclusions = Arc::new(Mutex::new(Exclusions::default()));
        let watching = tokio::spawn(watch(client.clone(), exclusions.clone(), log.clone()));

        let records = self.load.run(&client, self.seed, &log).await;
        watching.abort();
        events.abort();
        Ok(Outcome {
            seed: self.seed,
            took: log.began().elapsed(),
            records,
            counts: stage.instances.counts(),
            exclusions: std::mem::take(&mut *exclusions.lock()),
            log: log.take(),
        })
    }
}

/// What events happen to.
struct Stage {
    instances: Instances,
    registry: crate::registry::Faults,
    log: Arc<Log>,
}

/// Looks who is kept out of the choice, again and again.
async fn watch(client: Client, exclusions: Arc<Mutex<Exclusions>>, log: Arc<Log>) {
    loop {
        let news = exclusions.lock().look(&client.exclusions(SERVICE));
        news.iter().for_each(|news| log.line(news));
        tokio::time::sleep(LOOK).await;
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("seed", &self.seed)
            .field("instances", &self.instances.len())
            .field("events", &self.events.len())
            .field("load", &self.load)
            .finish_non_exhaustive()
    }
}
