//! Values that serde has no word for, handed to a visitor that takes anything.

use serde::de::{self, DeserializeSeed, EnumAccess, Visitor};

/// A value that serde has no word for: a name of [`crate::types::token`], and what is inside.
pub(crate) struct Tagged<D> {
    pub(crate) name: &'static str,
    pub(crate) inside: D,
}

impl<'de, D: de::Deserializer<'de>> EnumAccess<'de> for Tagged<D> {
    type Error = D::Error;
    type Variant = Inside<D>;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Inside<D>), D::Error> {
        let name = seed.deserialize(de::value::BorrowedStrDeserializer::new(self.name))?;
        Ok((name, Inside(self.inside)))
    }
}

/// What a [`Tagged`] holds.
pub(crate) struct Inside<D>(D);

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
