//! Our client, which plays the case list against a Go server.

mod auth;
mod closed_loop;
mod deadline;
mod everything;
mod faults;
mod frames;
mod heartbeat;
mod matrix;
mod shapes;
mod tap;
mod torn;
mod traffic;

use std::borrow::Borrow;
use std::time::Duration;

use bytes::Bytes;
use trunkline::client::{ClientBuilder, Request};
use trunkline::codec::{Decode, Encode, Json, MsgPack};
use trunkline::{Client, CompressType};

use crate::check::{Check, During, Problem, equal};
use crate::dialect::{Dialect, InJson, InMsgPack, InProtobuf, InRaw, InThrift};
use crate::messages::plain::Hit;
use crate::peers::GoServer;
use crate::plan::{Codec, Step};
use crate::services::InteropClient;
use crate::values::Values;

pub(crate) use closed_loop::{Account, ClosedLoop};
use tap::{Pieces, Tap};

/// What a case works with.
#[derive(Clone, Copy)]
pub(crate) struct Env<'a> {
    pub(crate) go: &'a GoServer,
    pub(crate) values: &'a Values,
    pub(crate) step: &'a Step,
}

/// A client of ours, and what its frames are like.
struct Line {
    client: Client,
    tap: Tap,
}

/// Plays a function of a dialect in the step's codec.
macro_rules! in_each_codec {
    ($codec:expr, $function:path $(, $argument:expr)*) => {
        match $codec {
            Codec::Raw => $function(std::marker::PhantomData::<InRaw> $(, $argument)*).await,
            Codec::Json => $function(std::marker::PhantomData::<InJson> $(, $argument)*).await,
            Codec::Protobuf => $function(std::marker::PhantomData::<InProtobuf> $(, $argument)*).await,
            Codec::MsgPack => $function(std::marker::PhantomData::<InMsgPack> $(, $argument)*).await,
            Codec::Thrift => $function(std::marker::PhantomData::<InThrift> $(, $argument)*).await,
        }
    };
}

/// The same for what only structs have.
macro_rules! in_structs {
    ($codec:expr, $function:path $(, $argument:expr)*) => {
        match $codec {
            Codec::Raw => Err(Problem("raw carries bytes only".to_owned())),
            Codec::Json => $function(std::marker::PhantomData::<InJson> $(, $argument)*).await,
            Codec::Protobuf => $function(std::marker::PhantomData::<InProtobuf> $(, $argument)*).await,
            Codec::MsgPack => $function(std::marker::PhantomData::<InMsgPack> $(, $argument)*).await,
            Codec::Thrift => $function(std::marker::PhantomData::<InThrift> $(, $argument)*).await,
        }
    };
}

/// Plays one case.
pub(crate) async fn play(env: Env<'_>) -> Check {
    let codec = env.step.codec;
    match env.step.case.as_str() {
        "values" => env.values.check_golden(env.step),
        "call" => in_each_codec!(codec, matrix::call, env),
        "error" => in_each_codec!(codec, matrix::error, env),
        "metadata" => in_each_codec!(codec, matrix::metadata, env),
        "generate" => in_each_codec!(codec, matrix::generate, env),
        "everything_echo" => in_structs!(codec, everything::echo, env),
        "everything_make" => in_structs!(codec, everything::make, env),
        "everything_check" => in_structs!(codec, everything::check, env),
        "floats" => in_structs!(codec, everything::floats, env),
        "functions" => shapes::functions(env).await,
        "unknown_fields" => in_structs!(codec, shapes::unknown_fields, env),
        "array_struct" => shapes::array_struct(env).await,
        "json_loose" => shapes::json_loose(env).await,
        "unknown_service" => in_each_codec!(codec, faults::unknown_service, env),
        "unknown_method" => in_each_codec!(codec, faults::unknown_method, env),
        "unknown_codec" => faults::unknown_codec(env).await,
        "bad_args" => in_each_codec!(codec, faults::bad_args, env),
        "panic" => faults::panic(env).await,
        "rich_error" => faults::rich_error(env).await,
        "torn_frames" => in_each_codec!(codec, torn::torn_frames, env),
        "oneway" => traffic::oneway(env).await,
        "push" => traffic::push(env).await,
        "many" => traffic::many(env).await,
        "caller_gone" => traffic::caller_gone(env).await,
        "heartbeat" => heartbeat::heartbeat(env).await,
        "heartbeat_frame" => heartbeat::heartbeat_frame(env).await,
        "deadline" => deadline::deadline(env).await,
        "deadline_passed" => deadline::deadline_passed(env).await,
        "deadline_enforced" => deadline::deadline_enforced(env).await,
        "auth" => auth::auth(env).await,
        "loop" => closed_loop::closed_loop(env).await,
        other => Err(Problem(format!("nothing here plays the case {other:?}"))),
    }
}

