//! What went wrong, as text, and where.

use std::fmt::{Debug, Display};

/// What went wrong.
#[derive(Clone, Debug)]
pub(crate) struct Problem(pub(crate) String);

pub(crate) type Outcome<T = ()> = Result<T, Problem>;

impl<E: Display> From<E> for Problem {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// A problem that says so.
pub(crate) fn problem<T>(text: impl Into<String>) -> Outcome<T> {
    Err(Problem(text.into()))
}

/// Fails unless `ok`.
pub(crate) fn expect(ok: bool, text: impl FnOnce() -> String) -> Outcome {
    if ok { Ok(()) } else { Err(Problem(text())) }
}

/// Fails unless both are the same.
pub(crate) fn equal<A: PartialEq<B> + Debug, B: Debug>(what: &str, got: &A, expected: &B) -> Outcome {
    expect(got == expected, || format!("{what}: got {got:?}, expected {expected:?}"))
}

/// Says what was being done when something failed.
pub(crate) trait During<T> {
    fn during(self, what: impl Display) -> Outcome<T>;
}

impl<T, E: Into<Problem>> During<T> for Result<T, E> {
    fn during(self, what: impl Display) -> Outcome<T> {
        self.map_err(|error| Problem(format!("{what}: {}", error.into().0)))
    }
}
