//! The service that most files call, and an in-process network to call it over.

use trunkline::server::RunningServer;
use trunkline::transport::memory::Memory;
use trunkline::{Client, Ctx, Failure, Result, Server, Service};

#[trunkline::message]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Args {
    pub(crate) a: i64,
    pub(crate) b: i64,
}

#[trunkline::message]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    pub(crate) c: i64,
}

#[trunkline::message]
#[derive(Debug, Clone, PartialEq, Failure)]
#[failure(details)]
pub(crate) enum DivError {
    #[failure("{0} cannot be divided by zero", kind = invalid)]
    ByZero(i64),
    #[failure("try later", code = "busy", retry_after = "100ms")]
    TooMuch,
}

/// Arithmetic.
#[trunkline::service]
pub(crate) trait Arith {
    /// Multiplies.
    #[method(idempotent)]
    async fn mul(&self, args: Args) -> Result<Reply>;
    async fn div(&self, ctx: &Ctx, args: Args) -> Result<Reply, DivError>;
}

pub(crate) struct Calculator;

impl Arith for Calculator {
    async fn mul(&self, args: Args) -> Result<Reply> {
        let c = args.a.checked_mul(args.b).ok_or_else(|| Failure::new("too large"))?;
        Ok(Reply { c })
    }

    async fn div(&self, ctx: &Ctx, args: Args) -> Result<Reply, DivError> {
        if ctx.metadata().get("busy").is_some() {
            return Err(DivError::TooMuch);
        }
        ctx.reply_metadata("divided-by", args.b.to_string());
        let c = args.a.checked_div(args.b).ok_or(DivError::ByZero(args.a))?;
        Ok(Reply { c })
    }
}

/// A server of these services, and a client of it.
pub(crate) async fn serve(services: impl IntoIterator<Item = Service>) -> (RunningServer, Client) {
    let network = Memory::new();
    let server = services.into_iter().fold(Server::builder(), |server, service| server.service(service));
    let server = server.transport(network.clone()).bind("memory@server").await.unwrap().spawn();
    let client = Client::builder().transport(network).connect("memory@server").await.unwrap();
    (server, client)
}
