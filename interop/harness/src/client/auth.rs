//! The port that asks for a token.

use std::time::Duration;

use trunkline::client::ClientBuilder;
use trunkline::middleware::Auth;
use trunkline::wire::{Header, keys};
use trunkline::{ErrorKind, Metadata};

use super::frames::{Wire, frame};
use super::{Env, Pieces};
use crate::check::{Check, During, equal, expect, failure};
use crate::messages::plain::Blob;
use crate::server::{REFUSED, TOKEN};
use crate::until::until;

/// A wrong token is answered, then the connection closes; heartbeats need none.
pub(super) async fn auth(env: Env<'_>) -> Check {
    let address = &env.go.auth_address;
    let beat = frame(Header::heartbeat(), ("", ""), &Metadata::new(), &b"\xd3\0\0\0\0\0\0\0\x01"[..])?;
    let echo = Wire::connect(address).await?.exchange(&beat).await?;
    equal("echo of a heartbeat without a token", echo.header(), beat.header().echo())?;

    for token in [None, Some("Bearer wrong")] {
        let line = env.connect_with(address, Pieces::Whole, |builder| builder).await?;
        let interop = line.interop();
        let mut call = env.spoken(interop.blob(blob("x")));
        if let Some(token) = token {
            call = call.metadata(keys::AUTH, token);
        }
        let error = failure("a call without the right token", call.await)?;
        equal("error", error.message(), REFUSED)?;
        expect(error.is_remote(), || format!("no remote error: {error:?}"))?;
        // The Go server sends no kind, so that it was about the token is in the text alone.
        equal("kind", error.kind(), ErrorKind::Application)?;
        let closed = until(Duration::from_secs(3), async || line.tap.ended_by_server() == 1).await;
        expect(closed, || format!("the connection stays open after {token:?}"))?;
    }

    let known = |builder: ClientBuilder| builder.layer(Auth::token(TOKEN));
    let line = env.connect_with(address, Pieces::Whole, known).await?;
    let interop = line.interop();
    for _ in 0..3 {
        let reply = env.spoken(interop.blob(blob("in"))).await.during("call with the right token")?;
        equal("reply", reply, blob("in"))?;
    }
    equal("connections", line.tap.connections(), 1)
}

fn blob(text: &str) -> Blob {
    Blob { text: text.to_owned(), data: Vec::new().into() }
}
