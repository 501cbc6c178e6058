//! The serde deserializer, as lenient as Go's decoder and no more trusting than it has to be.

use std::str;

use serde::de::{self, IntoDeserializer, Unexpected, Visitor};

use super::super::fault::Fault;
use super::super::printable::printable;
use super::super::tagged::Tagged;
use super::super::unknown::Unknown;
use super::super::zero::Zero;
use super::access::{Elements, Entries, Variant};
use super::read::{Reader, Token};
use crate::types::token;

/// How deep arrays and maps may nest. What is skipped may nest deeper.
const DEEPEST: u16 = 128;

/// Go's text for an array that should be a struct and has another number of elements.
const ARRAY_STRUCT: &str = "number of fields in array-encoded struct has changed";

pub(super) struct Deserializer<'de, 'u> {
    pub(super) reader: Reader<'de>,
    depth: u16,
    /// Where to note fields nobody asked for.
    pub(super) unknown: Option<Unknown<'u>>,
}

impl<'de, 'u> Deserializer<'de, 'u> {
    pub(super) fn new(input: &'de [u8], unknown: Option<Unknown<'u>>) -> Self {
        Self { reader: Reader::new(input), depth: 0, unknown }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.reader.is_empty()
    }

    fn zero(&self) -> Zero<Fault> {
        Zero::new(false)
    }

    /// Goes one level down for the time of `inside`.
    fn nested<T>(&mut self, inside: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth == DEEPEST {
            return Err(Fault::new(format!("arrays and maps nest deeper than {DEEPEST}")));
        }
        self.depth += 1;
        let value = inside(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn array<V: Visitor<'de>>(&mut self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        self.nested(|de| {
            let mut elements = Elements { de, index: 0, len, names: &[] };
            let value = visitor.visit_seq(&mut elements)?;
            elements.skip_rest()?;
            Ok(value)
        })
    }

    fn map<V: Visitor<'de>>(&mut self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        self.nested(|de| {
            let mut entries = Entries { key: de.reader, de, left: len };
            let value = visitor.visit_map(&mut entries)?;
            entries.skip_rest()?;
            Ok(value)
        })
    }

    /// Bytes as a sequence of `u8`, for a `Vec<u8>` that does not know it is bytes.
    fn bytes_as_seq<V: Visitor<'de>>(bytes: &'de [u8], visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(de::value::SeqDeserializer::new(bytes.iter().copied()))
    }

    #[inline]
    fn integer<T: TryFrom<u64> + TryFrom<i64> + TryFrom<u8>>(&mut self, name: &str) -> Result<T, Fault> {
        // Every integer type has room for 0 to 127.
        if let Some(value) = self.reader.small().and_then(|value| T::try_from(value).ok()) {
            return Ok(value);
        }
        self.large_integer(name)
    }

    fn large_integer<T: TryFrom<u64> + TryFrom<i64>>(&mut self, name: &str) -> Result<T, Fault> {
        match self.reader.token()? {
            Token::Uint(value) => T::try_from(value).map_err(|_| does_not_fit(value, name)),
            Token::Int(value) => T::try_from(value).map_err(|_| does_not_fit(value, name)),
            other => Err(wrong(&other, name)),
        }
    }

    /// Whatever is there. An extension comes as [`Tagged`] to who knows of it, else as a newtype.
    fn any<V: Visitor<'de>>(&mut self, visitor: V, tagged: bool) -> Result<V::Value, Fault> {
        match self.reader.token()? {
            Token::Nil => visitor.visit_unit(),
            Token::Bool(value) => visitor.visit_bool(value),
            Token::Uint(value) => visitor.visit_u64(value),
            Token::Int(value) => visitor.visit_i64(value),
            Token::F32(value) => visitor.visit_f32(value),
            Token::F64(value) => visitor.visit_f64(value),
            Token::Str(text) => match str::from_utf8(text) {
                Ok(text) => visitor.visit_borrowed_str(text),
                Err(_) => visitor.visit_borrowed_bytes(text),
            },
            Token::Bin(bytes) => visitor.visit_borrowed_bytes(bytes),
            Token::Array(len) => self.array(len, visitor),
            Token::Map(len) => self.map(len, visitor),
            Token::Ext(ext) if tagged => visitor.visit_enum(Tagged {
                name: token::EXT,
                inside: de::value::BorrowedBytesDeserializer::new(ext),
            }),
            Token::Ext(ext) => visitor.visit_newtype_struct(de::value::BorrowedBytesDeserializer::new(ext)),
        }
    }
}

#[cold]
fn does_not_fit(value: impl std::fmt::Display, name: &str) -> Fault {
    Fault::new(format!("{value} does not fit in {name}"))
}

#[cold]
fn wrong(found: &Token<'_>, expected: &str) -> Fault {
    Fault::new(format!("found {}, expected {expected}", found.describe()))
}

fn utf8(text: &[u8]) -> Result<&str, Fault> {
    str::from_utf8(text).map_err(|_| {
        Fault::new(format!("the string {:?} is not UTF-8; take it as bytes instead", printable(text)))
    })
}

macro_rules! integers {
    ($($method:ident $visit:ident $ty:ident;)+) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let value = if self.reader.nil() { 0 } else { self.integer::<$ty>(stringify!($ty))? };
            visitor.$visit(value)
        }
    )+};
}

impl<'de> de::Deserializer<'de> for &mut Deserializer<'de, '_> {
    type Error = Fault;

    fn is_human_readable(&self) -> bool {
        false
    }

