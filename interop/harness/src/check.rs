//! What a case ends in: nothing to say, or the first thing that was wrong.

use std::fmt::{Debug, Display};

/// What was wrong.
#[derive(Debug)]
pub(crate) struct Problem(pub(crate) String);

pub(crate) type Check<T = ()> = Result<T, Problem>;

impl<E: Display> From<E> for Problem {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl Problem {
    /// The same with something that helps to understand it.
    pub(crate) fn beside(self, text: &str) -> Self {
        Self(format!("{}\n{text}", self.0))
    }
}

/// Fails unless `ok`.
pub(crate) fn expect(ok: bool, text: impl FnOnce() -> String) -> Check {
    if ok { Ok(()) } else { Err(Problem(text())) }
}

/// Fails unless both are the same.
#[allow(clippy::needless_pass_by_value, reason = "reads like an assertion")]
pub(crate) fn equal<A: PartialEq<B> + Debug, B: Debug>(what: &str, got: A, expected: B) -> Check {
    expect(got == expected, || format!("{what}: got {}, expected {}", shorten(&got), shorten(&expected)))
}

/// Says what was being done when something failed.
pub(crate) trait During<T> {
    fn during(self, what: &str) -> Check<T>;
}

impl<T, E: Display> During<T> for Result<T, E> {
    fn during(self, what: &str) -> Check<T> {
        self.map_err(|error| Problem(format!("{what}: {error}")))
    }
}

/// The error of a call that must fail.
pub(crate) fn failure<T, E>(what: &str, result: Result<T, E>) -> Check<E> {
    result.err().ok_or_else(|| Problem(format!("{what}: the call succeeded, expected an error")))
}

fn shorten(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(200) {
        Some((at, _)) => format!("{}… ({} characters)", &text[..at], text.chars().count()),
        None => text,
    }
}
