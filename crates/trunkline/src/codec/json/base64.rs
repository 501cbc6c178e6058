//! Base64 with the standard alphabet and padding, as Go writes a byte slice.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends the text for `bytes`.
pub(super) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        out.extend_from_slice(&quad(chunk));
    }
}

/// Four characters for one to three bytes.
fn quad(chunk: &[u8]) -> [u8; 4] {
    let byte = |i: usize| chunk.get(i).copied().unwrap_or(0);
    let bits = u32::from_be_bytes([0, byte(0), byte(1), byte(2)]);
    let letter = |shift: u32| ALPHABET[(bits >> shift & 63) as usize];
    [
        letter(18),
        letter(12),
        if chunk.len() > 1 { letter(6) } else { b'=' },
        if chunk.len() > 2 { letter(0) } else { b'=' },
    ]
}

/// Writes base64 as the bytes arrive one by one.
#[derive(Default)]
pub(super) struct Encoder {
    held: [u8; 3],
    len: usize,
}

impl Encoder {
    pub(super) fn push(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.held[self.len] = byte;
        self.len += 1;
        if self.len == 3 {
            out.extend_from_slice(&quad(&self.held));
            self.len = 0;
        }
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if self.len > 0 {
            out.extend_from_slice(&quad(&self.held[..self.len]));
            self.len = 0;
        }
    }
}

/// The bytes of `text`, or the offset of the character that does not belong. Line breaks are passed over, as in Go.
pub(super) fn decode(text: &[u8]) -> Result<Vec<u8>, usize> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count, mut padding) = (0_u32, 0, 0);
    for (at, &c) in text.iter().enumerate() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'\r' | b'\n' => continue,
            b'=' if count + padding < 4 && count >= 2 => {
                padding += 1;
                continue;
            }
            _ => return Err(at),
        };
        if padding > 0 {
            return Err(at);
        }
        bits = bits << 6 | u32::from(value);
        count += 1;
        if count == 4 {
            out.extend_from_slice(&bits.to_be_bytes()[1..]);
            (bits, count) = (0, 0);
        }
    }
    match (count, padding) {
        (0, 0) => {}
        (2, 2) => out.push((bits >> 4) as u8),
        (3, 1) => out.extend_from_slice(&((bits >> 2) as u16).to_be_bytes()),
        _ => return Err(text.len()),
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_texts_both_ways() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg=="),
            (b"fo", "Zm8="),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg=="),
            (b"\xff\xfe\xfd", "//79"),
            (b"\xfb\xf0", "+/A="),
        ] {
            let mut out = Vec::new();
            encode(bytes, &mut out);
            assert_eq!(out, text.as_bytes());
            assert_eq!(decode(text.as_bytes()).unwrap(), bytes);

            let (mut out, mut encoder) = (Vec::new(), Encoder::default());
            bytes.iter().for_each(|byte| encoder.push(*byte, &mut out));
            encoder.finish(&mut out);
            assert_eq!(out, text.as_bytes());
        }
        assert_eq!(decode(b"Zm9v\r\nYg==").unwrap(), b"foob");
    }

    #[test]
    fn what_is_not_base64_is_refused_where_it_stops_being_it() {
        for (text, at) in [
            ("Zm9", 3),
            ("Zg=", 3),
            ("Z", 1),
            ("Zm9*", 3),
            ("Zg==Zg==", 4),
            ("=", 0),
            ("Zm9v=", 4),
            ("Zg===", 4),
        ] {
            assert_eq!(decode(text.as_bytes()).unwrap_err(), at, "{text}");
        }
    }
}
