//! Our server, as a user would write it: a service for each codec, functions, handlers of bytes, and a port that
//! asks for a token.

mod answer;
mod auth;
mod counters;
mod functions;
mod interop;
mod protobuf;
mod raw;
mod thrift;

use std::sync::Arc;
use std::time::Duration;

use trunkline::Server;
use trunkline::server::{RunningServer, ServerBuilder, StopReport};

use crate::check::{Check, During, equal, expect};
use crate::services::{Interop as _, InteropProtobuf as _, InteropThrift as _};
use crate::until::until;
use crate::values::Values;

pub(crate) use auth::{REFUSED, TOKEN};
pub(crate) use counters::Counters;
pub(crate) use interop::ASKED_TO_PANIC;

/// Two servers that share what they count: the second answers only calls with the token.
#[derive(Debug)]
pub(crate) struct RustServer {
    pub(crate) counters: Counters,
    open: RunningServer,
    auth: RunningServer,
}

impl RustServer {
    pub(crate) async fn start(values: &Arc<Values>) -> Check<Self> {
        let counters = Counters::default();
        let builder = || services(Server::builder(), values, &counters);
        let open = builder().bind("tcp@127.0.0.1:0").await.during("binding our server")?.spawn();
        let auth = auth::with_auth(builder());
        let auth = auth.bind("tcp@127.0.0.1:0").await.during("binding our server")?.spawn();
        Ok(Self { counters, open, auth })
    }

    /// Both addresses, without their network.
    pub(crate) fn addresses(&self) -> (&str, &str) {
        (host(&self.open), host(&self.auth))
    }

    /// Stops the server that is called in the loop.
    pub(crate) async fn stop_open(self) -> StopReport {
        self.auth.stop().await;
        self.open.stop().await
    }

    /// Nothing is left of callers that have gone: no connection, no call, no byte.
    pub(crate) async fn check_leftovers(&self) -> Check {
        for server in [&self.open, &self.auth] {
            let handle = server.handle();
            until(Duration::from_secs(3), async || handle.connections() == 0 && handle.in_flight() == 0)
                .await;
            equal("connections left", handle.connections(), 0)?;
            equal("calls left", handle.in_flight(), 0)?;
            equal("bytes left", handle.held_bytes(), 0)?;
        }
        Ok(())
    }

    /// Ends both servers; nothing is under way any more.
    pub(crate) async fn stop(self) -> Check {
        for server in [self.open, self.auth] {
            let report = server.stop().await;
            expect(report.cut == 0, || format!("calls were cut when the server stopped: {report:?}"))?;
        }
        Ok(())
    }
}

pub(crate) fn services(builder: ServerBuilder, values: &Arc<Values>, counters: &Counters) -> ServerBuilder {
    let interop = interop::Service { values: values.clone(), counters: counters.clone() };
    builder
        .service(interop.into_service())
        .service(protobuf::Service(values.clone()).into_service())
        .service(thrift::Service(values.clone()).into_service())
        .service(functions::service())
        .service(raw::service())
}

fn host(server: &RunningServer) -> &str {
    server.address().trim_start_matches("tcp@")
}
