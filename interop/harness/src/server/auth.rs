//! The port that asks for a token.

use trunkline::middleware::Auth;
use trunkline::server::ServerBuilder;
use trunkline::{Error, ErrorKind};

/// What the port that asks for authentication accepts.
pub(crate) const TOKEN: &str = "Bearer interop";

/// The error of a call with another token, or none.
pub(crate) const REFUSED: &str = "interop: wrong token";

pub(super) fn with_auth(builder: ServerBuilder) -> ServerBuilder {
    builder.layer(Auth::bearer(|token: &str| token == "interop")).error_text(text)
}

/// The callers know one text for all that is wrong with a token.
fn text(error: &Error) -> String {
    match error.kind() {
        ErrorKind::Unauthenticated => REFUSED.to_owned(),
        _ => error.message().to_owned(),
    }
}
