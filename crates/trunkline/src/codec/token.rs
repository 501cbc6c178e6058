//! Names of newtype structs by which our own types and formats recognise each other through serde.
//!
//! serde has no word for a MessagePack extension or for a number that keeps its text. A type that has one
//! serializes as a newtype struct with one of these names; other formats see only what is inside.

#[cfg(any(feature = "msgpack", feature = "json"))]
use serde::de::{self, DeserializeSeed, EnumAccess, Visitor};

/// Inside are bytes: an extension's type, then its data.
pub(crate) const EXT: &str = "$trunkline::ext";

/// Inside is the text of a JSON number, to be written without quotes.
pub(crate) const NUMBER: &str = "$trunkline::number";

/// Asks for anything, extensions and numbers with their text included. Those come as [`Tagged`] enums.
pub(crate) const ANY: &str = "$trunkline::any";

/// A value that serde has no word for: one of the names above, and what is inside.
#[cfg(any(feature = "msgpack", feature = "json"))]
pub(crate) struct Tagged<D> {
    pub(crate) name: &'static str,
    pub(crate) inside: D,
}

#[cfg(any(feature = "msgpack", feature = "json"))]
impl<'de, D: de::Deserializer<'de>> EnumAccess<'de> for Tagged<D> {
    type Error = D::Error;
    type Variant = Inside<D>;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Inside<D>), D::Error> {
        let name = seed.deserialize(de::value::BorrowedStrDeserializer::new(self.name))?;
        Ok((name, Inside(self.inside)))
    }
}

/// What a [`Tagged`] holds.
#[cfg(any(feature = "msgpack", feature = "json"))]
pub(crate) struct Inside<D>(D);

#[cfg(any(feature = "msgpack", feature = "json"))]
impl<'de, D: de::Deserializer<'de>> de::VariantAccess<'de> for Inside<D> {
    type Error = D::Error;

    fn unit_variant(self) -> Result<(), D::Error> {
        <de::IgnoredAny as de::Deserialize>::deserialize(self.0).map(drop)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, D::Error> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_struct("", fields, visitor)
    }
}