    integers! {
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_i128 visit_i128 i128;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_u128 visit_u128 u128;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.any(visitor, false)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.reader.token()? {
            Token::Bool(value) => visitor.visit_bool(value),
            Token::Nil => visitor.visit_bool(false),
            other => Err(wrong(&other, "bool")),
        }
    }

    /// Takes a float64 only where nothing is lost; Go takes none.
    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.reader.token()? {
            Token::F32(value) => visitor.visit_f32(value),
            Token::F64(value) if f64::from(value as f32) == value || value.is_nan() => {
                visitor.visit_f32(value as f32)
            }
            Token::F64(value) => Err(does_not_fit(value, "f32")),
            Token::Uint(value) => visitor.visit_f32(value as f32),
            Token::Int(value) => visitor.visit_f32(value as f32),
            Token::Nil => visitor.visit_f32(0.0),
            other => Err(wrong(&other, "f32")),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.reader.token()? {
            Token::F64(value) => visitor.visit_f64(value),
            Token::F32(value) => visitor.visit_f64(value.into()),
            Token::Uint(value) => visitor.visit_f64(value as f64),
            Token::Int(value) => visitor.visit_f64(value as f64),
            Token::Nil => visitor.visit_f64(0.0),
            other => Err(wrong(&other, "f64")),
        }
    }

    /// One character as text, or its number: Go's `rune` is an `int32`.
    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.reader.token()? {
            Token::Str(text) | Token::Bin(text) => visitor.visit_borrowed_str(utf8(text)?),
            Token::Uint(value) => match u32::try_from(value).ok().and_then(char::from_u32) {
                Some(c) => visitor.visit_char(c),
                None => Err(does_not_fit(value, "char")),
            },
            Token::Nil => visitor.visit_char('\0'),
            other => Err(wrong(&other, "char")),
        }
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.reader.text()? {
            Some(text) => visitor.visit_borrowed_str(utf8(text)?),
            None => match self.reader.token()? {
                Token::Nil => visitor.visit_borrowed_str(""),
                other => Err(wrong(&other, "a string")),
            },
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if let Some(bytes) = self.reader.text()? {
            return visitor.visit_borrowed_bytes(bytes);
        }
        match self.reader.token()? {
            Token::Nil => visitor.visit_borrowed_bytes(&[]),
            // An older Rust peer writes a `Vec<u8>` as an array of numbers.
            Token::Array(len) => self.array(len, visitor),
            other => Err(wrong(&other, "bytes")),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_bytes(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.reader.nil() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.reader.skip()?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if name == token::EXT {
            let mut ahead = self.reader;
            if let Token::Ext(ext) = ahead.token()? {
                self.reader = ahead;
                return visitor.visit_borrowed_bytes(ext);
            }
        }
        if name == token::ANY {
            return self.any(visitor, true);
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.reader.token()? {
            Token::Array(len) => self.array(len, visitor),
            Token::Bin(bytes) | Token::Str(bytes) => Deserializer::bytes_as_seq(bytes, visitor),
            Token::Nil => self.zero().deserialize_seq(visitor),
            other => Err(wrong(&other, "an array")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        if self.reader.nil() {
            self.zero().deserialize_tuple(len, visitor)
        } else {
            self.deserialize_seq(visitor)
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_tuple(len, visitor)
    }

    /// An array is handed on: a message with embedded fields is read as a map, and may come as an array.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.reader.token()? {
            Token::Map(len) => self.map(len, visitor),
            Token::Array(len) => self.array(len, visitor),
            Token::Nil => self.zero().deserialize_map(visitor),
            other => Err(wrong(&other, "a map")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.reader.token()? {
            Token::Map(len) => self.map(len, visitor),
            Token::Array(len) if len != fields.len() => Err(Fault::new(ARRAY_STRUCT)),
            Token::Array(len) => self.nested(|de| {
                let mut elements = Elements { de, index: 0, len, names: fields };
                let value = visitor.visit_seq(&mut elements)?;
                elements.skip_rest()?;
                Ok(value)
            }),
            Token::Nil => self.zero().deserialize_struct(name, fields, visitor),
            other => Err(wrong(&other, "a map")),
        }
    }

    /// A variant's name, its number, or a map of one entry from its name to what it holds.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.reader.token()? {
            Token::Str(text) | Token::Bin(text) => visitor.visit_enum(utf8(text)?.into_deserializer()),
            Token::Uint(index) => match u32::try_from(index) {
                Ok(index) => visitor.visit_enum(index.into_deserializer()),
                Err(_) => Err(de::Error::invalid_value(Unexpected::Unsigned(index), &name)),
            },
            Token::Map(1) => self.nested(|de| visitor.visit_enum(Variant { de })),
            Token::Nil => self.zero().deserialize_enum(name, variants, visitor),
            other => Err(wrong(&other, "an enum: a name, or a map of one entry")),
        }
    }

    #[inline]
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if let Some(text) = self.reader.text()? {
            return match str::from_utf8(text) {
                Ok(text) => visitor.visit_borrowed_str(text),
                Err(_) => visitor.visit_borrowed_bytes(text),
            };
        }
        match self.reader.token()? {
            Token::Uint(index) => visitor.visit_u64(index),
            Token::Nil => visitor.visit_borrowed_str(""),
            other => Err(wrong(&other, "a name")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if let Some(unknown) = &mut self.unknown {
            unknown.ignored();
        }
        self.reader.skip()?;
        visitor.visit_unit()
    }
}
