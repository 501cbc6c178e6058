//! Asks for a token, by a middleware.

use trunkline::middleware::{Middleware, Next};
use trunkline::wire::keys;
use trunkline::{Call, Error, ErrorKind, Reply};

/// What the port that asks for authentication accepts.
pub(crate) const TOKEN: &str = "Bearer interop";

/// The error of a call with another token.
pub(crate) const REFUSED: &str = "interop: wrong token";

pub(super) struct Auth;

impl Middleware for Auth {
    async fn handle(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Error> {
        if call.metadata().get(keys::AUTH) == Some(TOKEN) {
            return next.run(call).await;
        }
        // As in Go, the connection of a caller that was not believed ends.
        Err(Error::new(ErrorKind::Unauthenticated, REFUSED).then_close())
    }
}