impl Env<'_> {
    /// Connects as the step says.
    async fn connect(&self) -> Check<Line> {
        self.connect_with(&self.go.address, Pieces::Whole, |builder| builder).await
    }

    async fn connect_with(
        &self,
        address: &str,
        pieces: Pieces,
        build: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Check<Line> {
        let tap = Tap::before(address, pieces).await?;
        let compress = if self.step.gzip { CompressType::GZIP } else { CompressType::NONE };
        let builder = build(Client::builder().compress(compress));
        let client = builder.connect(&format!("tcp@{}", tap.address())).await.during("connecting")?;
        tokio::time::timeout(Duration::from_secs(5), client.ready()).await.during("connecting")?;
        Ok(Line { client, tap })
    }

    /// Says the call in the step's codec.
    fn spoken<'r, A, R>(&self, request: Request<'r, A, R, A>) -> Request<'r, A, R, A>
    where
        A: Borrow<A>,
        Json: Encode<A> + Decode<R>,
        MsgPack: Encode<A> + Decode<R>,
    {
        if self.step.codec == Codec::Json { request.codec(Json) } else { request.codec(MsgPack) }
    }

    /// A value in the step's codec.
    fn encoded<A>(&self, value: &A) -> Check<Vec<u8>>
    where
        Json: Encode<A>,
        MsgPack: Encode<A>,
    {
        let mut out = Vec::new();
        if self.step.codec == Codec::Json {
            Json::encode(value, &mut out)?;
        } else {
            MsgPack::encode(value, &mut out)?;
        }
        Ok(out)
    }

    /// A value out of the step's codec.
    fn decoded<R>(&self, payload: &Bytes) -> Check<R>
    where
        Json: Decode<R>,
        MsgPack: Decode<R>,
    {
        Ok(if self.step.codec == Codec::Json { Json::decode(payload)? } else { MsgPack::decode(payload)? })
    }

    /// Where a counter of the server stands.
    async fn counted(&self, line: &Line, key: &str, suffix: &str) -> Check<i64> {
        let hit = Hit { key: format!("{key}{suffix}"), add: 0 };
        let interop = line.interop();
        Ok(self.spoken(interop.hit(hit)).await.during("reading the counter")?.total)
    }
}

impl Line {
    fn interop(&self) -> InteropClient {
        InteropClient::new(self.client.clone())
    }

    /// The connection serves the next call, and it is still the first one.
    async fn alive<D: Dialect>(&self) -> Check {
        let blob = D::blob("alive".to_owned(), vec![1]);
        let service = self.client.service_in(D::SERVICE, D::FORMAT);
        let reply: D::Blob = service.call("Blob", &blob).await.during("the next call")?;
        equal("reply to the next call", D::parts(&reply), D::parts(&blob))?;
        equal("connections", self.tap.connections(), 1)
    }

    async fn alive_in(&self, codec: Codec) -> Check {
        if codec == Codec::Json { self.alive::<InJson>().await } else { self.alive::<InMsgPack>().await }
    }
}

/// A counter's name that no other run has.
fn key(prefix: &str) -> String {
    use std::time::{SystemTime, UNIX_EPOCH};
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{prefix}-{}", now.as_nanos())
}
