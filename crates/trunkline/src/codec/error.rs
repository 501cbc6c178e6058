//! The error a value that does not encode or decode gives.

use std::error::Error as StdError;
use std::fmt;

#[cfg(any(feature = "msgpack", feature = "json"))]
use super::fault::Fault;

/// Which way a value was going when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From a value to bytes.
    Encode,
    /// From bytes to a value.
    Decode,
}

/// A value that could not be encoded, or bytes that could not be decoded.
///
/// It says in which format, which Rust type, which field (where the format knows) and why:
///
/// ```
/// # use trunkline::codec::{CodecError, Direction};
/// struct Args;
/// let error = CodecError::decode::<Args>("msgpack", "300 does not fit in i8").at("B");
/// assert_eq!(error.to_string(), "msgpack: cannot decode Args: field B: 300 does not fit in i8");
/// assert_eq!(error.direction(), Direction::Decode);
/// assert_eq!(error.text(), "300 does not fit in i8");
/// ```
pub struct CodecError(Box<Inner>);

struct Inner {
    format: &'static str,
    direction: Direction,
    type_name: String,
    path: Option<String>,
    text: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl CodecError {
    /// A value of type `T` could not be encoded. `format` is [`Format::NAME`](super::Format::NAME).
    pub fn encode<T: ?Sized>(format: &'static str, text: impl Into<String>) -> Self {
        Self::new::<T>(format, Direction::Encode, text.into())
    }

    /// A value of type `T` could not be decoded. `format` is [`Format::NAME`](super::Format::NAME).
    pub fn decode<T: ?Sized>(format: &'static str, text: impl Into<String>) -> Self {
        Self::new::<T>(format, Direction::Decode, text.into())
    }

    fn new<T: ?Sized>(format: &'static str, direction: Direction, text: String) -> Self {
        let type_name = short_type_name(std::any::type_name::<T>());
        Self(Box::new(Inner { format, direction, type_name, path: None, text, source: None }))
    }

    /// Names the place inside the value, such as `Items[3].Name`.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.0.path = Some(path.into());
        self
    }

    /// Keeps the error this one comes from.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    #[cfg(any(feature = "msgpack", feature = "json"))]
    pub(crate) fn from_fault<T: ?Sized>(format: &'static str, direction: Direction, fault: &Fault) -> Self {
        let error = Self::new::<T>(format, direction, fault.text().to_owned());
        match fault.path() {
            Some(path) => error.at(path),
            None => error,
        }
    }

    /// The format's name, such as `msgpack`.
    pub fn format(&self) -> &'static str {
        self.0.format
    }

    /// Whether a value was to be encoded or decoded.
    pub fn direction(&self) -> Direction {
        self.0.direction
    }

    /// The Rust type, without module paths.
    pub fn type_name(&self) -> &str {
        &self.0.type_name
    }

    /// Where inside the value it happened, if the format knows.
    pub fn path(&self) -> Option<&str> {
        self.0.path.as_deref()
    }

    /// The bare reason. Where Go has a text for it this is Go's text, such as `EOF` for an empty payload.
    pub fn text(&self) -> &str {
        &self.0.text
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { format, direction, type_name, path, text, .. } = &*self.0;
        let verb = match direction {
            Direction::Encode => "encode",
            Direction::Decode => "decode",
        };
        write!(f, "{format}: cannot {verb} {type_name}: ")?;
        match path {
            Some(path) if path.starts_with('[') => write!(f, "element {path}: {text}"),
            Some(path) => write!(f, "field {path}: {text}"),
            None => f.write_str(text),
        }
    }
}

impl fmt::Debug for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodecError")
            .field("format", &self.0.format)
            .field("direction", &self.0.direction)
            .field("type_name", &self.0.type_name)
            .field("path", &self.0.path)
            .field("text", &self.0.text)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for CodecError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// `alloc::vec::Vec<shop::Args>` → `Vec<Args>`.
fn short_type_name(full: &str) -> String {
    let mut short = String::with_capacity(full.len());
    let mut segment = 0;
    let mut chars = full.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ':' if chars.peek() == Some(&':') => {
                chars.next();
                short.truncate(segment);
            }
            _ => {
                short.push(c);
                if !c.is_alphanumeric() && c != '_' {
                    segment = short.len();
                }
            }
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_names_lose_their_paths() {
        for (full, short) in [
            ("i64", "i64"),
            ("shop::cart::Args", "Args"),
            ("alloc::vec::Vec<shop::Args>", "Vec<Args>"),
            ("(shop::Args, core::option::Option<[u8; 3]>)", "(Args, Option<[u8; 3]>)"),
            ("&alloc::string::String", "&String"),
        ] {
            assert_eq!(short_type_name(full), short);
        }
    }

    #[test]
    fn the_error_is_one_word_and_crosses_threads() {
        fn crosses<T: Send + Sync + 'static>() {}
        crosses::<CodecError>();
        assert_eq!(size_of::<CodecError>(), size_of::<usize>());
        assert_eq!(size_of::<Result<(), CodecError>>(), size_of::<usize>());
    }

    #[test]
    fn the_source_is_kept() {
        let error = CodecError::encode::<i64>("custom", "no room").with_source(fmt::Error);
        assert_eq!(error.to_string(), "custom: cannot encode i64: no room");
        assert!(error.source().is_some());
    }
}
