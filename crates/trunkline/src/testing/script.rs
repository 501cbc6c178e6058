//! A server whose answers are written down beforehand, and what it was asked.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::Instant;
use trunkline_wire::Metadata;
#[cfg(any(feature = "msgpack", feature = "json"))]
use trunkline_wire::SerializeType;

use super::network::Network;
use crate::call::{Call, Reply};
use crate::error::{Error, ErrorKind};
use crate::failure::Failure;
use crate::middleware::{Middleware, Next};
use crate::server::{RunningServer, Server, ServerBuilder, StopReport};

/// What a [`ScriptedServer`] does with each call of each method.
///
/// ```
/// use std::time::Duration;
/// use trunkline::testing::{Script, Step};
/// use trunkline::{ErrorKind, Failure};
///
/// let busy = || Failure::new("too much to do").with_kind(ErrorKind::Overloaded).not_started();
/// let script = Script::new()
///     .on("Arith", "Mul", [Step::fail(busy), Step::cut().after(Duration::from_millis(5)), Step::reply(42)])
///     .otherwise(Step::silence());
/// # let _ = script;
/// ```
#[derive(Clone, Debug)]
pub struct Script {
    methods: BTreeMap<(String, String), Vec<Step>>,
    otherwise: Step,
}

/// What is done with one call.
#[derive(Clone)]
pub struct Step {
    after: Duration,
    what: What,
}

#[derive(Clone)]
enum What {
    Echo,
    #[cfg(any(feature = "msgpack", feature = "json"))]
    Reply(Arc<dyn Fn(SerializeType) -> Result<Vec<u8>, Failure> + Send + Sync>),
    Fail(Arc<dyn Fn() -> Failure + Send + Sync>),
    Cut,
    Silence,
}

impl Script {
    /// Every call is answered with its own argument.
    pub fn new() -> Self {
        Self { methods: BTreeMap::new(), otherwise: Step::echo() }
    }

    /// The first call of this method meets the first step, and so on; the last step is for all
    /// that follow.
    #[must_use]
    pub fn on(mut self, service: &str, method: &str, steps: impl IntoIterator<Item = Step>) -> Self {
        let steps: Vec<_> = steps.into_iter().collect();
        self.methods.insert((service.to_owned(), method.to_owned()), steps);
        self
    }

    /// Calls of all other methods meet this.
    #[must_use]
    pub fn otherwise(mut self, step: Step) -> Self {
        self.otherwise = step;
        self
    }

    fn step(&self, names: &(String, String), number: usize) -> Step {
        let steps = self.methods.get(names).filter(|steps| !steps.is_empty());
        steps.map_or(&self.otherwise, |steps| &steps[number.min(steps.len() - 1)]).clone()
    }
}

impl Default for Script {
    fn default() -> Self {
        Self::new()
    }
}

impl Step {
    /// The argument comes back.
    pub fn echo() -> Self {
        Self::at_once(What::Echo)
    }

    /// This reply, in the format of the call: MessagePack or JSON, as far as they are built in.
    #[cfg(any(feature = "msgpack", feature = "json"))]
    pub fn reply(value: impl serde::Serialize + Send + Sync + 'static) -> Self {
        Self::at_once(What::Reply(Arc::new(move |format| encode(format, &value))))
    }

    /// This failure, made anew for each call.
    pub fn fail(failure: impl Fn() -> Failure + Send + Sync + 'static) -> Self {
        Self::at_once(What::Fail(Arc::new(failure)))
    }

    /// The connection is cut: the call was sent, and is lost.
    pub fn cut() -> Self {
        Self::at_once(What::Cut)
    }

    /// There is no answer, for as long as the caller waits.
    pub fn silence() -> Self {
        Self::at_once(What::Silence)
    }

    fn at_once(what: What) -> Self {
        Self { after: Duration::ZERO, what }
    }

    /// So much later.
    #[must_use]
    pub fn after(mut self, time: Duration) -> Self {
        self.after = time;
        self
    }
}

#[cfg(any(feature = "msgpack", feature = "json"))]
fn encode(format: SerializeType, value: &(impl serde::Serialize + ?Sized)) -> Result<Vec<u8>, Failure> {
    use crate::codec::Encode;
    let mut out = Vec::new();
    match format {
        #[cfg(feature = "msgpack")]
        SerializeType::MSGPACK => crate::codec::MsgPack::encode(value, &mut out)?,
        #[cfg(feature = "json")]
        SerializeType::JSON => crate::codec::Json::encode(value, &mut out)?,
        other => return Err(Failure::new(format!("a script has no replies in the format {other}"))),
    }
    Ok(out)
}

/// One call that a [`ScriptedServer`] has got.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Received {
    /// Which one it was of all calls to scripted servers of the network, from 0.
    pub number: u64,
    /// When, counted from the server's start.
    pub at: Duration,
    /// The service.
    pub service: String,
    /// The method.
    pub method: String,
    /// The request's metadata.
    pub metadata: Metadata,
    /// The encoded argument.
    pub body: Bytes,
    /// What became of it.
    pub end: Ending,
    /// When that was, counted from the server's start; none while it is under way.
    pub ended: Option<Duration>,
}

/// What became of a call on a [`ScriptedServer`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Ending {
    /// It is not over.
    UnderWay,
    /// It was answered with a reply.
    Replied,
    /// It was answered with a failure.
    Failed,
    /// Its connection was cut, as the script wanted.
    Cut,
    /// Its handler was dropped: the caller had gone, or was out of time.
    Dropped,
}

