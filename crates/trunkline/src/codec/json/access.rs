//! What a visitor sees of an array, an object, an enum: its elements one by one.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::super::fault::Fault;
use super::super::message::same_but_for_case;
use super::de::Deserializer;
use super::member::Member;
use super::read::Text;

pub(super) struct Elements<'a, 'de, 'u> {
    pub(super) de: &'a mut Deserializer<'de, 'u>,
    pub(super) index: usize,
    pub(super) ended: bool,
}

impl Elements<'_, '_, '_> {
    /// Goes to the next element, or past the end of the array.
    pub(super) fn more(&mut self) -> Result<bool, Fault> {
        if self.ended {
            return Ok(false);
        }
        let first = self.index == 0;
        self.index += 1;
        match self.de.reader.peek() {
            Some(b']') => {
                self.de.reader.advance();
                self.ended = true;
                Ok(false)
            }
            _ if first => Ok(true),
            Some(b',') => {
                self.de.reader.advance();
                Ok(true)
            }
            _ => Err(self.de.reader.unexpected("after array element")),
        }
    }
}

impl<'de> SeqAccess<'de> for &mut Elements<'_, 'de, '_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let index = self.index;
        if !self.more()? {
            return Ok(None);
        }
        if let Some(unknown) = &mut self.de.unknown {
            unknown.enter_element(index);
        }
        let value = seed.deserialize(&mut *self.de).map_err(|fault| fault.in_element(index))?;
        if let Some(unknown) = &mut self.de.unknown {
            unknown.leave();
        }
        Ok(Some(value))
    }
}

pub(super) struct Entries<'a, 'de, 'u> {
    pub(super) de: &'a mut Deserializer<'de, 'u>,
    /// The names a struct knows; none for a map.
    pub(super) fields: &'static [&'static str],
    pub(super) index: usize,
    pub(super) ended: bool,
    /// Where the key of the value that is next begins and ends, for the path in an error.
    pub(super) key: (usize, usize),
}

impl<'de> Entries<'_, 'de, '_> {
    /// Goes to the next key, or past the end of the object.
    pub(super) fn more(&mut self) -> Result<bool, Fault> {
        if self.ended {
            return Ok(false);
        }
        let first = self.index == 0;
        self.index += 1;
        match self.de.reader.peek() {
            Some(b'}') => {
                self.de.reader.advance();
                self.ended = true;
                Ok(false)
            }
            _ if first => Ok(true),
            Some(b',') => {
                self.de.reader.advance();
                Ok(true)
            }
            _ => Err(self.de.reader.unexpected("after object key:value pair")),
        }
    }

    /// The key as it stands in the input, without its quotes.
    fn key_text(&self) -> &'de [u8] {
        self.de.reader.between(self.key.0, self.key.1)
    }
}

/// The field that `key` means: itself, or as in Go one that differs in case only.
fn field(fields: &[&'static str], expected: usize, key: &str) -> Option<&'static str> {
    // Fields mostly come in the order they are declared in.
    if fields.get(expected) == Some(&key) || fields.contains(&key) {
        return None;
    }
    fields.iter().find(|field| same_but_for_case(field, key)).copied()
}

impl<'de> MapAccess<'de> for &mut Entries<'_, 'de, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let expected = self.index;
        if !self.more()? {
            return Ok(None);
        }
        if self.de.reader.peek() != Some(b'"') {
            return Err(self.de.reader.unexpected("looking for beginning of object key string"));
        }
        let start = self.de.reader.offset() + 1;
        let text = self.de.reader.string()?;
        self.key = (start, self.de.reader.offset() - 1);
        let key = self.de.reader.resolved(text);
        let result = match field(self.fields, expected, key) {
            Some(name) => seed.deserialize(BorrowedStrDeserializer::new(name)),
            None => seed.deserialize(match text {
                Text::Borrowed(text) => Member::Borrowed(text),
                Text::Scratch => Member::Transient(key),
            }),
        };
        let key = result.map_err(|fault: Fault| fault.in_field(self.key_text()))?;
        if !self.de.reader.take(b':') {
            return Err(self.de.reader.unexpected("after object key"));
        }
        Ok(Some(key))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        if let Some(unknown) = &mut self.de.unknown {
            unknown.enter_field(self.de.reader.between(self.key.0, self.key.1));
        }
        let value = seed.deserialize(&mut *self.de).map_err(|fault| fault.in_field(self.key_text()))?;
        if let Some(unknown) = &mut self.de.unknown {
            unknown.leave();
        }
        Ok(value)
    }
}

pub(super) struct Variant<'a, 'de, 'u> {
    pub(super) de: &'a mut Deserializer<'de, 'u>,
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de, '_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Fault> {
        let text = self.de.reader.key()?;
        let variant = seed.deserialize(match text {
            Text::Borrowed(text) => Member::Borrowed(text),
            Text::Scratch => Member::Transient(self.de.reader.resolved(text)),
        })?;
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
