//! Names of newtype structs by which our own types and formats recognise each other through serde.
//!
//! serde has no word for a MessagePack extension or for a number that keeps its text. A type that has one
//! serializes as a newtype struct with one of these names; other formats see only what is inside.

/// Inside are bytes: an extension's type, then its data.
pub(crate) const EXT: &str = "$trunkline::ext";

/// Inside is the text of a JSON number, to be written without quotes.
pub(crate) const NUMBER: &str = "$trunkline::number";

/// Asks for anything, extensions and numbers with their text included. Those come as enums whose variant has one
/// of the names above.
pub(crate) const ANY: &str = "$trunkline::any";
