//! Making calls go wrong on purpose: in tests, and in drills with services that run.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::{Middleware, Next, Side};
use crate::call::{Call, Reply};
use crate::chance::Random;
use crate::error::{Error, ErrorKind};
use crate::later::LONGEST;

/// Makes calls go wrong: slow, refused, cut off, unanswered; by method and by share. Cheap to
/// clone; clones are the same layer, so what was put into a server or client can be changed and
/// switched while it runs.
///
/// On a server it is what its clients have to cope with. On a client, as
/// [`layer`](crate::client::ClientBuilder::layer), it is what the application has to cope with; as
/// [`attempt_layer`](crate::client::ClientBuilder::attempt_layer), what the client's own retries
/// have to.
///
/// ```
/// use std::time::Duration;
/// use trunkline::middleware::{Fault, Faults};
/// use trunkline::{ErrorKind, Failure, Server, testing};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), trunkline::Error> {
/// let faults = Faults::new();
/// let server = Server::builder()
///     .function("Math", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) })
///     .layer(faults.clone());
/// let (client, running) = testing::connected(server).await?;
///
/// faults.set([
///     Fault::error(ErrorKind::Unavailable, "a drill").method("Math", "Neg"),
///     Fault::delay(Duration::from_millis(200)).share(0.1),
/// ]);
/// let error = client.service("Math").call::<_, i64>("Neg", &5).await.unwrap_err();
/// assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, "a drill"));
///
/// faults.switch(false);
/// assert_eq!(client.service("Math").call::<_, i64>("Neg", &5).await?, -5);
/// assert_eq!(faults.struck(), 1);
/// # running.stop().await;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Faults(Arc<Inner>);

struct Inner {
    on: AtomicBool,
    faults: ArcSwap<Vec<Fault>>,
    random: Random,
    struck: AtomicU64,
}

/// One thing that goes wrong, and for which calls.
#[derive(Clone, Debug)]
pub struct Fault {
    what: What,
    service: Option<Box<str>>,
    method: Option<Box<str>>,
    share: f64,
}

#[derive(Clone, Debug)]
enum What {
    Delay { least: Duration, most: Duration },
    Error { kind: ErrorKind, text: Arc<str>, not_started: bool, retry_after: Option<Duration> },
    Cut,
    LoseReply,
}

const CUT: &str = "the connection was cut on purpose";

impl Faults {
    /// Nothing goes wrong yet; which calls are struck later is left to chance.
    pub fn new() -> Self {
        Self::drawing(Random::new())
    }

    /// Which calls are struck follows from this seed and from their order.
    pub fn seeded(seed: u64) -> Self {
        Self::drawing(Random::seeded(seed))
    }

    fn drawing(random: Random) -> Self {
        let faults = ArcSwap::from_pointee(Vec::new());
        Self(Arc::new(Inner { on: AtomicBool::new(true), faults, random, struck: AtomicU64::new(0) }))
    }

    /// From now on this goes wrong, and nothing else. Each is decided by itself, in this order, so a
    /// call may be delayed twice and then fail.
    pub fn set(&self, faults: impl IntoIterator<Item = Fault>) {
        self.0.faults.store(Arc::new(faults.into_iter().collect()));
    }

    /// Switches all of it on or off; it begins switched on.
    pub fn switch(&self, on: bool) {
        self.0.on.store(on, Ordering::Relaxed);
    }

    /// How many faults have struck so far.
    pub fn struck(&self) -> u64 {
        self.0.struck.load(Ordering::Relaxed)
    }

    fn strikes(&self, fault: &Fault, call: &Call) -> bool {
        let concerns = |wanted: &Option<Box<str>>, name: &str| wanted.as_ref().is_none_or(|w| **w == *name);
        let struck = concerns(&fault.service, call.service())
            && concerns(&fault.method, call.method())
            && self.0.random.fraction() < fault.share;
        self.0.struck.fetch_add(u64::from(struck), Ordering::Relaxed);
        struck
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self::new()
    }
}

impl Fault {
    /// Calls take so much longer.
    pub fn delay(time: Duration) -> Self {
        Self::delay_between(time, time)
    }

