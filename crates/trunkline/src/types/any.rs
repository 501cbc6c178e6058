//! Go's `any`.

use std::fmt;

use bytes::Bytes;
use serde::de::{self, Deserialize, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::ser::{self, Serialize, SerializeMap, SerializeSeq, Serializer};

use super::time::Time;
use super::token;

/// A value whose type is not known beforehand: Go's `any`.
///
/// What either format tells apart it tells apart too: integers of either sign, floats, text and bytes, times,
/// and in JSON a number whose text a float would not keep. The entries of a map stay in their order.
///
/// ```
/// # #[cfg(feature = "json")] {
/// # use trunkline::codec::{Decode, Json};
/// # use trunkline::types::Any;
/// let any: Any = Json::decode(&r#"{"n": 7, "price": 1.10, "tags": ["a"]}"#.into())?;
/// assert_eq!(any.get("n").and_then(Any::as_i64), Some(7));
/// assert_eq!(any.get("price"), Some(&Any::Number("1.10".into())));
/// assert_eq!(any.get("tags").and_then(|tags| tags.at(0)).and_then(Any::as_str), Some("a"));
/// # }
/// # Ok::<(), trunkline::codec::CodecError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Any {
    /// nil, null.
    #[default]
    Nil,
    /// A truth value.
    Bool(bool),
    /// A negative integer, or one that was made from an `i64`.
    Int(i64),
    /// An integer that is not negative.
    Uint(u64),
    /// A floating-point number.
    Float(f64),
    /// A JSON number whose text says more than a float would keep: `1.10`, or thirty digits.
    Number(String),
    /// Text.
    Text(String),
    /// Bytes. JSON has none: they become base64 text there.
    Bytes(Bytes),
    /// A time, in MessagePack. In JSON it is text.
    Time(Time),
    /// Another extension of MessagePack: its type, its data.
    Ext(i8, Bytes),
    /// An array.
    List(Vec<Self>),
    /// A map, in the order it came in.
    Map(Vec<(Self, Self)>),
}

impl Any {
    /// The value of the entry with this text as its key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| name.as_str() == Some(key)).map(|(_, value)| value)
    }

    /// The element of a list.
    pub fn at(&self, index: usize) -> Option<&Self> {
        let Self::List(list) = self else { return None };
        list.get(index)
    }

    /// Whether it is nil.
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// The truth value it is.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The integer it is, if it fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::Uint(value) => i64::try_from(*value).ok(),
            _ => None,
        }
    }

    /// The integer it is, if it fits.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Int(value) => u64::try_from(*value).ok(),
            Self::Uint(value) => Some(*value),
            _ => None,
        }
    }

    /// The number it is, as near as a float comes to it.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::Uint(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The text it is; bytes that are UTF-8 count, since Go's formats mix the two.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }
}

macro_rules! from {
    ($($ty:ty, $value:ident => $any:expr;)+) => {$(
        impl From<$ty> for Any {
            fn from($value: $ty) -> Self {
                $any
            }
        }
    )+};
}

from! {
    bool, value => Self::Bool(value);
    i32, value => Self::from(i64::from(value));
    i64, value => u64::try_from(value).map_or(Self::Int(value), Self::Uint);
    u32, value => Self::Uint(value.into());
    u64, value => Self::Uint(value);
    f64, value => Self::Float(value);
    &str, value => Self::Text(value.to_owned());
    String, value => Self::Text(value);
    Bytes, value => Self::Bytes(value);
    Time, value => Self::Time(value);
    Vec<Any>, value => Self::List(value);
}

