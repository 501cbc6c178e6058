//! Decoding a message: from a map of named fields, or from an array of all fields in order.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::super::zero::zero;
use super::twin::{Received, Twin};

/// A struct that travels: its names on the wire.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be embedded: its fields are not known",
    label = "this is not a message",
    note = "`#[message(flatten)]` takes a struct with named fields that has `#[trunkline::message]` itself"
)]
pub trait Message {
    /// The Rust type's name.
    const NAME: &'static str;
    /// Names in binary formats, in declaration order, without those of embedded messages.
    const FIELDS: &'static [&'static str];
    /// Names in formats for people, which is JSON.
    const READABLE_FIELDS: &'static [&'static str];
    /// How many fields there are on the wire, those of embedded messages included.
    const COUNT: usize;
    /// Whether an unknown field is an error.
    const STRICT: bool;

    /// The place of a field on the wire.
    fn index(name: &str, human_readable: bool, ignoring_case: bool) -> Option<usize>;
}

/// A message that can be decoded.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be embedded: its fields are not known",
    label = "this is not a message",
    note = "`#[message(flatten)]` takes a struct with named fields that has `#[trunkline::message]` itself"
)]
pub trait Receive<'de>: Message + Sized {
    /// The fields that have arrived.
    type Partial: Default;

    /// Takes the value of the field at `index`, which is below [`Message::COUNT`].
    fn accept<S: Source<'de>>(
        partial: &mut Self::Partial,
        index: usize,
        source: &mut S,
    ) -> Result<(), S::Error>;

    /// Puts the message together; what has not arrived is zero.
    fn finish<E: de::Error>(partial: Self::Partial, human_readable: bool) -> Result<Self, E>;
}

/// What a field can hold that is received: `Deserialize`, with an error text of its own.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be received in a message",
    label = "this type cannot travel",
    note = "add `#[trunkline::message]` to it (or `#[derive(serde::Deserialize)]`), or mark the field `#[message(skip)]`",
    note = "a type of another crate mostly has a `serde` feature that makes it travel"
)]
pub trait Arrive<'de>: Deserialize<'de> {}

#[diagnostic::do_not_recommend]
impl<'de, T: Deserialize<'de>> Arrive<'de> for T {}

/// Where the next field's value comes from.
#[doc(hidden)]
pub trait Source<'de> {
    /// The deserializer's error.
    type Error: de::Error;

    /// The value.
    fn take<T: Arrive<'de>>(&mut self) -> Result<T, Self::Error>;

    /// The value, from Go's form.
    fn take_twin<T: Twin>(&mut self) -> Result<T, Self::Error> {
        self.take::<Received<T>>().map(|received| received.0)
    }
}

/// The value of a map's entry.
pub(super) struct Entry<'a, A>(pub(super) &'a mut A);

impl<'de, A: MapAccess<'de>> Source<'de> for Entry<'_, A> {
    type Error = A::Error;

    fn take<T: Arrive<'de>>(&mut self) -> Result<T, A::Error> {
        self.0.next_value()
    }
}

/// The next element of an array.
struct Element<'a, A> {
    array: &'a mut A,
    ended: bool,
}

impl<'de, A: SeqAccess<'de>> Source<'de> for Element<'_, A> {
    type Error = A::Error;

    fn take<T: Arrive<'de>>(&mut self) -> Result<T, A::Error> {
        match self.array.next_element()? {
            Some(value) => Ok(value),
            None => {
                self.ended = true;
                zero(false)
            }
        }
    }
}

/// What a field is that did not arrive.
#[doc(hidden)]
pub fn missing<'de, T: Arrive<'de>, E: de::Error>(field: &'static str, human_readable: bool) -> Result<T, E> {
    zero::<T, E>(human_readable).map_err(|_| {
        E::custom(format_args!(
            "missing field {field}, whose type has no zero value: send it, or mark it #[message(default)]"
        ))
    })
}

