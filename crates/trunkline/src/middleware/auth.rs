//! Who calls: a token in the request's metadata, set by a client's layer and checked by a
//! server's.
//!
//! The token travels under `__AUTH`, as in rpcx. By convention its value is that of an HTTP
//! `Authorization` header, so a server takes it with and without `Bearer ` in front. Neither
//! side shows it: not in logs, errors or `Debug` output.
//!
//! Heartbeats carry no token and never reach a layer: a connection without one stays alive and
//! may do nothing else.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;

use trunkline_wire::{Metadata, keys};

use super::{Middleware, Next};
use crate::call::{Call, Reply, Target};
use crate::error::{Error, ErrorKind};
use crate::failure::{Failure, IntoFailure};
use crate::transport::{BoxFuture, Peer};

/// A server's layer that asks who calls.
///
/// A call that is refused ends in [`ErrorKind::Unauthenticated`] or [`ErrorKind::Denied`], "not
/// started"; then the connection is closed, as Go does it, unless [`keep_open`](Self::keep_open)
/// says otherwise. Layers added before this one see refused calls, later ones do not.
///
/// The check is a closure over the text, or an async function of the [`Token`] and, if it wishes,
/// of the [`AuthRequest`]. What the async one returns is there for the handler as an extension of
/// that type:
///
/// ```
/// use trunkline::middleware::{Auth, AuthRequest, Token};
/// use trunkline::{Ctx, ErrorKind, Failure, Server};
///
/// struct User(String);
///
/// async fn check(token: Token, call: AuthRequest) -> Result<User, Failure> {
///     if !token.matches("a long secret") {
///         return Err(Failure::new("the token is not valid"));
///     }
///     if call.service() == "Admin" {
///         return Err(Failure::new("not for you").with_kind(ErrorKind::Denied));
///     }
///     Ok(User("ann".to_owned()))
/// }
///
/// let server = Server::builder()
///     .function("Who", "Am", |ctx: Ctx, _: ()| async move {
///         Ok::<_, Failure>(ctx.extension::<User>().map(|user| user.0.clone()))
///     })
///     .layer(Auth::bearer(check));
/// # let _ = server;
/// let simple = Server::builder().layer(Auth::bearer(|token: &str| token.starts_with("team-")));
/// # let _ = simple;
/// ```
pub struct Auth {
    checker: Checker,
    close: bool,
}

impl Auth {
    /// Asks `check` about the token of every call. A call without one is asked about as well, as in
    /// Go: its token is the empty text, and a check that accepts that lets anybody in. A token that
    /// is not UTF-8 is refused unasked.
    ///
    /// Its failure's text goes to the caller. Of what kind the failure is counts: one that does
    /// not say becomes [`ErrorKind::Unauthenticated`]; [`ErrorKind::Unavailable`], say for a
    /// check that cannot be made now, stays what it is and closes nothing.
    pub fn bearer<Kind>(check: impl Check<Kind>) -> Self {
        Self { checker: check.checker(), close: true }
    }

    /// Leaves the connection open after a refusal, for callers that share one among several
    /// users. Stock Go servers close it.
    #[must_use]
    pub fn keep_open(mut self) -> Self {
        self.close = false;
        self
    }

    /// A client's layer that sends this token.
    pub fn token(token: impl Into<String>) -> BearerToken {
        BearerToken(Source::Fixed(token.into()))
    }

    /// A client's layer that asks for the token before each call. The provider keeps it as long
    /// as it is valid; this layer does not.
    ///
    /// ```
    /// use trunkline::Failure;
    /// use trunkline::middleware::Auth;
    ///
    /// let layer = Auth::token_from(|| async { Ok::<_, Failure>("renewed every hour".to_owned()) });
    /// # let _ = layer;
    /// ```
    pub fn token_from<F, Fut, E>(provider: F) -> BearerToken
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String, E>> + Send + 'static,
        E: IntoFailure,
    {
        BearerToken(Source::Provider(Box::new(move || {
            let asked = provider();
            Box::pin(async move { asked.await.map_err(IntoFailure::into_failure) })
        })))
    }