/// A real server on a [`Network`] that follows a [`Script`] and keeps a record.
///
/// ```
/// use trunkline::testing::{Ending, Network, Script, ScriptedServer, Step};
/// use trunkline::{Client, Failure, Sent};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), trunkline::Error> {
/// let network = Network::new();
/// let script = Script::new().on("Arith", "Mul", [Step::cut(), Step::reply(42)]);
/// let server = ScriptedServer::start(&network, "a", script).await?;
/// let client = Client::builder().transport(network).connect(server.address()).await?;
///
/// let lost = client.service("Arith").call::<_, i64>("Mul", &(6, 7)).await.unwrap_err();
/// assert_eq!(lost.sent(), Sent::Maybe);
/// assert_eq!(client.service("Arith").call::<_, i64>("Mul", &(6, 7)).await?, 42);
/// let ends: Vec<_> = server.received().iter().map(|call| call.end).collect();
/// assert_eq!(ends, [Ending::Cut, Ending::Replied]);
/// # Ok(()) }
/// ```
pub struct ScriptedServer {
    play: Arc<Play>,
    running: RunningServer,
}

struct Play {
    began: Instant,
    network: Network,
    script: Mutex<Script>,
    record: Mutex<Vec<Received>>,
}

impl ScriptedServer {
    /// Serves on `memory@name` of this network.
    ///
    /// # Errors
    /// When the name is taken.
    pub async fn start(network: &Network, name: &str, script: Script) -> Result<Self, Error> {
        Self::start_with(Server::builder(), network, name, script).await
    }

    /// The same with this builder: its limits and layers count, and calls of the services that it
    /// knows are played as well.
    ///
    /// # Errors
    /// When the name is taken, or the builder was given something that cannot be.
    pub async fn start_with(
        builder: ServerBuilder,
        network: &Network,
        name: &str,
        script: Script,
    ) -> Result<Self, Error> {
        let play = Arc::new(Play {
            began: Instant::now(),
            network: network.clone(),
            script: Mutex::new(script),
            record: Mutex::new(Vec::new()),
        });
        let server = builder.layer(Player(play.clone())).transport(network.clone());
        let running = server.bind(&format!("memory@{name}")).await?.spawn();
        Ok(Self { play, running })
    }

    /// Where it serves.
    pub fn address(&self) -> &str {
        self.running.address()
    }

    /// From now on it follows another script; calls already counted still count.
    pub fn follow(&self, script: Script) {
        *self.play.script.lock() = script;
    }

    /// What it has got so far, in order.
    pub fn received(&self) -> Vec<Received> {
        self.play.record.lock().clone()
    }

    /// How many calls it has got so far.
    pub fn calls(&self) -> usize {
        self.play.record.lock().len()
    }

    /// Stops it, in order.
    pub async fn stop(self) -> StopReport {
        self.running.stop().await
    }
}

impl fmt::Debug for ScriptedServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedServer")
            .field("address", &self.address())
            .field("calls", &self.calls())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match &self.what {
            What::Echo => "echo",
            #[cfg(any(feature = "msgpack", feature = "json"))]
            What::Reply(_) => "reply",
            What::Fail(_) => "fail",
            What::Cut => "cut",
            What::Silence => "silence",
        };
        write!(f, "{what} after {:?}", self.after)
    }
}

/// What answers in place of a router.
struct Player(Arc<Play>);

impl Middleware for Player {
    async fn handle(&self, call: &mut Call, _: Next<'_>) -> Result<Reply, Error> {
        let names = (call.service().to_owned(), call.method().to_owned());
        let mut entry = {
            let mut record = self.0.record.lock();
            let number = record.iter().filter(|r| (&r.service, &r.method) == (&names.0, &names.1)).count();
            record.push(Received {
                number: self.0.network.next_call(),
                at: self.0.began.elapsed(),
                service: names.0.clone(),
                method: names.1.clone(),
                metadata: call.metadata().clone(),
                body: Bytes::copy_from_slice(call.body()),
                end: Ending::UnderWay,
                ended: None,
            });
            let step = self.0.script.lock().step(&names, number);
            Entry { play: &self.0, place: record.len() - 1, step, end: Ending::Dropped }
        };
        if !entry.step.after.is_zero() {
            tokio::time::sleep(entry.step.after).await;
        }
        let (end, result) = match &entry.step.what {
            What::Echo => (Ending::Replied, Ok(Reply::new(call.body().to_vec()))),
            #[cfg(any(feature = "msgpack", feature = "json"))]
            What::Reply(encode) => match encode(call.format()) {
                Ok(body) => (Ending::Replied, Ok(Reply::new(body))),
                Err(failure) => (Ending::Failed, Err(failure.into_parts().0)),
            },
            What::Fail(failure) => (Ending::Failed, Err(failure().into_parts().0)),
            What::Cut => {
                let cut = "the script cuts the connection";
                if let Some(origin) = &call.origin {
                    origin.cut(cut);
                }
                (Ending::Cut, Err(Error::new(ErrorKind::Unavailable, cut)))
            }
            What::Silence => std::future::pending().await,
        };
        entry.end = end;
        result
    }
}

/// A call in the record, whose end is noted however it comes.
struct Entry<'a> {
    play: &'a Play,
    place: usize,
    step: Step,
    end: Ending,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut record = self.play.record.lock();
        let received = &mut record[self.place];
        (received.end, received.ended) = (self.end, Some(self.play.began.elapsed()));
    }
}