/// The same for a field in Go's form.
#[doc(hidden)]
pub fn missing_twin<T: Twin, E: de::Error>(field: &'static str, human_readable: bool) -> Result<T, E> {
    missing::<Received<T>, E>(field, human_readable).map(|received| received.0)
}

/// Deserializes a message.
#[doc(hidden)]
pub fn receive<'de, T: Receive<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let human_readable = deserializer.is_human_readable();
    let visitor = MessageVisitor { human_readable, message: PhantomData };
    let fields = if human_readable { T::READABLE_FIELDS } else { T::FIELDS };
    if T::COUNT == fields.len() {
        deserializer.deserialize_struct(T::NAME, fields, visitor)
    } else {
        // The names of embedded messages' fields are not in the list, so it must not be taken for complete.
        deserializer.deserialize_map(visitor)
    }
}

struct MessageVisitor<T> {
    human_readable: bool,
    message: PhantomData<fn() -> T>,
}

impl<'de, T: Receive<'de>> Visitor<'de> for MessageVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a map with the fields of {}", T::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut partial = T::Partial::default();
        let mut expected = 0;
        while let Some(index) = map.next_key_seed(Key::<T> {
            expected,
            human_readable: self.human_readable,
            message: PhantomData,
        })? {
            match index {
                Some(index) => {
                    expected = index + 1;
                    T::accept(&mut partial, index, &mut Entry(&mut map))?;
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        T::finish(partial, self.human_readable)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<T, A::Error> {
        const CHANGED: &str = "number of fields in array-encoded struct has changed";
        if array.size_hint().is_some_and(|len| len != T::COUNT) {
            return Err(de::Error::custom(CHANGED));
        }
        let mut partial = T::Partial::default();
        let mut source = Element { array: &mut array, ended: false };
        for index in 0..T::COUNT {
            T::accept(&mut partial, index, &mut source)?;
        }
        if source.ended || array.next_element::<IgnoredAny>()?.is_some() {
            return Err(de::Error::custom(CHANGED));
        }
        T::finish(partial, self.human_readable)
    }

    fn visit_unit<E: de::Error>(self) -> Result<T, E> {
        T::finish(T::Partial::default(), self.human_readable)
    }
}

/// Finds the field that a key names; `None` for one the message does not have.
struct Key<T> {
    /// The field behind the last one: mostly they come in order.
    expected: usize,
    human_readable: bool,
    message: PhantomData<fn() -> T>,
}

impl<'de, T: Message> DeserializeSeed<'de> for Key<T> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        // In a binary format bytes are compared, which saves the check whether they are UTF-8.
        if self.human_readable {
            deserializer.deserialize_identifier(self)
        } else {
            deserializer.deserialize_bytes(self)
        }
    }
}

impl<T: Message> Visitor<'_> for Key<T> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name of a field of {}", T::NAME)
    }

    #[inline]
    fn visit_str<E: de::Error>(self, name: &str) -> Result<Option<usize>, E> {
        let fields = if self.human_readable { T::READABLE_FIELDS } else { T::FIELDS };
        if T::COUNT == fields.len() && fields.get(self.expected) == Some(&name) {
            return Ok(Some(self.expected));
        }
        let found = T::index(name, self.human_readable, false)
            .or_else(|| if self.human_readable { T::index(name, true, true) } else { None });
        if T::STRICT && found.is_none() {
            return Err(E::custom(format_args!("{} has no field of this name, and is strict", T::NAME)));
        }
        Ok(found)
    }

    #[inline]
    fn visit_bytes<E: de::Error>(self, name: &[u8]) -> Result<Option<usize>, E> {
        if !self.human_readable
            && T::COUNT == T::FIELDS.len()
            && T::FIELDS.get(self.expected).is_some_and(|field| field.as_bytes() == name)
        {
            return Ok(Some(self.expected));
        }
        // Field names are UTF-8, so a name that is not names none of them.
        self.visit_str(std::str::from_utf8(name).unwrap_or("\u{fffd}"))
    }
}
