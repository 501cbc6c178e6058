//! Encoding a message.

use serde::ser::SerializeStruct;

/// A message that can be encoded.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be embedded: its fields are not known",
    label = "this is not a message",
    note = "`#[message(flatten)]` takes a struct with named fields that has `#[trunkline::message]` itself"
)]
pub trait Emit {
    /// How many fields will be written: all but the empty ones that are to be left out.
    fn present(&self) -> usize;

    /// Writes them.
    fn write<S: SerializeStruct>(&self, fields: &mut S, human_readable: bool) -> Result<(), S::Error>;
}