    fn refuse(&self, error: Error) -> Error {
        let error = match error.kind() {
            ErrorKind::Application => error.with_kind(ErrorKind::Unauthenticated),
            _ => error,
        };
        let refused = matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::Denied);
        let error = error.not_started();
        if refused && self.close { error.then_close() } else { error }
    }
}

impl Middleware for Auth {
    async fn handle(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Error> {
        // As in Go, what carries no token is asked about with an empty one.
        let value = match call.metadata.get_bytes(keys::AUTH.as_bytes()).map(std::str::from_utf8) {
            None => None,
            Some(Ok(value)) => Some(value),
            Some(Err(_)) => {
                let text = "the token is not text; send one in UTF-8";
                return Err(self.refuse(Error::new(ErrorKind::Unauthenticated, text)));
            }
        };
        let text = without_scheme(value.unwrap_or_default());
        match &self.checker.0 {
            Kind::Plain(check) => {
                if !check(text) {
                    let text = match value {
                        Some(_) => "the token was not accepted",
                        None => "authentication is required: the call carries no token",
                    };
                    return Err(self.refuse(Error::new(ErrorKind::Unauthenticated, text)));
                }
            }
            Kind::Async(check) => {
                let token = Token(text.into());
                match check(token, AuthRequest::of(call)).await {
                    Ok(identity) => call.extensions_mut().insert_any(identity),
                    Err(failure) => return Err(self.refuse(failure.into_parts().0)),
                }
            }
        }
        next.run(call).await
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("closes", &self.close).finish_non_exhaustive()
    }
}

/// What follows `Bearer `, in whatever case it is written; all of it where nothing does.
fn without_scheme(value: &str) -> &str {
    const SCHEME: &str = "Bearer ";
    match value.split_at_checked(SCHEME.len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(SCHEME) => token.trim_start(),
        _ => value,
    }
}

/// A token as it came, without `Bearer ` in front. Derefs to its text; `Debug` does not show it.
#[derive(Clone)]
pub struct Token(Box<str>);

impl Token {
    /// Whether it is this text. How long that takes tells nothing but the length.
    pub fn matches(&self, expected: &str) -> bool {
        let (a, b) = (self.0.as_bytes(), expected.as_bytes());
        let differing = a.iter().zip(b).fold(0, |found, (a, b)| found | (a ^ b));
        a.len() == b.len() && std::hint::black_box(differing) == 0
    }
}

impl Deref for Token {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

/// What a check may know of a call besides its token.
#[derive(Clone)]
pub struct AuthRequest {
    target: Target,
    metadata: Metadata,
    peer: Option<Peer>,
}

impl AuthRequest {
    fn of(call: &Call) -> Self {
        Self { target: call.target.clone(), metadata: call.metadata.clone(), peer: call.peer().cloned() }
    }

    /// The service path that is called.
    pub fn service(&self) -> &str {
        self.target.service()
    }

    /// The method that is called.
    pub fn method(&self) -> &str {
        self.target.method()
    }

    /// The request's metadata.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Who calls; none when the call came over no connection.
    pub fn peer(&self) -> Option<&Peer> {
        self.peer.as_ref()
    }
}

impl fmt::Debug for AuthRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthRequest")
            .field("service", &self.service())
            .field("method", &self.method())
            .field("metadata", &self.metadata)
            .field("peer", &self.peer)
            .finish()
    }
}

/// What [`Auth::bearer`] takes: `|&str| -> bool`, or an async function of a [`Token`], or of a
/// [`Token`] and an [`AuthRequest`], that returns who calls or a failure.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot check tokens",
    note = "write `|token: &str| -> bool`, `async fn(Token) -> Result<Identity, Failure>`",
    note = "or `async fn(Token, AuthRequest) -> Result<Identity, Failure>`"
)]
pub trait Check<Kind> {
    /// The check as it is kept.
    #[doc(hidden)]
    fn checker(self) -> Checker;
}

/// A check as it is kept.
#[doc(hidden)]
pub struct Checker(Kind);

type Identity = Arc<dyn Any + Send + Sync>;

