//! Enums that travel as their number, like Go's constants counted with `iota`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserializer, Visitor};

/// An enum with a number for each variant.
#[doc(hidden)]
pub trait Number: Sized {
    /// The Rust type's name.
    const NAME: &'static str;
    /// Every known variant, with its number.
    const NUMBERS: &'static [(&'static str, i64)];

    /// The variant with this number; the catch-all for an unknown one.
    fn from_number(number: i64) -> Option<Self>;
}

/// Deserializes a variant from its number.
#[doc(hidden)]
pub fn receive_number<'de, T: Number, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_i64(NumberVisitor(PhantomData))
}

struct NumberVisitor<T>(PhantomData<fn() -> T>);

impl<T: Number> Visitor<'_> for NumberVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the number of a {}", T::NAME)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        T::from_number(number).ok_or_else(|| {
            let known: Vec<_> =
                T::NUMBERS.iter().map(|(name, number)| format!("{number} ({name})")).collect();
            E::custom(format_args!("{number} is no {}; known are {}", T::NAME, known.join(", ")))
        })
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        match i64::try_from(number) {
            Ok(number) => self.visit_i64(number),
            Err(_) => Err(E::custom(format_args!("{number} is no {}", T::NAME))),
        }
    }
}
