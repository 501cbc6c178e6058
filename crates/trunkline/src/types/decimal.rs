//! Decimal numbers as text.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, EnumAccess, VariantAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use super::token;

/// The longest text taken.
const LONGEST: usize = 4096;

/// A decimal number, kept as its text so that no digit is lost.
///
/// Its twin in Go is a type with `MarshalText` and `UnmarshalText` (`big.Int`, `big.Float`, `apd.Decimal`), a
/// `json.Number` or a plain `string`. Written as bytes in MessagePack and as text in JSON; read from text, bytes,
/// and numbers of any kind. The binary form of `shopspring/decimal` in MessagePack is read too; since that type
/// does not read text there, send it JSON or let the Go side use a string.
///
/// ```
/// # use trunkline::types::Decimal;
/// let price: Decimal = "19.90".parse()?;
/// assert_eq!(price.as_str(), "19.90");
/// assert!("19,90".parse::<Decimal>().is_err());
/// # Ok::<(), trunkline::types::DecimalError>(())
/// ```
///
/// Two decimals are equal when their texts are: `1.0` is not `1.00`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Decimal {
    text: String,
}

impl Decimal {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text, for another decimal type to parse.
    pub fn into_string(self) -> String {
        self.text
    }
}

impl Default for Decimal {
    fn default() -> Self {
        Self { text: "0".to_owned() }
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    /// An optional sign, digits, optionally a point and digits, optionally an exponent.
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        if text.len() <= LONGEST && is_decimal(text) {
            return Ok(Self { text: text.to_owned() });
        }
        let shown: String = text.chars().take(40).collect();
        Err(DecimalError(format!("{shown:?} is not a decimal number such as -19.90")))
    }
}

fn is_decimal(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent)),
        None => (text, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    let number = match number.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(number),
    };
    number && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&self.text)
        } else {
            serializer.serialize_bytes(self.text.as_bytes())
        }
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(token::ANY, DecimalVisitor)
    }
}

struct DecimalVisitor;

impl<'de> Visitor<'de> for DecimalVisitor {
    type Value = Decimal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal number")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Decimal, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Decimal, E> {
        Ok(Decimal::default())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Decimal, E> {
        Ok(Decimal { text: value.to_string() })
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Decimal, E> {
        Ok(Decimal { text: value.to_string() })
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Decimal, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
        if text.is_empty() { Ok(Decimal::default()) } else { text.parse().map_err(E::custom) }
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Decimal, E> {
        if let Ok(text) = std::str::from_utf8(bytes)
            && (text.is_empty() || is_decimal(text))
        {
            return self.visit_str(text);
        }
        match from_binary(bytes) {
            Some(text) => Ok(Decimal { text }),
            None => Err(E::custom(format_args!("{} bytes that are no decimal number", bytes.len()))),
        }
    }

    /// A JSON number with its text.
    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Decimal, A::Error> {
        let (name, inside) = data.variant::<String>()?;
        if name != token::NUMBER {
            return Err(de::Error::custom("an extension, where a decimal number was expected"));
        }
        inside.newtype_variant::<String>()?.parse().map_err(de::Error::custom)
    }
}

/// The binary form of Go's `shopspring/decimal`: the exponent in 32 bits, then a `big.Int` as gob writes it: a
/// byte with version 1 and the sign, then the magnitude.
fn from_binary(bytes: &[u8]) -> Option<String> {
    let (exponent, int) = bytes.split_first_chunk()?;
    let exponent = i32::from_be_bytes(*exponent);
    let (sign, magnitude) = match int.split_first() {
        None => ("", &[][..]),
        Some((2, magnitude)) => ("", magnitude),
        Some((3, magnitude)) => ("-", magnitude),
        Some(_) => return None,
    };
    // Turning it into digits takes time with the square of the length, so the length has a bound.
    if magnitude.len() > 512 || exponent.unsigned_abs() as usize > LONGEST / 2 {
        return None;
    }
    let mut digits = decimal_digits(magnitude);
    if exponent > 0 {
        return Some(format!("{sign}{digits}e{exponent}"));
    }
    let places = exponent.unsigned_abs() as usize;
    if digits.len() <= places {
        digits.insert_str(0, &"0".repeat(places + 1 - digits.len()));
    }
    if places > 0 {
        digits.insert(digits.len() - places, '.');
    }
    Some(format!("{sign}{digits}"))
}

/// The decimal digits of a big-endian number.
fn decimal_digits(magnitude: &[u8]) -> String {
    const GROUP: u64 = 1_000_000_000;
    // Nine digits in each, the lowest first.
    let mut groups: Vec<u64> = vec![0];
    for byte in magnitude {
        let mut carry = u64::from(*byte);
        for group in &mut groups {
            let value = *group * 256 + carry;
            *group = value % GROUP;
            carry = value / GROUP;
        }
        if carry > 0 {
            groups.push(carry);
        }
    }
    let mut digits = String::new();
    for (i, group) in groups.iter().rev().enumerate() {
        digits.push_str(&if i == 0 { group.to_string() } else { format!("{group:09}") });
    }
    digits
}

/// Text that is no decimal number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecimalError(String);

impl fmt::Display for DecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DecimalError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_decimal_number_is() {
        for text in ["0", "-19.90", "+1", "1e9", "1.5E-30", "007"] {
            assert_eq!(text.parse::<Decimal>().unwrap().as_str(), text);
        }
        for text in ["", "-", ".5", "1.", "1e", "1,5", "0x1", "NaN", "1 ", "--1", "1.2.3"] {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
        assert!("9".repeat(LONGEST + 1).parse::<Decimal>().is_err());
    }

    #[test]
    fn gos_binary_form_is_read() {
        for (bytes, text) in [
            (&b"\xff\xff\xff\xfe\x02\x07\xc6"[..], "19.90"),
            (b"\xff\xff\xff\xfe\x03\x07\xc6", "-19.90"),
            (b"\xff\xff\xff\xfd\x02\x05", "0.005"),
            (b"\x00\x00\x00\x00\x02\x2a", "42"),
            (b"\x00\x00\x00\x03\x02\x2a", "42e3"),
            (b"\x00\x00\x00\x00\x02", "0"),
            (
                b"\x00\x00\x00\x00\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                "340282366920938463463374607431768211455",
            ),
        ] {
            assert_eq!(from_binary(bytes).as_deref(), Some(text));
            assert!(is_decimal(text));
        }
        assert_eq!(from_binary(b"\x7f\xff\xff\xff\x02\x01"), None);
        assert_eq!(from_binary(b"\x00\x00\x00\x00\x09\x01"), None);
        assert_eq!(from_binary(b"\x00\x00"), None);
    }
}