type Checked = BoxFuture<'static, Result<Identity, Failure>>;

enum Kind {
    Plain(Box<dyn Fn(&str) -> bool + Send + Sync>),
    Async(Box<dyn Fn(Token, AuthRequest) -> Checked + Send + Sync>),
}

impl fmt::Debug for Checker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Checker")
    }
}

/// Marks checks of the text alone.
#[derive(Debug)]
pub struct OfText;

/// Marks checks of the token.
#[derive(Debug)]
pub struct OfToken;

/// Marks checks of the token and the call.
#[derive(Debug)]
pub struct OfCall;

impl<F> Check<OfText> for F
where
    F: Fn(&str) -> bool + Send + Sync + 'static,
{
    fn checker(self) -> Checker {
        Checker(Kind::Plain(Box::new(self)))
    }
}

impl<F, Fut, I, E> Check<OfToken> for F
where
    F: Fn(Token) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<I, E>> + Send + 'static,
    I: Send + Sync + 'static,
    E: IntoFailure,
{
    fn checker(self) -> Checker {
        Check::<OfCall>::checker(move |token, _: AuthRequest| self(token))
    }
}

impl<F, Fut, I, E> Check<OfCall> for F
where
    F: Fn(Token, AuthRequest) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<I, E>> + Send + 'static,
    I: Send + Sync + 'static,
    E: IntoFailure,
{
    fn checker(self) -> Checker {
        Checker(Kind::Async(Box::new(move |token, call| {
            let checked = self(token, call);
            Box::pin(async move {
                let identity = checked.await.map_err(IntoFailure::into_failure)?;
                Ok(Arc::new(identity) as Identity)
            })
        })))
    }
}

/// A client's layer that sends a token with every call that does not carry one already; made by
/// [`Auth::token`] and [`Auth::token_from`].
///
/// The token is sent as it stands. Servers of this crate take it with and without `Bearer ` in
/// front; other servers of a fleet may want one of the two.
pub struct BearerToken(Source);

enum Source {
    Fixed(String),
    Provider(Box<dyn Fn() -> BoxFuture<'static, Result<String, Failure>> + Send + Sync>),
}

impl Middleware for BearerToken {
    async fn handle(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Error> {
        if call.metadata.get_bytes(keys::AUTH.as_bytes()).is_none() {
            match &self.0 {
                Source::Fixed(token) => call.metadata.insert(keys::AUTH, token),
                Source::Provider(provider) => match provider().await {
                    Ok(token) => call.metadata.insert(keys::AUTH, token),
                    Err(failure) => {
                        let error = failure.into_parts().0;
                        let kind = match error.kind() {
                            ErrorKind::Application => ErrorKind::Unauthenticated,
                            kind => kind,
                        };
                        let text = format!("there is no token for the call: {}", error.message());
                        let error = error.with_kind(kind).with_message(text).not_sent();
                        return Err(error.of(call.service(), call.method()));
                    }
                },
            }
        }
        next.run(call).await
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_taken_off_in_any_case() {
        for (value, token) in [
            ("Bearer abc", "abc"),
            ("bearer abc", "abc"),
            ("BEARER  abc", "abc"),
            ("abc", "abc"),
            ("Bearerabc", "Bearerabc"),
            ("Basic abc", "Basic abc"),
            ("Bearer ", ""),
            ("", ""),
            ("ééé", "ééé"),
        ] {
            assert_eq!(without_scheme(value), token, "{value}");
        }
    }

    #[test]
    fn a_token_matches_its_own_text_only() {
        let token = Token("secret".into());
        assert!(token.matches("secret"));
        for other in ["", "secre", "secrets", "Secret"] {
            assert!(!token.matches(other), "{other}");
        }
    }

    #[test]
    fn nothing_shows_a_token() {
        let mut metadata = Metadata::new();
        metadata.insert(keys::AUTH, "s3cret");
        let request = AuthRequest { target: Target::shared("A", "B"), metadata, peer: None };
        let shown = format!("{:?} {:?} {request:?}", Token("s3cret".into()), Auth::token("s3cret"));
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