impl<K: Into<Self>, V: Into<Self>> FromIterator<(K, V)> for Any {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nil => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Uint(value) => serializer.serialize_u64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Number(text) if !serializer.is_human_readable() => match text.parse() {
                Ok(value) => serializer.serialize_f64(value),
                Err(_) => Err(ser::Error::custom(format_args!("{text:?} is not a number"))),
            },
            Self::Number(text) if is_json_number(text) => {
                serializer.serialize_newtype_struct(token::NUMBER, text)
            }
            Self::Number(text) => Err(ser::Error::custom(format_args!("{text:?} is not a JSON number"))),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => bytes.serialize(serializer),
            Self::Time(time) => time.serialize(serializer),
            Self::Ext(_, data) if serializer.is_human_readable() => data.serialize(serializer),
            Self::Ext(ty, data) => {
                let bytes = [&[*ty as u8], &data[..]].concat();
                serializer.serialize_newtype_struct(token::EXT, &Bytes::from(bytes))
            }
            Self::List(list) => {
                let mut seq = serializer.serialize_seq(Some(list.len()))?;
                for element in list {
                    seq.serialize_element(element)?;
                }
                seq.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

/// Whether JSON takes this text for a number: it goes out without quotes, so nothing else may pass.
fn is_json_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    if whole == 0 || (whole > 1 && text.starts_with('0')) {
        return false;
    }
    let mut rest = &text[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let len = digits(fraction);
        if len == 0 {
            return false;
        }
        rest = &fraction[len..];
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let len = digits(exponent);
        if len == 0 {
            return false;
        }
        rest = &exponent[len..];
    }
    rest.is_empty()
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(token::ANY, AnyVisitor)
    }
}

struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Any;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    /// A format that does not know of us, or a nil.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Any, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_unit<E>(self) -> Result<Any, E> {
        Ok(Any::Nil)
    }

    fn visit_none<E>(self) -> Result<Any, E> {
        Ok(Any::Nil)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Any, D::Error> {
        Any::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Any, E> {
        Ok(Any::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Any, E> {
        Ok(Any::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Any, E> {
        Ok(Any::Uint(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Any, E> {
        Ok(Any::Float(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Any, E> {
        Ok(Any::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Any, E> {
        Ok(Any::Text(text))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Any, E> {
        Ok(Any::Bytes(Bytes::copy_from_slice(bytes)))
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Any, E> {
        Ok(Any::Bytes(bytes.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Any, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = seq.next_element()? {
            list.push(element);
        }
        Ok(Any::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Any, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Any::Map(entries))
    }

    /// What serde has no word for: an extension, or a number with its text.
    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Any, A::Error> {
        let (name, inside) = data.variant::<String>()?;
        match name.as_str() {
            token::EXT => {
                let ext: Bytes = inside.newtype_variant()?;
                match ext.split_first() {
                    Some((0xff, _)) => Ok(match Time::from_extension(&ext) {
                        Ok(time) => Any::Time(time),
                        Err(_) => Any::Ext(-1, ext.slice(1..)),
                    }),
                    Some((ty, _)) => Ok(Any::Ext(*ty as i8, ext.slice(1..))),
                    None => Err(de::Error::custom("an extension without a type")),
                }
            }
            token::NUMBER => {
                let text: String = inside.newtype_variant()?;
                Ok(match text.parse::<f64>() {
                    Ok(value) if value.is_finite() && value.to_string() == text => Any::Float(value),
                    _ => Any::Number(text),
                })
            }
            _ => Err(de::Error::custom(format_args!("an enum, {name:?}, where any plain value could stand"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_json_number_goes_out_without_quotes() {
        for text in ["0", "-0", "1.10", "1e9", "1E+9", "-1.5e-9", "123456789012345678901234567890"] {
            assert!(is_json_number(text), "{text}");
        }
        for text in ["", "-", "01", "1.", ".5", "1e", "1e+", "+1", "inf", "NaN", "1 ", "1,2", "\"", "0x10"] {
            assert!(!is_json_number(text), "{text}");
        }
    }

    #[test]
    fn what_it_is_can_be_asked() {
        let any: Any = [("n", Any::from(-1_i64)), ("big", Any::from(u64::MAX))].into_iter().collect();
        assert_eq!(any.get("n").and_then(Any::as_i64), Some(-1));
        assert_eq!(any.get("n").and_then(Any::as_u64), None);
        assert_eq!(any.get("big").and_then(Any::as_i64), None);
        assert_eq!(any.get("big").and_then(Any::as_f64), Some(u64::MAX as f64));
        assert!(any.get("other").is_none() && any.at(0).is_none());
        assert_eq!(Any::Bytes(Bytes::from_static(b"ab")).as_str(), Some("ab"));
    }
}
