//! A call with its typed argument, and its reply as JSON.

use std::time::Duration;

use serde_json::Value;
use trunkline::client::Request;
use trunkline::codec::{Decode, Encode, Json, MsgPack};
use trunkline::{Error, ErrorKind};

use super::Caller;
use crate::message::{Answered, FleetClient, Nothing, Query, Refusal, Text, Work};
use crate::problem::{During, Outcome, problem};

/// A call.
#[derive(Clone, Debug)]
pub(super) enum Exchange {
    Who,
    Keyed(String),
    Echo(Text),
    Work(Work),
    Refuse(Refusal),
    Executed(Query),
}

/// What a call was answered with, and by whom.
pub(super) struct Answer {
    pub(super) member: String,
    pub(super) reply: Value,
}

impl Exchange {
    /// A call of this method; `number` makes its id one of its own.
    pub(super) fn new(method: &str, arguments: Option<&Value>, number: Option<usize>) -> Outcome<Self> {
        let numbered = |id: String| number.map_or_else(|| id.clone(), |number| format!("{id}-{number}"));
        Ok(match method {
            "Who" => Self::Who,
            "Keyed" => Self::Keyed(read(method, arguments)?),
            "Echo" => Self::Echo(read(method, arguments)?),
            "Work" => {
                let Work { id, millis } = read(method, arguments)?;
                Self::Work(Work { id: numbered(id), millis })
            }
            "Refuse" => {
                let Refusal { id, text } = read(method, arguments)?;
                Self::Refuse(Refusal { id: numbered(id), text })
            }
            "Executed" if arguments.is_none() => Self::Executed(Query::default()),
            "Executed" => Self::Executed(read(method, arguments)?),
            other => {
                return problem(format!(
                    "unknown method {other:?}, expected Who, Keyed, Echo, Work, Refuse or Executed"
                ));
            }
        })
    }
}

/// Arguments as they are written in JSON on the wire.
fn read<T>(method: &str, arguments: Option<&Value>) -> Outcome<T>
where
    Json: Decode<T>,
{
    let text = arguments.unwrap_or(&Value::Null).to_string();
    Json::decode(&text.into()).during(format!("the arguments of {method}"))
}

impl Caller {
    /// Makes a call.
    pub(super) async fn call(&self, exchange: &Exchange, limit: Duration) -> Result<Answer, Error> {
        let fleet = FleetClient::new(self.client.clone());
        match exchange {
            Exchange::Who => self.ask(fleet.who(Nothing {}), limit).await,
            // Go hashes a text as it is.
            Exchange::Keyed(key) => self.ask(fleet.keyed(key.clone()).key(key), limit).await,
            Exchange::Echo(text) => self.ask(fleet.echo(text.clone()), limit).await,
            Exchange::Work(work) => self.ask(fleet.work(work.clone()), limit).await,
            Exchange::Refuse(refusal) => self.ask(fleet.refuse(refusal.clone()), limit).await,
            Exchange::Executed(query) => self.ask(fleet.executed(query.clone()), limit).await,
        }
    }

    async fn ask<'a, A, R>(&self, request: Request<'a, A, R, A>, limit: Duration) -> Result<Answer, Error>
    where
        A: Send + 'a,
        R: Answered + 'a,
        MsgPack: Encode<A> + Decode<R>,
        Json: Encode<A> + Decode<R> + Encode<R>,
    {
        let request = if self.json { request.codec(Json) } else { request.codec(MsgPack) };
        let reply = request.timeout(limit).await?;
        let mut text = Vec::new();
        let as_json = |why| Error::new(ErrorKind::Internal, format!("the reply is no JSON: {why}"));
        Json::encode(&reply, &mut text).map_err(|error| as_json(error.to_string()))?;
        let json = serde_json::from_slice(&text).map_err(|error| as_json(error.to_string()))?;
        Ok(Answer { member: reply.member().to_owned(), reply: json })
    }
}
