//! The serde deserializer, as lenient as Go's.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, IntoDeserializer, Visitor};

use super::super::fault::Fault;
use super::super::printable::printable;
use super::super::tagged::Tagged;
use super::super::unknown::Unknown;
use super::super::zero::Zero;
use super::access::{Elements, Entries, Variant};
use super::base64;
use super::read::{DEEPEST, Number, Reader, Text, too_deep};
use crate::types::token;

pub(super) struct Deserializer<'de, 'u> {
    pub(super) reader: Reader<'de>,
    depth: u32,
    /// Where to note fields nobody asked for.
    pub(super) unknown: Option<Unknown<'u>>,
}

impl<'de, 'u> Deserializer<'de, 'u> {
    pub(super) fn new(input: &'de [u8], unknown: Option<Unknown<'u>>) -> Self {
        Self { reader: Reader::new(input), depth: 0, unknown }
    }

    fn zero(&self) -> Zero<Fault> {
        Zero::new(true)
    }

    /// Goes one level down for the time of `inside`.
    fn nested<T>(&mut self, inside: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth == DEEPEST {
            return Err(too_deep());
        }
        self.depth += 1;
        let value = inside(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn array<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Fault> {
        self.reader.advance();
        self.nested(|de| {
            let mut elements = Elements { de, index: 0, ended: false };
            let value = visitor.visit_seq(&mut elements)?;
            while elements.more()? {
                elements.de.reader.skip()?;
            }
            Ok(value)
        })
    }

    fn object<V: Visitor<'de>>(
        &mut self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.reader.advance();
        self.nested(|de| {
            let mut entries = Entries { de, fields, index: 0, ended: false, key: (0, 0) };
            let value = visitor.visit_map(&mut entries)?;
            while entries.more()? {
                entries.de.reader.key()?;
                entries.de.reader.skip()?;
            }
            Ok(value)
        })
    }

    fn text<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Fault> {
        match self.reader.string()? {
            Text::Borrowed(text) => visitor.visit_borrowed_str(text),
            Text::Scratch => visitor.visit_str(self.reader.resolved(Text::Scratch)),
        }
    }

    /// A byte slice is base64 in JSON.
    fn base64(&mut self, expected: &str) -> Result<Vec<u8>, Fault> {
        let text = self.reader.string()?;
        let text = self.reader.resolved(text);
        base64::decode(text.as_bytes()).map_err(|at| {
            Fault::new(format!(
                "found string {:?}, expected {expected}: it stops being base64 at byte {at}",
                printable(text.as_bytes())
            ))
        })
    }

    #[inline]
    fn integer<T: std::str::FromStr + TryFrom<i64>>(&mut self, name: &str) -> Result<T, Fault> {
        if let Some(b'-' | b'0'..=b'9') = self.reader.peek()
            && let Some(value) = self.reader.small_integer()
        {
            return T::try_from(value).map_err(|_| does_not_fit(&value.to_string(), name));
        }
        self.large_integer(name)
    }

    fn large_integer<T: std::str::FromStr>(&mut self, name: &str) -> Result<T, Fault> {
        match self.reader.peek() {
            Some(b'-' | b'0'..=b'9') => {
                let number = self.reader.number()?;
                if !number.integer {
                    return Err(Fault::new(format!("found number {}, expected {name}", short(number.text))));
                }
                number.text.parse().map_err(|_| does_not_fit(number.text, name))
            }
            _ => Err(self.wrong(name)),
        }
    }

    /// A number for a visitor that takes anything.
    fn any_number<V: Visitor<'de>>(&mut self, visitor: V, keep_text: bool) -> Result<V::Value, Fault> {
        let number = self.reader.number()?;
        if number.integer && number.text != "-0" {
            if let Ok(value) = number.text.parse::<u64>() {
                return visitor.visit_u64(value);
            }
            if let Ok(value) = number.text.parse::<i64>() {
                return visitor.visit_i64(value);
            }
        }
        if keep_text {
            return visitor.visit_enum(Tagged {
                name: token::NUMBER,
                inside: BorrowedStrDeserializer::new(number.text),
            });
        }
        visitor.visit_f64(float(number, "f64")?)
    }

    fn any<V: Visitor<'de>>(&mut self, visitor: V, keep_text: bool) -> Result<V::Value, Fault> {
        match self.reader.peek() {
            Some(b'n') => {
                self.reader.word("null")?;
                visitor.visit_unit()
            }
            Some(b't') => {
                self.reader.word("true")?;
                visitor.visit_bool(true)
            }
            Some(b'f') => {
                self.reader.word("false")?;
                visitor.visit_bool(false)
            }
            Some(b'"') => self.text(visitor),
            Some(b'[') => self.array(visitor),
            Some(b'{') => self.object(&[], visitor),
            Some(b'-' | b'0'..=b'9') => self.any_number(visitor, keep_text),
            _ => Err(self.reader.unexpected("looking for beginning of value")),
        }
    }

    /// The error for a value of another kind than `expected`.
    #[cold]
    fn wrong(&mut self, expected: &str) -> Fault {
        let found = match self.reader.peek() {
            Some(b'"') => match self.reader.string() {
                Ok(text) => format!("string {:?}", printable(self.reader.resolved(text).as_bytes())),
                Err(fault) => return fault,
            },
            Some(b'-' | b'0'..=b'9') => match self.reader.number() {
                Ok(number) => format!("number {}", short(number.text)),
                Err(fault) => return fault,
            },
            Some(b'{') => "an object".to_owned(),
            Some(b'[') => "an array".to_owned(),
            Some(b't') => "true".to_owned(),
            Some(b'f') => "false".to_owned(),
            Some(b'n') => "null".to_owned(),
            _ => return self.reader.unexpected("looking for beginning of value"),
        };
        Fault::new(format!("found {found}, expected {expected}"))
    }
}

