//! What a handler ends in when it does not end in a reply.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// The result of a handler: `E` is [`Failure`](struct@crate::Failure) unless the method names an error type of its own.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// What a handler ends in when it does not end in a reply.
///
/// Any error becomes one by `?`; the caller then sees its text. A type of the user's own keeps
/// its code and details when it derives `Failure` and stands in the method's signature.
///
/// ```
/// use trunkline::{ErrorKind, Failure};
///
/// fn find(name: &str) -> Result<u32, Failure> {
///     let id = name.parse::<u32>()?;            // any error, by `?`
///     if id == 0 {
///         return Err(Failure::new("no such user").with_kind(ErrorKind::NotFound).with_code("user_missing"));
///     }
///     Ok(id)
/// }
/// assert_eq!(find("0").unwrap_err().error().code(), Some("user_missing"));
/// ```
pub struct Failure {
    error: Error,
    /// The reply that Go clients decode beside the error; its type is the method's.
    reply: Option<Box<dyn Any + Send>>,
}

impl Failure {
    /// A failure of kind [`ErrorKind::Application`] with this text.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self { error: Error::new(ErrorKind::Application, message), reply: None }
    }

    /// Sets the kind.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.error = self.error.with_kind(kind);
        self
    }

    /// Sets a code for the caller's program to look at.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.error = self.error.with_code(code);
        self
    }

    /// Sets details for the caller's program to look at; they travel as JSON. A value that JSON
    /// cannot hold is left out.
    #[cfg(feature = "json")]
    #[must_use]
    pub fn with_details<D: serde::Serialize>(mut self, details: &D) -> Self {
        use crate::codec::{Encode, Json};
        let mut json = Vec::new();
        if Json::encode(details, &mut json).is_ok() {
            self.error = self.error.with_raw_details(String::from_utf8_lossy(&json));
        }
        self
    }

    /// Tells the caller that the same call may succeed after this time.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.error = self.error.with_retry_after(wait);
        self
    }

    /// Tells the caller that nothing has been done: it may try again even what is not idempotent.
    #[must_use]
    pub fn not_started(mut self) -> Self {
        self.error = self.error.not_started();
        self
    }

    /// Sends a reply along with the error, as Go's methods do. `reply` must be of the method's
    /// own reply type; another type is dropped.
    #[must_use]
    pub fn with_reply<R: Send + 'static>(mut self, reply: R) -> Self {
        self.reply = Some(Box::new(reply));
        self
    }

    /// Keeps the cause for this side's layers and logs; it does not travel.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.error = self.error.with_source(source);
        self
    }

    /// Closes the connection after the answer, as Go does when authentication fails.
    #[must_use]
    pub fn then_close(mut self) -> Self {
        self.error = self.error.then_close();
        self
    }

    /// The error as the caller will see it.
    pub fn error(&self) -> &Error {
        &self.error
    }

    pub(crate) fn into_parts(self) -> (Error, Option<Box<dyn Any + Send>>) {
        (self.error, self.reply)
    }
}

impl<E> From<E> for Failure
where
    E: std::error::Error + Send + Sync + 'static,
{
    fn from(source: E) -> Self {
        let source: Box<dyn std::error::Error + Send + Sync> = Box::new(source);
        match source.downcast::<Error>() {
            // A nested call failed: its code and details go on to our caller, but kind and
            // "not sent" were true of the nested call only.
            Ok(nested) => {
                let kind = match nested.kind() {
                    kind @ (ErrorKind::Deadline | ErrorKind::Cancelled) => kind,
                    _ => ErrorKind::Application,
                };
                let mut error = Error::new(kind, nested.line().to_string());
                if let Some(code) = nested.code() {
                    error = error.with_code(code);
                }
                if let Some(details) = nested.raw_details() {
                    error = error.with_raw_details(details);
                }
                Self { error: error.with_source(nested), reply: None }
            }
            Err(source) => {
                let error = Error::new(ErrorKind::Application, source.to_string());
                Self { error: error.with_source(source), reply: None }
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.error.message())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure").field("error", &self.error).field("reply", &self.reply.is_some()).finish()
    }
}

/// An error type that a method may return: [`Failure`](struct@crate::Failure) itself, or a type that derives it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a method's error",
    label = "this error does not say how it travels to the caller",
    note = "add `#[derive(trunkline::Failure)]` to `{Self}` to send its code and details,",
    note = "or return `trunkline::Result<Reply>`, into which any error converts by `?`"
)]
pub trait IntoFailure: Send + 'static {
    /// The failure that the caller will see.
    fn into_failure(self) -> Failure;
}

impl IntoFailure for Failure {
    fn into_failure(self) -> Failure {
        self
    }
}

/// What `#[derive(Failure)]` asks of a type that is given no text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what went wrong",
    label = "this error has no text",
    note = "give it one with `#[failure(\"..\")]`, on each variant of an enum, or implement `Display`"
)]
pub trait Worded {
    /// The text that the caller will see.
    fn text(&self) -> String;
}

#[diagnostic::do_not_recommend]
impl<T: fmt::Display> Worded for T {
    fn text(&self) -> String {
        self.to_string()
    }
}

/// What `#[derive(Failure)]` asks of a type that is sent as details.
#[cfg(feature = "json")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as details",
    label = "this error has no form in JSON",
    note = "`#[failure(details)]` sends the error itself: put `#[trunkline::message]` on it (or derive `serde::Serialize`)"
)]
pub trait Detailed {
    /// The failure with this value as its details.
    fn detail(&self, failure: Failure) -> Failure;
}

#[cfg(feature = "json")]
#[diagnostic::do_not_recommend]
impl<T: serde::Serialize> Detailed for T {
    fn detail(&self, failure: Failure) -> Failure {
        failure.with_details(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_error_converts_and_keeps_its_source() {
        let failure = Failure::from(std::io::Error::other("disk full"));
        assert_eq!(failure.to_string(), "disk full");
        assert!(std::error::Error::source(failure.error()).is_some());
    }

    #[test]
    fn a_nested_error_hands_on_its_code_but_not_its_not_sent() {
        let nested = Error::new(ErrorKind::NotFound, "gone").with_code("c7").not_sent();
        let failure = Failure::from(nested);
        assert_eq!(failure.error().kind(), ErrorKind::Application);
        assert_eq!(failure.error().code(), Some("c7"));
        assert_eq!(failure.error().sent(), crate::error::Sent::Maybe);
    }
}
