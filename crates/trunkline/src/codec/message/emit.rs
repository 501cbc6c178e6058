//! Encoding a message.

use serde::ser::{Serialize, SerializeStruct};

use super::twin::{Sent, Twin};

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

/// What a field can hold that is sent: `Serialize`, with an error text of its own.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent in a message",
    label = "this type cannot travel",
    note = "add `#[trunkline::message]` to it (or `#[derive(serde::Serialize)]`), or mark the field `#[message(skip)]`",
    note = "a type of another crate mostly has a `serde` feature that makes it travel"
)]
pub trait Depart: Serialize {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> Depart for T {}

/// Writes one field.
#[doc(hidden)]
#[inline]
pub fn field<S: SerializeStruct, T: Depart + ?Sized>(
    fields: &mut S,
    name: &'static str,
    value: &T,
) -> Result<(), S::Error> {
    fields.serialize_field(name, value)
}

/// Writes one field in Go's form.
#[doc(hidden)]
#[inline]
pub fn field_twin<S: SerializeStruct, T: Twin>(
    fields: &mut S,
    name: &'static str,
    value: &T,
) -> Result<(), S::Error> {
    fields.serialize_field(name, &Sent(value))
}
