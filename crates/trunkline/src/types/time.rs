//! Go's `time.Time`.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{self, Serialize, Serializer};

use super::calendar::{date_from_days, days_from_date, days_of_month};
use crate::codec::token;

const NANOS: u32 = 1_000_000_000;
const DAY: i64 = 86_400;

/// A point in time: Go's `time.Time`, in UTC, with nanoseconds.
///
/// Its zero value is Go's: the first second of year 1. In MessagePack it is the timestamp extension; it is also
/// read from Go's older forms (extension 13, an array of seconds and nanoseconds, RFC 3339 text). In JSON it is
/// RFC 3339 text with as many digits of the second as it takes; an offset in the text is converted to UTC.
///
/// ```
/// # use trunkline::types::Time;
/// let time: Time = "2026-11-21T10:30:00.25+01:00".parse()?;
/// assert_eq!(time.to_string(), "2026-11-21T09:30:00.25Z");
/// assert_eq!(Time::default().to_string(), "0001-01-01T00:00:00Z");
/// let std = std::time::SystemTime::try_from(time)?;
/// assert_eq!(Time::from(std), time);
/// # Ok::<(), trunkline::types::TimeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    /// Since 1970-01-01T00:00:00Z.
    seconds: i64,
    /// Below a second, always forward.
    nanos: u32,
}

impl Time {
    /// Go's zero time, 0001-01-01T00:00:00Z.
    pub const ZERO: Self = Self { seconds: -62_135_596_800, nanos: 0 };

    /// So many seconds, and nanoseconds more, after 1970-01-01T00:00:00Z. `None` for a second of nanoseconds or more.
    pub const fn from_unix(seconds: i64, nanos: u32) -> Option<Self> {
        if nanos < NANOS { Some(Self { seconds, nanos }) } else { None }
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub const fn unix_seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds into that second.
    pub const fn subsec_nanos(self) -> u32 {
        self.nanos
    }

    /// Whether this is Go's zero time.
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }

    /// The extension's type and data, and how many bytes of them are used.
    fn to_extension(self) -> ([u8; 13], usize) {
        let mut bytes = [0; 13];
        bytes[0] = -1_i8 as u8;
        let len = match u64::try_from(self.seconds) {
            Ok(seconds) if seconds >> 34 == 0 => match u32::try_from(seconds) {
                Ok(seconds) if self.nanos == 0 => {
                    bytes[1..5].copy_from_slice(&seconds.to_be_bytes());
                    5
                }
                _ => {
                    let both = u64::from(self.nanos) << 34 | seconds;
                    bytes[1..9].copy_from_slice(&both.to_be_bytes());
                    9
                }
            },
            _ => {
                bytes[1..5].copy_from_slice(&self.nanos.to_be_bytes());
                bytes[5..].copy_from_slice(&self.seconds.to_be_bytes());
                13
            }
        };
        (bytes, len)
    }

    pub(super) fn from_extension(ext: &[u8]) -> Result<Self, TimeError> {
        let (seconds, nanos) = match ext {
            // JavaScript peers use 13.
            [0xff | 13, data @ ..] => match *data {
                [a, b, c, d] => (u32::from_be_bytes([a, b, c, d]).into(), 0),
                [a, b, c, d, e, f, g, h] => {
                    let both = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
                    ((both & ((1 << 34) - 1)) as i64, (both >> 34) as u32)
                }
                [n0, n1, n2, n3, a, b, c, d, e, f, g, h] => {
                    (i64::from_be_bytes([a, b, c, d, e, f, g, h]), u32::from_be_bytes([n0, n1, n2, n3]))
                }
                _ => return Err(TimeError::new(format!("a timestamp of {} bytes", data.len()))),
            },
            [ty, ..] => return Err(TimeError::new(format!("an extension of type {}", *ty as i8))),
            [] => return Err(TimeError::new("an extension without a type")),
        };
        Self::from_unix(seconds, nanos).ok_or_else(|| too_many_nanos(nanos))
    }
}

fn too_many_nanos(nanos: u32) -> TimeError {
    TimeError::new(format!("{nanos} nanoseconds, more than a second has"))
}

impl Default for Time {
    fn default() -> Self {
        Self::ZERO
    }
}

