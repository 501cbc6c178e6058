//! Writes JSON scalars the way Go's encoding/json does.

use std::io::Write as _;

use super::super::fault::Fault;

/// A string in quotes. `<`, `>`, `&`, U+2028 and U+2029 are escaped: Go makes its JSON safe inside HTML.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    escaped(out, text);
    out.push(b'"');
}

/// The inside of a string.
pub(super) fn escaped(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut done = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let (escape, len): (&[u8], usize) = match byte {
            b'"' => (b"\\\"", 1),
            b'\\' => (b"\\\\", 1),
            b'\n' => (b"\\n", 1),
            b'\r' => (b"\\r", 1),
            b'\t' => (b"\\t", 1),
            0x08 => (b"\\b", 1),
            0x0c => (b"\\f", 1),
            b'<' => (b"\\u003c", 1),
            b'>' => (b"\\u003e", 1),
            b'&' => (b"\\u0026", 1),
            0xe2 if bytes[at..].starts_with(b"\xe2\x80\xa8") => (b"\\u2028", 3),
            0xe2 if bytes[at..].starts_with(b"\xe2\x80\xa9") => (b"\\u2029", 3),
            0..0x20 => {
                out.extend_from_slice(&bytes[done..at]);
                done = at + 1;
                let hex = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[hex[usize::from(byte >> 4)], hex[usize::from(byte & 15)]]);
                continue;
            }
            _ => continue,
        };
        out.extend_from_slice(&bytes[done..at]);
        out.extend_from_slice(escape);
        done = at + len;
    }
    out.extend_from_slice(&bytes[done..]);
}

pub(super) fn uint(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

pub(super) fn int(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    uint(out, value.unsigned_abs());
}

/// Anything that prints as a JSON number.
pub(super) fn number(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    // Writing to a `Vec` does not fail.
    let _ = write!(out, "{value}");
}

macro_rules! floats {
    ($($name:ident)+) => {$(
        /// The shortest text that reads back the same; an exponent below 1e-6 and from 1e21 on.
        pub(super) fn $name(out: &mut Vec<u8>, value: $name) -> Result<(), Fault> {
            if !value.is_finite() {
                return Err(Fault::new(format!("unsupported value: {value}: JSON has finite numbers only")));
            }
            let size = value.abs();
            if size == 0.0 || (1e-6..1e21).contains(&size) {
                number(out, value);
                return Ok(());
            }
            let start = out.len();
            let _ = write!(out, "{value:e}");
            if let Some(e) = out[start..].iter().position(|byte| *byte == b'e') {
                if out.get(start + e + 1) != Some(&b'-') {
                    out.insert(start + e + 1, b'+');
                }
            }
            Ok(())
        }
    )+};
}

floats! { f32 f64 }

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn floats_have_gos_form() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.25e-9, "1.25e-9"),
            (f64::MAX, "1.7976931348623157e+308"),
        ] {
            assert_eq!(written(|out| f64(out, value).unwrap()), text);
        }
        assert_eq!(written(|out| f32(out, 0.1).unwrap()), "0.1");
        assert_eq!(written(|out| f32(out, 3.4e38).unwrap()), "3.4e+38");
        let text = f64(&mut Vec::new(), f64::NAN).unwrap_err().to_string();
        assert_eq!(text, "unsupported value: NaN: JSON has finite numbers only");
    }

    #[test]
    fn integers_to_the_edges() {
        for value in [0, 9, 10, -1, i64::MAX, i64::MIN] {
            assert_eq!(written(|out| int(out, value)), value.to_string());
        }
        assert_eq!(written(|out| uint(out, u64::MAX)), u64::MAX.to_string());
    }

    #[test]
    fn strings_are_safe_inside_html() {
        let text = "a<b>&\u{2028}\u{2029}\"\\\n\r\t\u{8}\u{c}\u{1}\u{1f}\u{7f}é\u{20ac}";
        assert_eq!(
            written(|out| string(out, text)),
            "\"a\\u003cb\\u003e\\u0026\\u2028\\u2029\\\"\\\\\\n\\r\\t\\b\\f\\u0001\\u001f\u{7f}é\u{20ac}\""
        );
    }
}
