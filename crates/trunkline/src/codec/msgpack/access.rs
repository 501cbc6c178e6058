//! What a visitor sees of an array, a map, an enum: its elements one by one.

use serde::de::{self, DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::super::fault::Fault;
use super::de::Deserializer;
use super::read::{Reader, Token};

pub(super) struct Elements<'a, 'de, 'u> {
    pub(super) de: &'a mut Deserializer<'de, 'u>,
    pub(super) index: usize,
    pub(super) len: usize,
    /// Names of the elements, when they are the fields of a struct.
    pub(super) names: &'static [&'static str],
}

impl Elements<'_, '_, '_> {
    /// A visitor need not take all: an array of fewer elements in Go takes the first ones.
    pub(super) fn skip_rest(&mut self) -> Result<(), Fault> {
        while self.index < self.len {
            self.index += 1;
            self.de.reader.skip()?;
        }
        Ok(())
    }
}

impl<'de> SeqAccess<'de> for &mut Elements<'_, 'de, '_> {
    type Error = Fault;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        if self.index == self.len {
            return Ok(None);
        }
        let index = self.index;
        self.index += 1;
        let name = self.names.get(index);
        if let Some(unknown) = &mut self.de.unknown {
            match name {
                Some(name) => unknown.enter_field(name.as_bytes()),
                None => unknown.enter_element(index),
            }
        }
        let value = seed.deserialize(&mut *self.de).map_err(|fault| match name {
            Some(name) => fault.in_field(name.as_bytes()),
            None => fault.in_element(index),
        })?;
        if let Some(unknown) = &mut self.de.unknown {
            unknown.leave();
        }
        Ok(Some(value))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.len - self.index)
    }
}

pub(super) struct Entries<'a, 'de, 'u> {
    pub(super) de: &'a mut Deserializer<'de, 'u>,
    pub(super) left: usize,
    /// Where the key of the value that is next begins, for the path in an error.
    pub(super) key: Reader<'de>,
}

impl Entries<'_, '_, '_> {
    pub(super) fn skip_rest(&mut self) -> Result<(), Fault> {
        while self.left > 0 {
            self.left -= 1;
            self.de.reader.skip()?;
            self.de.reader.skip()?;
        }
        Ok(())
    }
}

/// The key at the head of `key`, as text.
#[cold]
fn key_text(mut key: Reader<'_>) -> Vec<u8> {
    match key.token() {
        Ok(Token::Str(text) | Token::Bin(text)) => text.to_vec(),
        Ok(Token::Uint(number)) => number.to_string().into_bytes(),
        Ok(Token::Int(number)) => number.to_string().into_bytes(),
        Ok(other) => other.describe().into_bytes(),
        Err(_) => Vec::new(),
    }
}

impl<'de> MapAccess<'de> for &mut Entries<'_, 'de, '_> {
    type Error = Fault;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.key = self.de.reader;
        seed.deserialize(&mut *self.de).map(Some).map_err(|fault| fault.in_field(&key_text(self.key)))
    }

    #[inline]
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        if let Some(unknown) = &mut self.de.unknown {
            unknown.enter_field(&key_text(self.key));
        }
        let value = seed.deserialize(&mut *self.de).map_err(|fault| fault.in_field(&key_text(self.key)))?;
        if let Some(unknown) = &mut self.de.unknown {
            unknown.leave();
        }
        Ok(value)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

pub(super) struct Variant<'a, 'de, 'u> {
    pub(super) de: &'a mut Deserializer<'de, 'u>,
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de, '_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Fault> {
        let variant = seed.deserialize(&mut *self.de)?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de, '_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        self.de.reader.skip()
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self.de)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        de::Deserializer::deserialize_tuple(self.de, len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        de::Deserializer::deserialize_struct(self.de, "", fields, visitor)
    }
}
