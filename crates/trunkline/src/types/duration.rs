//! Go's `time.Duration`.

use std::fmt;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

/// A span of time: Go's `time.Duration`, nanoseconds in an `int64`. Unlike Rust's it may be negative.
///
/// ```
/// # use trunkline::types::Duration;
/// let timeout = Duration::try_from(std::time::Duration::from_millis(1500))?;
/// assert_eq!(timeout.as_nanos(), 1_500_000_000);
/// assert_eq!(timeout.to_string(), "1.5s");
/// # Ok::<(), trunkline::types::DurationError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration {
    nanos: i64,
}

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self { nanos: 0 };

    /// So many nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self { nanos }
    }

    /// How many nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.nanos
    }
}

impl TryFrom<std::time::Duration> for Duration {
    type Error = DurationError;

    /// Fails beyond 292 years.
    fn try_from(duration: std::time::Duration) -> Result<Self, DurationError> {
        match i64::try_from(duration.as_nanos()) {
            Ok(nanos) => Ok(Self { nanos }),
            Err(_) => Err(DurationError(format!("{duration:?} does not fit in 64 bits of nanoseconds"))),
        }
    }
}

impl TryFrom<Duration> for std::time::Duration {
    type Error = DurationError;

    /// Fails below zero.
    fn try_from(duration: Duration) -> Result<Self, DurationError> {
        match u64::try_from(duration.nanos) {
            Ok(nanos) => Ok(Self::from_nanos(nanos)),
            Err(_) => Err(DurationError(format!(
                "{duration} is negative, which std::time::Duration cannot be; take trunkline::types::Duration"
            ))),
        }
    }
}

/// As Go prints it: `1h2m0.5s`, `1.5ms`, `0s`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.nanos.unsigned_abs();
        if self.nanos < 0 {
            f.write_str("-")?;
        }
        match nanos {
            0 => f.write_str("0s"),
            1..1_000 => write!(f, "{nanos}ns"),
            1_000..1_000_000 => decimal(f, nanos, 3, "µs"),
            1_000_000..1_000_000_000 => decimal(f, nanos, 6, "ms"),
            _ => {
                let minutes = nanos / 60_000_000_000;
                if minutes >= 60 {
                    write!(f, "{}h", minutes / 60)?;
                }
                if minutes > 0 {
                    write!(f, "{}m", minutes % 60)?;
                }
                decimal(f, nanos % 60_000_000_000, 9, "s")
            }
        }
    }
}

/// `nanos` with the decimal point `places` from the right, without zeros at the end.
fn decimal(f: &mut fmt::Formatter<'_>, nanos: u64, mut places: usize, unit: &str) -> fmt::Result {
    let scale = 10_u64.pow(places as u32);
    let (whole, mut fraction) = (nanos / scale, nanos % scale);
    write!(f, "{whole}")?;
    if fraction > 0 {
        while fraction % 10 == 0 {
            fraction /= 10;
            places -= 1;
        }
        write!(f, ".{fraction:0places$}")?;
    }
    f.write_str(unit)
}

impl fmt::Debug for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.nanos)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self::from_nanos)
    }
}

/// A span of time that the other type has no room for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DurationError(String);

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DurationError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_prints_as_in_go() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (2_200_000, "2.2ms"),
            (3_300_000_000, "3.3s"),
            (245_000_000_000, "4m5s"),
            (245_001_000_000, "4m5.001s"),
            (18_367_001_000_000, "5h6m7.001s"),
            (480_000_000_001, "8m0.000000001s"),
            (-1_500_000, "-1.5ms"),
            (i64::MAX, "2562047h47m16.854775807s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ] {
            assert_eq!(Duration::from_nanos(nanos).to_string(), text);
        }
    }

    #[test]
    fn what_does_not_fit_says_so() {
        assert!(Duration::try_from(std::time::Duration::MAX).is_err());
        let text = std::time::Duration::try_from(Duration::from_nanos(-5)).unwrap_err().to_string();
        assert!(text.starts_with("-5ns is negative"), "{text}");
    }
}