impl From<SystemTime> for Time {
    fn from(time: SystemTime) -> Self {
        // No platform's clock leaves the range of 64-bit seconds.
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Self {
                seconds: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                nanos: after.subsec_nanos(),
            },
            Err(before) => {
                let before = before.duration();
                let seconds = i64::try_from(before.as_secs()).map_or(i64::MIN + 1, |seconds| -seconds);
                match before.subsec_nanos() {
                    0 => Self { seconds, nanos: 0 },
                    nanos => Self { seconds: seconds - 1, nanos: NANOS - nanos },
                }
            }
        }
    }
}

impl TryFrom<Time> for SystemTime {
    type Error = TimeError;

    /// Fails for a time the platform's clock cannot show.
    fn try_from(time: Time) -> Result<Self, TimeError> {
        let second = match u64::try_from(time.seconds) {
            Ok(seconds) => UNIX_EPOCH.checked_add(Duration::from_secs(seconds)),
            Err(_) => UNIX_EPOCH.checked_sub(Duration::from_secs(time.seconds.unsigned_abs())),
        };
        second.and_then(|second| second.checked_add(Duration::from_nanos(time.nanos.into()))).ok_or_else(
            || TimeError::new(format!("{} seconds from 1970 is out of this clock's range", time.seconds)),
        )
    }
}

/// RFC 3339 in UTC, with the digits of the second that are not zero, as Go writes it.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.seconds.div_euclid(DAY), self.seconds.rem_euclid(DAY));
        let (year, month, day) = date_from_days(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if self.nanos > 0 {
            let (mut fraction, mut digits) = (self.nanos, 9);
            while fraction % 10 == 0 {
                fraction /= 10;
                digits -= 1;
            }
            write!(f, ".{fraction:0digits$}")?;
        }
        f.write_str("Z")
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Time {
    type Err = TimeError;

    /// Reads RFC 3339.
    fn from_str(text: &str) -> Result<Self, TimeError> {
        parse(text.as_bytes()).ok_or_else(|| {
            let shown: String = text.chars().take(40).collect();
            TimeError::new(format!("{shown:?} is not a time such as 2006-01-02T15:04:05.999Z"))
        })
    }
}

fn parse(text: &[u8]) -> Option<Time> {
    let (head, mut rest) = text.split_at_checked(19)?;
    let number = |from: usize, to: usize| -> Option<u32> {
        head[from..to].iter().try_fold(0, |n, c| c.is_ascii_digit().then(|| n * 10 + u32::from(c - b'0')))
    };
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators.iter().any(|(at, c)| head[*at] != *c) {
        return None;
    }
    let (year, month, day) = (i64::from(number(0, 4)?), number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month) || day < 1 || day > days_of_month(year, month) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }

    let mut nanos = 0;
    if let [b'.' | b',', fraction @ ..] = rest {
        let digits = fraction.iter().take_while(|c| c.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        // What is below a nanosecond is dropped.
        for place in 0..9 {
            nanos = nanos * 10
                + fraction.get(place).filter(|_| place < digits).map_or(0, |c| u32::from(c - b'0'));
        }
        rest = &fraction[digits..];
    }

    let offset = match *rest {
        [b'Z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] if [h1, h2, m1, m2].iter().all(u8::is_ascii_digit) => {
            let two = |a: u8, b: u8| i64::from(a - b'0') * 10 + i64::from(b - b'0');
            let (hours, minutes) = (two(h1, h2), two(m1, m2));
            if hours > 24 || minutes > 59 {
                return None;
            }
            (hours * 3600 + minutes * 60) * if sign == b'-' { -1 } else { 1 }
        }
        _ => return None,
    };
    let seconds =
        days_from_date(year, month, day) * DAY + i64::from(hour * 3600 + minute * 60 + second) - offset;
    Time::from_unix(seconds, nanos)
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            let (year, _, _) = date_from_days(self.seconds.div_euclid(DAY));
            if !(0..=9999).contains(&year) {
                return Err(ser::Error::custom(format_args!("year {year} is outside of 0 to 9999")));
            }
            return serializer.collect_str(self);
        }
        let (bytes, len) = self.to_extension();
        serializer.serialize_newtype_struct(token::EXT, &Extension(&bytes[..len]))
    }
}

