//! The key of a JSON object, as the type that a map's keys have.

use serde::de::{self, IntoDeserializer, Visitor};

use super::super::fault::Fault;
use super::super::printable::printable;

/// A key's text. Go writes integer keys as text, so text that is asked for as a number is one.
pub(super) enum Member<'de, 'a> {
    Borrowed(&'de str),
    /// Had escapes; gone with the next string.
    Transient(&'a str),
}

impl Member<'_, '_> {
    fn text(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Transient(text) => text,
        }
    }

    fn parse<T: std::str::FromStr>(&self, name: &str) -> Result<T, Fault> {
        self.text()
            .parse()
            .map_err(|_| Fault::new(format!("the key {:?} is not {name}", printable(self.text().as_bytes()))))
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident $ty:ident;)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            visitor.$visit(self.parse::<$ty>(stringify!($ty))?)
        }
    )+};
}

impl<'de> de::Deserializer<'de> for Member<'de, '_> {
    type Error = Fault;

    parsed! {
        deserialize_bool visit_bool bool;
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
        match self {
            Self::Borrowed(text) => visitor.visit_borrowed_str(text),
            Self::Transient(text) => visitor.visit_str(text),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_enum(self.text().into_deserializer())
    }

    serde::forward_to_deserialize_any! {
        f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}
