//! Enums that travel as text, like Go's named string constants.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserializer, Visitor};

use super::super::printable::printable;

/// An enum with a text for each variant.
#[doc(hidden)]
pub trait Text: Sized {
    /// The Rust type's name.
    const NAME: &'static str;
    /// Every known text.
    const TEXTS: &'static [&'static str];

    /// The variant with this text; the default variant for the empty one; the catch-all for an unknown one.
    fn from_text(text: &str) -> Option<Self>;
}

/// Deserializes a variant from its text.
#[doc(hidden)]
pub fn receive_text<'de, T: Text, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_str(TextVisitor(PhantomData))
}

struct TextVisitor<T>(PhantomData<fn() -> T>);

impl<T: Text> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {}", T::TEXTS.join(", "))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text).ok_or_else(|| {
            let known = T::TEXTS.join(", ");
            E::custom(format_args!("{:?} is no {}; known are {known}", printable(text.as_bytes()), T::NAME))
        })
    }
}