struct Extension<'a>(&'a [u8]);

impl Serialize for Extension<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not by human-readability: what serde buffers (flatten, untagged) forgets which format it came from.
        deserializer.deserialize_newtype_struct(token::EXT, TimeVisitor)
    }
}

struct TimeVisitor;

impl<'de> Visitor<'de> for TimeVisitor {
    type Value = Time;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Time, D::Error> {
        deserializer.deserialize_any(self)
    }

    /// An extension, which has at most 13 bytes, or text, which has at least 20.
    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Time, E> {
        match std::str::from_utf8(bytes) {
            Ok(text) if bytes.len() >= 20 => self.visit_str(text),
            _ => Time::from_extension(bytes).map_err(E::custom),
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Time, E> {
        if text.is_empty() { Ok(Time::ZERO) } else { text.parse().map_err(E::custom) }
    }

    fn visit_unit<E: de::Error>(self) -> Result<Time, E> {
        Ok(Time::ZERO)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Time, A::Error> {
        let (Some(seconds), Some(nanos)) = (seq.next_element()?, seq.next_element()?) else {
            return Err(de::Error::invalid_length(1, &"seconds and nanoseconds"));
        };
        Time::from_unix(seconds, nanos).ok_or_else(|| de::Error::custom(too_many_nanos(nanos)))
    }
}

/// Text that is no time, or a time that is out of range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeError {
    text: String,
}

impl TimeError {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for TimeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_both_ways() {
        for (seconds, nanos, text) in [
            (0, 0, "1970-01-01T00:00:00Z"),
            (0, 1, "1970-01-01T00:00:00.000000001Z"),
            (-1, 999_999_999, "1969-12-31T23:59:59.999999999Z"),
            (1_700_000_000, 120_000_000, "2023-11-14T22:13:20.12Z"),
            (-62_135_596_800, 0, "0001-01-01T00:00:00Z"),
            (253_402_300_799, 0, "9999-12-31T23:59:59Z"),
        ] {
            let time = Time::from_unix(seconds, nanos).unwrap();
            assert_eq!(time.to_string(), text);
            assert_eq!(text.parse(), Ok(time));
        }
    }

    #[test]
    fn offsets_are_converted() {
        let time: Time = "2024-02-29T00:30:00+01:00".parse().unwrap();
        assert_eq!(time.to_string(), "2024-02-28T23:30:00Z");
        let time: Time = "2024-12-31T20:00:00.5-05:30".parse().unwrap();
        assert_eq!(time.to_string(), "2025-01-01T01:30:00.5Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2024",
            "2024-01-01",
            "2024-01-01T00:00:00",
            "2024-13-01T00:00:00Z",
            "2024-02-30T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:60:00Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00+1:00",
            "2024-01-01 00:00:00Z",
            "2024-01-01T00:00:00ZZ",
            "+024-01-01T00:00:00Z",
            "2024-01-01T00:00:0é",
        ] {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_systems_clock_both_ways() {
        for (seconds, nanos) in [(0, 0), (1, 5), (-1, 999_999_999), (-2, 0), (1_700_000_000, 1)] {
            let time = Time::from_unix(seconds, nanos).unwrap();
            assert_eq!(Time::from(SystemTime::try_from(time).unwrap()), time);
        }
    }

    #[test]
    fn extensions_take_the_shortest_form_and_are_all_read() {
        for (seconds, nanos, len) in
            [(0, 0, 5), (u32::MAX.into(), 0, 5), (1 << 32, 0, 9), (0, 1, 9), (1 << 34, 0, 13), (-1, 0, 13)]
        {
            let time = Time::from_unix(seconds, nanos).unwrap();
            let (bytes, used) = time.to_extension();
            assert_eq!(used, len);
            assert_eq!(Time::from_extension(&bytes[..used]), Ok(time));
        }
        assert!(Time::from_extension(b"\xff\xff\xff\xff\xff\x00\x00\x00\x00").is_err());
        assert!(Time::from_extension(b"\xff\x00").is_err());
        assert!(Time::from_extension(b"\x05\x00\x00\x00\x00").is_err());
        assert!(Time::from_extension(b"").is_err());
    }
}