    /// Calls take longer by a time between these.
    pub fn delay_between(least: Duration, most: Duration) -> Self {
        let least = least.min(LONGEST);
        Self::of_all(What::Delay { least, most: most.min(LONGEST).max(least) })
    }

    /// Calls end in this error, and the handler does not run.
    pub fn error(kind: ErrorKind, text: impl Into<Arc<str>>) -> Self {
        Self::of_all(What::Error { kind, text: text.into(), not_started: false, retry_after: None })
    }

    /// The connection is cut when the call arrives. On a client the call is made, and its answer is
    /// lost with an error that says so; its connection stays, since others' calls are on it.
    pub fn cut() -> Self {
        Self::of_all(What::Cut)
    }

    /// The handler runs, and nobody is told: the caller waits until its time is up.
    pub fn lose_reply() -> Self {
        Self::of_all(What::LoseReply)
    }

    fn of_all(what: What) -> Self {
        Self { what, service: None, method: None, share: 1.0 }
    }

    /// The error says that nothing has been done: it is safe to try again.
    #[must_use]
    pub fn not_started(mut self) -> Self {
        if let What::Error { not_started, .. } = &mut self.what {
            *not_started = true;
        }
        self
    }

    /// The error asks the caller to wait this long before it tries again.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        if let What::Error { retry_after, .. } = &mut self.what {
            *retry_after = Some(wait);
        }
        self
    }

    /// Only for calls of this service.
    #[must_use]
    pub fn service(mut self, service: &str) -> Self {
        self.service = Some(service.into());
        self
    }

    /// Only for calls of this method.
    #[must_use]
    pub fn method(mut self, service: &str, method: &str) -> Self {
        self.method = Some(method.into());
        self.service(service)
    }

    /// For this share of the calls: 0.1 is one in ten.
    #[must_use]
    pub fn share(mut self, share: f64) -> Self {
        self.share = share.clamp(0.0, 1.0);
        self
    }
}

impl Middleware for Faults {
    async fn handle(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Error> {
        if !self.0.on.load(Ordering::Relaxed) {
            return next.run(call).await;
        }
        let mut lost = false;
        for fault in self.0.faults.load_full().iter() {
            if !self.strikes(fault, call) {
                continue;
            }
            match &fault.what {
                What::Delay { least, most } => {
                    let time = *least + (*most - *least).mul_f64(self.0.random.fraction());
                    tokio::time::sleep(time).await;
                }
                What::Error { kind, text, not_started, retry_after } => {
                    let mut error = Error::new(*kind, text.to_string());
                    if *not_started {
                        error = error.not_started();
                    }
                    return Err(match retry_after {
                        Some(wait) => error.with_retry_after(*wait),
                        None => error,
                    });
                }
                What::Cut => return cut(call, next).await,
                What::LoseReply => lost = true,
            }
        }
        if lost { lose_reply(call, next).await } else { next.run(call).await }
    }
}

async fn cut(call: &mut Call, next: Next<'_>) -> Result<Reply, Error> {
    let (side, target) = (next.side(), call.target.clone());
    let error = || Error::new(ErrorKind::Unavailable, CUT).of(target.service(), target.method());
    match (side, &call.origin) {
        (Side::Client, _) => next.run(call).await.and_then(|_| Err(error())),
        (Side::Server, Some(origin)) => {
            origin.cut(CUT);
            Err(error())
        }
        (Side::Server, None) => Err(error()),
    }
}

async fn lose_reply(call: &mut Call, next: Next<'_>) -> Result<Reply, Error> {
    let (deadline, origin, oneway) = (call.deadline, call.origin.clone(), call.oneway);
    let target = call.target.clone();
    let reply = next.run(call).await?;
    if oneway {
        return Ok(reply);
    }
    let late = async {
        match deadline {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    };
    let gone = async {
        match &origin {
            Some(origin) => origin.closed().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! { biased; () = gone => {}, () = late => {} }
    let text = "the call's time was up before an answer came";
    Err(Error::new(ErrorKind::Deadline, text).of(target.service(), target.method()))
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults")
            .field("on", &self.0.on)
            .field("faults", &self.0.faults.load())
            .field("struck", &self.struck())
            .finish()
    }
}
