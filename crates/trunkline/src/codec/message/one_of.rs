//! Enums whose variants hold something: a map of one entry. Go's twin is a struct with a pointer for each variant,
//! of which one is set; the others arrive as nil or not at all.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use super::super::printable::printable;
use super::position;
use super::receive::{Entry, Source};

/// An enum of which one variant is on the wire.
#[doc(hidden)]
pub trait OneOf<'de>: Sized {
    /// The Rust type's name.
    const NAME: &'static str;
    /// The variants' names in binary formats.
    const VARIANTS: &'static [&'static str];
    /// The variants' names in formats for people.
    const READABLE_VARIANTS: &'static [&'static str];
    /// Whether an unknown variant beside the known one is an error.
    const STRICT: bool;

    /// Takes what the variant at `index` holds; `None` when that is nil.
    fn accept<S: Source<'de>>(index: usize, source: &mut S) -> Result<Option<Self>, S::Error>;

    /// The variant at `index`, if it holds nothing.
    fn unit(index: usize) -> Option<Self>;

    /// The default variant.
    fn zero() -> Option<Self>;
}

/// What a variant holds that holds nothing: Go's `struct{}`.
#[doc(hidden)]
#[derive(Debug)]
pub struct Nothing;

impl Serialize for Nothing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit_struct("Nothing")
    }
}

impl<'de> Deserialize<'de> for Nothing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// Deserializes the variant that is there.
#[doc(hidden)]
pub fn receive_one_of<'de, T: OneOf<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let human_readable = deserializer.is_human_readable();
    deserializer.deserialize_any(OneOfVisitor { human_readable, of: PhantomData })
}

struct OneOfVisitor<T> {
    human_readable: bool,
    of: PhantomData<fn() -> T>,
}

impl<'de, T: OneOf<'de>> OneOfVisitor<T> {
    fn names(&self) -> &'static [&'static str] {
        if self.human_readable { T::READABLE_VARIANTS } else { T::VARIANTS }
    }

    fn index(&self, name: &str) -> Option<usize> {
        position(self.names(), name, false)
            .or_else(|| if self.human_readable { position(self.names(), name, true) } else { None })
    }

    fn zero<E: de::Error>(&self) -> Result<T, E> {
        T::zero().ok_or_else(|| {
            let known = self.names().join(", ");
            E::custom(format_args!(
                "no variant of {} is set, and none is the default; known are {known}",
                T::NAME
            ))
        })
    }
}

impl<'de, T: OneOf<'de>> Visitor<'de> for OneOfVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a map with one of {}", self.names().join(", "))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut found: Option<(usize, T)> = None;
        while let Some(name) = map.next_key::<String>()? {
            let Some(index) = self.index(&name) else {
                if T::STRICT {
                    let name = printable(name.as_bytes());
                    return Err(de::Error::custom(format_args!("{} has no variant {name}", T::NAME)));
                }
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if let Some(value) = T::accept(index, &mut Entry(&mut map))? {
                if let Some((first, _)) = found {
                    let (first, second) = (self.names()[first], self.names()[index]);
                    return Err(de::Error::custom(format_args!(
                        "{} is one variant, and both {first} and {second} are set",
                        T::NAME
                    )));
                }
                found = Some((index, value));
            }
        }
        match found {
            Some((_, value)) => Ok(value),
            None => self.zero(),
        }
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<T, E> {
        match self.index(name).and_then(T::unit) {
            Some(value) => Ok(value),
            None if name.is_empty() => self.zero(),
            None => Err(E::custom(format_args!(
                "{:?} is no variant of {} that holds nothing",
                printable(name.as_bytes()),
                T::NAME
            ))),
        }
    }

    fn visit_unit<E: de::Error>(self) -> Result<T, E> {
        self.zero()
    }
}
