//! The error the self-describing formats (MessagePack, JSON, the zero value) use among themselves:
//! a text, and the path to where it happened, put together only once something has failed.

use std::fmt;

use super::printable::printable;

/// One step from a value to one inside it.
#[derive(Debug)]
enum Step {
    Field(String),
    Index(usize),
}

/// What went wrong inside a value. Boxed, so that results of the hot path stay small.
#[derive(Debug)]
pub(crate) struct Fault(Box<Inner>);

#[derive(Debug)]
struct Inner {
    text: String,
    /// Innermost step first: the path grows while the error travels outwards.
    path: Vec<Step>,
}

impl Fault {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(Box::new(Inner { text: text.into(), path: Vec::new() }))
    }

    /// The same error, seen from the value that has `name`.
    #[cold]
    pub(crate) fn in_field(mut self, name: &[u8]) -> Self {
        self.0.path.push(Step::Field(printable(name)));
        self
    }

    /// The same error, seen from the sequence it happened in.
    #[cold]
    pub(crate) fn in_element(mut self, index: usize) -> Self {
        self.0.path.push(Step::Index(index));
        self
    }

    /// The text without the path.
    pub(crate) fn text(&self) -> &str {
        &self.0.text
    }

    /// `Items[3].Name`; `None` when the error is about the value as a whole.
    pub(crate) fn path(&self) -> Option<String> {
        let mut path = String::new();
        for step in self.0.path.iter().rev() {
            match step {
                Step::Field(name) if path.is_empty() => path.push_str(name),
                Step::Field(name) => {
                    path.push('.');
                    path.push_str(name);
                }
                Step::Index(index) => path.push_str(&format!("[{index}]")),
            }
        }
        (!path.is_empty()).then_some(path)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path() {
            Some(path) => write!(f, "{path}: {}", self.0.text),
            None => f.write_str(&self.0.text),
        }
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(text.to_string())
    }
}

impl serde::ser::Error for Fault {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(text.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_reads_from_the_outside_in() {
        let fault = Fault::new("too big").in_field(b"Name").in_element(3).in_field(b"Items");
        assert_eq!(fault.to_string(), "Items[3].Name: too big");
        assert_eq!(Fault::new("too big").to_string(), "too big");
        assert_eq!(Fault::new("too big").in_element(0).in_element(1).to_string(), "[1][0]: too big");
    }
}
