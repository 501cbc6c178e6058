//! Durations as text, as Go writes them: `1.5s`, `200ms`, `1h30m`.

use std::fmt;
use std::time::Duration;

/// Units and their nanoseconds, the largest first.
const UNITS: [(&str, u128); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// In a second.
const NANOS: u128 = 1_000_000_000;

/// Reads a duration: numbers with units, `h`, `m`, `s`, `ms`, `us` (or `µs`) and `ns`, one after
/// the other. A number may have a fraction. `0` needs no unit.
///
/// ```
/// use std::time::Duration;
/// use trunkline::config::parse_duration;
///
/// assert_eq!(parse_duration("1.5s"), Ok(Duration::from_millis(1500)));
/// assert_eq!(parse_duration("1h30m"), Ok(Duration::from_secs(5400)));
/// let error = parse_duration("30").unwrap_err();
/// assert_eq!(error.to_string(), "`30` is no duration: `30` has no unit; write `30s` or `30ms`, say");
/// ```
///
/// # Errors
/// Says what is wrong with the text and what was expected.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let wrong = |why: String| DurationError { text: text.to_owned(), why };
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(wrong("write a number and a unit, such as `1.5s`".to_owned()));
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(end_of(rest, |c| c.is_ascii_digit() || c == '.'));
        let (unit, after) = after.split_at(end_of(after, |c| !c.is_ascii_digit() && c != '.'));
        if number.is_empty() {
            let found = rest.chars().next().unwrap_or(' ');
            return Err(wrong(format!("a number was expected and `{found}` found; write `1.5s`, say")));
        }
        if unit.is_empty() {
            return Err(wrong(format!("`{number}` has no unit; write `{number}s` or `{number}ms`, say")));
        }
        let name = if matches!(unit, "µs" | "μs") { "us" } else { unit };
        let Some((_, nanos)) = UNITS.into_iter().find(|(known, _)| *known == name) else {
            let known = UNITS.map(|(known, _)| known).join(", ");
            return Err(wrong(format!("the unit `{}` is unknown; known are {known}", unit.trim())));
        };
        let Some(part) = nanos_of(number, nanos) else {
            return Err(wrong(format!("`{number}` is no number that can be")));
        };
        total = total.saturating_add(part);
        rest = after;
    }
    let (secs, nanos) = (total / NANOS, total % NANOS);
    match (u64::try_from(secs), u32::try_from(nanos)) {
        (Ok(secs), Ok(nanos)) => Ok(Duration::new(secs, nanos)),
        _ => Err(wrong("it is too long".to_owned())),
    }
}

/// Where the characters of one kind end.
fn end_of(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// Decimal text times a unit, without a float between: what is below a nanosecond is cut.
fn nanos_of(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u128>().ok()? };
    let mut nanos = whole.checked_mul(unit)?;
    let mut place = unit;
    for digit in fraction.bytes() {
        place /= 10;
        nanos = nanos.checked_add(u128::from(digit - b'0') * place)?;
    }
    Some(nanos)
}

/// Writes a duration as [`parse_duration`] reads it, in the largest unit that needs no fraction.
///
/// ```
/// use std::time::Duration;
/// use trunkline::config::format_duration;
///
/// assert_eq!(format_duration(Duration::from_millis(1500)), "1500ms");
/// assert_eq!(format_duration(Duration::from_secs(300)), "5m");
/// ```
pub fn format_duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let fits = |(_, unit): &(&str, u128)| nanos >= *unit && nanos.is_multiple_of(*unit);
    match UNITS.into_iter().find(fits) {
        Some((name, unit)) => format!("{}{name}", nanos / unit),
        None => "0s".to_owned(),
    }
}

/// A text that is no duration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DurationError {
    text: String,
    why: String,
}

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no duration: {}", self.text, self.why)
    }
}

impl std::error::Error for DurationError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, nanos) in [
            ("0", 0),
            ("0s", 0),
            ("1s", 1_000_000_000),
            (" 200ms ", 200_000_000),
            ("1.5s", 1_500_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("1h2m3s4ms5us6ns", 3_723_004_005_006),
            ("7µs", 7_000),
            ("7μs", 7_000),
            ("0.1234567899s", 123_456_789),
            ("1.5ns", 1),
            ("100h", 360_000_000_000_000),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn errors_say_what_is_wrong() {
        for (text, why) in [
            ("", "write a number and a unit"),
            ("  ", "write a number and a unit"),
            ("5", "`5` has no unit; write `5s`"),
            ("1s5", "`5` has no unit"),
            ("5 parsecs", "the unit `parsecs` is unknown; known are h, m, s, ms, us, ns"),
            ("-1s", "a number was expected and `-` found"),
            ("s", "a number was expected and `s` found"),
            ("1..5s", "`1..5` is no number"),
            (".s", "`.` is no number"),
            ("1S", "the unit `S` is unknown"),
            ("99999999999999999999999h", "it is too long"),
            ("999999999999999999999999999999999999999999h", "is no number that can be"),
        ] {
            let error = parse_duration(text).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains(&format!("`{text}` is no duration")), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(secs in any::<u64>(), nanos in 0_u32..1_000_000_000) {
            for duration in [Duration::new(secs, nanos), Duration::from_secs(secs), Duration::new(0, nanos)] {
                prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = parse_duration(&text);
        }
    }
}