#[cold]
fn does_not_fit(value: &str, name: &str) -> Fault {
    Fault::new(format!("{} does not fit in {name}", short(value)))
}

/// A number's text as it may stand in an error.
fn short(text: &str) -> String {
    printable(text.as_bytes())
}

fn float<T>(number: Number<'_>, name: &str) -> Result<T, Fault>
where
    T: std::str::FromStr + Into<f64> + Copy,
{
    match number.text.parse::<T>() {
        Ok(value) if value.into().is_finite() => Ok(value),
        _ => Err(does_not_fit(number.text, name)),
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $ty:ident;)+) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let value = if self.reader.null()? { 0 } else { self.integer::<$ty>(stringify!($ty))? };
            visitor.$visit(value)
        }
    )+};
}

macro_rules! floats {
    ($($method:ident $visit:ident $ty:ident;)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            match self.reader.peek() {
                Some(b'-' | b'0'..=b'9') => visitor.$visit(float(self.reader.number()?, stringify!($ty))?),
                Some(b'n') => {
                    self.reader.word("null")?;
                    visitor.$visit(0.0)
                }
                _ => Err(self.wrong(stringify!($ty))),
            }
        }
    )+};
}

impl<'de> de::Deserializer<'de> for &mut Deserializer<'de, '_> {
    type Error = Fault;

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

    floats! {
        deserialize_f32 visit_f32 f32;
        deserialize_f64 visit_f64 f64;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.any(visitor, false)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let value = match self.reader.peek() {
            Some(b't') => self.reader.word("true").map(|()| true)?,
            Some(b'f') => self.reader.word("false").map(|()| false)?,
            Some(b'n') => self.reader.word("null").map(|()| false)?,
            _ => return Err(self.wrong("bool")),
        };
        visitor.visit_bool(value)
    }

    /// One character as text, or its number: Go's `rune` is an `int32`.
    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.reader.peek() {
            Some(b'"') => self.text(visitor),
            Some(b'n') => {
                self.reader.word("null")?;
                visitor.visit_char('\0')
            }
            Some(b'0'..=b'9') => {
                let code: u32 = self.integer("char")?;
                match char::from_u32(code) {
                    Some(c) => visitor.visit_char(c),
                    None => Err(does_not_fit(&code.to_string(), "char")),
                }
            }
            _ => Err(self.wrong("char")),
        }
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.reader.peek() {
            Some(b'"') => self.text(visitor),
            Some(b'n') => {
                self.reader.word("null")?;
                visitor.visit_borrowed_str("")
            }
            _ => Err(self.wrong("a string")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.reader.peek() {
            Some(b'"') => visitor.visit_byte_buf(self.base64("bytes")?),
            Some(b'n') => {
                self.reader.word("null")?;
                visitor.visit_borrowed_bytes(&[])
            }
            // Go takes an array of numbers for a byte slice as well.
            Some(b'[') => self.array(visitor),
            _ => Err(self.wrong("bytes")),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_bytes(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.reader.null()? { visitor.visit_none() } else { visitor.visit_some(self) }
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
        if name == token::ANY { self.any(visitor, true) } else { visitor.visit_newtype_struct(self) }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.reader.peek() {
            Some(b'[') => self.array(visitor),
            Some(b'"') => {
                let bytes = self.base64("an array")?;
                visitor.visit_seq(de::value::SeqDeserializer::new(bytes.into_iter()))
            }
            Some(b'n') => {
                self.reader.word("null")?;
                self.zero().deserialize_seq(visitor)
            }
            _ => Err(self.wrong("an array")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        if self.reader.null()? {
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

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_struct("", &[], visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.reader.peek() {
            Some(b'{') => self.object(fields, visitor),
            Some(b'n') => {
                self.reader.word("null")?;
                self.zero().deserialize_struct(name, fields, visitor)
            }
            _ => Err(self.wrong("an object")),
        }
    }

    /// A variant's name, its number, or an object of one member from its name to what it holds.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.reader.peek() {
            Some(b'"') => {
                let text = self.reader.string()?;
                visitor.visit_enum(self.reader.resolved(text).into_deserializer())
            }
            Some(b'0'..=b'9') => {
                let index: u32 = self.integer("an enum's number")?;
                visitor.visit_enum(index.into_deserializer())
            }
            Some(b'n') => {
                self.reader.word("null")?;
                self.zero().deserialize_enum(name, variants, visitor)
            }
            Some(b'{') => {
                self.reader.advance();
                self.nested(|de| {
                    let value = visitor.visit_enum(Variant { de: &mut *de })?;
                    if de.reader.take(b'}') {
                        return Ok(value);
                    }
                    Err(de.reader.unexpected("after an enum's only member"))
                })
            }
            _ => Err(self.wrong("an enum: a name, or an object of one member")),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if let Some(unknown) = &mut self.unknown {
            unknown.ignored();
        }
        self.reader.skip()?;
        visitor.visit_unit()
    }
}
