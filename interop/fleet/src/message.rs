//! What goes over the wire between a member of a fleet and its callers, in MessagePack and in JSON.

use std::collections::BTreeMap;

use trunkline::Result;

/// The path under which every member serves.
pub(crate) const SERVICE: &str = "Fleet";

/// The service.
#[trunkline::service]
pub(crate) trait Fleet {
    #[method(idempotent)]
    async fn who(&self, nothing: Nothing) -> Result<Identity>;
    #[method(idempotent)]
    async fn keyed(&self, key: String) -> Result<Identity>;
    #[method(idempotent)]
    async fn echo(&self, text: Text) -> Result<Text>;
    async fn work(&self, work: Work) -> Result<Worked>;
    async fn refuse(&self, refusal: Refusal) -> Result<Worked>;
    #[method(idempotent)]
    async fn executed(&self, query: Query) -> Result<Executions>;
}

/// The argument of methods that need none.
#[trunkline::message]
#[derive(Clone, Debug, Default)]
pub(crate) struct Nothing {}

/// Who answered.
#[trunkline::message]
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    pub(crate) name: String,
    #[message(name = "PID")]
    pub(crate) pid: i64,
    pub(crate) language: String,
    pub(crate) rpcx: String,
    /// How many calls of `Who` and `Keyed` this member has answered, this one included.
    pub(crate) count: i64,
}

/// Comes back as it went.
#[trunkline::message]
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) data: Vec<u8>,
}

/// Asks for so many milliseconds of sleep, and to be remembered under its id.
#[trunkline::message]
#[derive(Clone, Debug, Default)]
pub(crate) struct Work {
    pub(crate) id: String,
    pub(crate) millis: i64,
}

/// Asks for an error with this text, and to be remembered under its id.
#[trunkline::message]
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusal {
    pub(crate) id: String,
    pub(crate) text: String,
}

/// Answers `Work` and names who did it.
#[trunkline::message]
#[derive(Clone, Debug, Default)]
pub(crate) struct Worked {
    pub(crate) name: String,
    pub(crate) id: String,
    /// How often this member has begun that id: more than 1 is a double execution.
    pub(crate) times: i64,
}

/// Asks for the ids that begin so.
#[trunkline::message]
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pub(crate) prefix: String,
}

/// Which ids a member has begun, and how often.
#[trunkline::message]
#[derive(Clone, Debug, Default)]
pub(crate) struct Executions {
    pub(crate) name: String,
    pub(crate) times: BTreeMap<String, i64>,
}

/// Replies that say which member answered.
pub(crate) trait Answered {
    fn member(&self) -> &str;
}

macro_rules! answered {
    ($($reply:ty)*) => {
        $(impl Answered for $reply {
            fn member(&self) -> &str {
                &self.name
            }
        })*
    };
}

answered!(Identity Worked Executions);

impl Answered for Text {
    fn member(&self) -> &str {
        ""
    }
}
