//! Reads JSON tokens from a slice, borrowing text where it has no escapes.

use std::str;

use super::super::fault::Fault;

/// How deep arrays and objects may nest, skipped ones included.
pub(super) const DEEPEST: u32 = 128;

/// Text out of the input: as it stands there, or with its escapes resolved in the reader's scratch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Text<'de> {
    Borrowed(&'de str),
    Scratch,
}

/// A number's text, known to be a JSON number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Number<'de> {
    pub(super) text: &'de str,
    /// Without fraction and exponent.
    pub(super) integer: bool,
}

pub(super) struct Reader<'de> {
    input: &'de [u8],
    at: usize,
    /// Reused by every string with escapes.
    scratch: String,
}

impl<'de> Reader<'de> {
    pub(super) fn new(input: &'de [u8]) -> Self {
        Self { input, at: 0, scratch: String::new() }
    }

    pub(super) fn offset(&self) -> usize {
        self.at
    }

    /// What lies between two offsets.
    pub(super) fn between(&self, start: usize, end: usize) -> &'de [u8] {
        &self.input[start..end]
    }

    /// The text just read.
    pub(super) fn resolved<'a>(&'a self, text: Text<'de>) -> &'a str
    where
        'de: 'a,
    {
        match text {
            Text::Borrowed(text) => text,
            Text::Scratch => &self.scratch,
        }
    }

    /// The first byte of the next token, white space passed over.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(&byte) = self.input.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    /// Takes a byte that was peeked at.
    #[inline]
    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    /// Takes `byte` if it is next.
    #[inline]
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
        }
        found
    }

    /// Takes a null, if one is next.
    #[inline]
    pub(super) fn null(&mut self) -> Result<bool, Fault> {
        if self.peek() != Some(b'n') {
            return Ok(false);
        }
        self.word("null").map(|()| true)
    }

    /// Takes `true`, `false` or `null`, whose first letter was peeked at.
    pub(super) fn word(&mut self, word: &str) -> Result<(), Fault> {
        if !self.input[self.at..].starts_with(word.as_bytes()) {
            let differs = self.input[self.at..].iter().zip(word.bytes()).position(|(a, b)| *a != b);
            self.at = differs.map_or(self.input.len(), |differs| self.at + differs);
            return Err(self.unexpected(&format!("in the word {word}")));
        }
        self.at += word.len();
        Ok(())
    }

    /// The error for the byte that is next, in Go's words.
    #[cold]
    pub(super) fn unexpected(&self, place: &str) -> Fault {
        match self.input.get(self.at) {
            None => Fault::new("unexpected EOF"),
            Some(&byte) => {
                let c = if byte.is_ascii() { char::from(byte) } else { char::REPLACEMENT_CHARACTER };
                Fault::new(format!("invalid character {c:?} {place}, at byte {}", self.at))
            }
        }
    }

    /// Takes a string, whose quote was peeked at. Bytes that are not UTF-8 become U+FFFD, as in Go.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Text<'de>, Fault> {
        self.at += 1;
        let start = self.at;
        match self.plain() {
            Some(b'"') => {
                let text = &self.input[start..self.at];
                self.at += 1;
                match str::from_utf8(text) {
                    Ok(text) => Ok(Text::Borrowed(text)),
                    Err(_) => {
                        self.scratch.clear();
                        self.scratch.push_str(&String::from_utf8_lossy(text));
                        Ok(Text::Scratch)
                    }
                }
            }
            _ => self.string_with_escapes(start),
        }
    }

    /// Passes over what stands for itself in a string; the byte that does not.
    #[inline]
    fn plain(&mut self) -> Option<u8> {
        let rest = &self.input[self.at..];
        match rest.iter().position(|byte| SPECIAL[usize::from(*byte)]) {
            Some(len) => {
                self.at += len;
                Some(rest[len])
            }
            None => {
                self.at = self.input.len();
                None
            }
        }
    }

    fn string_with_escapes(&mut self, mut start: usize) -> Result<Text<'de>, Fault> {
        self.scratch.clear();
        loop {
            let stopped_by = self.plain();
            self.scratch.push_str(&String::from_utf8_lossy(&self.input[start..self.at]));
            match stopped_by {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Text::Scratch);
                }
                Some(b'\\') => {
                    self.at += 1;
                    let c = self.escape()?;
                    self.scratch.push(c);
                    start = self.at;
                }
                _ => return Err(self.unexpected("in string literal")),
            }
        }
    }

    /// The character behind a backslash.
    fn escape(&mut self) -> Result<char, Fault> {
        let c = match self.input.get(self.at) {
            Some(&c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.unexpected("in string escape code")),
        };
        self.at += 1;
        Ok(c)
    }

    /// The character behind `\u`; half a surrogate pair becomes U+FFFD, as in Go.
    fn unicode(&mut self) -> Result<char, Fault> {
        let first = self.hex4()?;
        if (0xd800..0xdc00).contains(&first) && self.input[self.at..].starts_with(b"\\u") {
            let behind_first = self.at;
            self.at += 2;
            let second = self.hex4()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = behind_first;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex4(&mut self) -> Result<u32, Fault> {
        let mut code = 0;
        for _ in 0..4 {
            match self.input.get(self.at).and_then(|byte| char::from(*byte).to_digit(16)) {
                Some(digit) => code = code << 4 | digit,
                None => return Err(self.unexpected("in \\u hexadecimal character escape")),
            }
            self.at += 1;
        }
        Ok(code)
    }

    /// Takes an integer of up to 18 digits, if one is next, whose first byte was peeked at.
    #[inline]
    pub(super) fn small_integer(&mut self) -> Option<i64> {
        let rest = &self.input[self.at..];
        let (negative, digits) = match rest {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        let (mut value, mut len) = (0_i64, 0);
        while let Some(digit) =
            digits.get(len).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10)
        {
            if len == 18 {
                return None;
            }
            value = value * 10 + i64::from(digit);
            len += 1;
        }
        let leading_zero = len > 1 && digits[0] == b'0';
        if len == 0 || leading_zero || matches!(digits.get(len), Some(b'.' | b'e' | b'E')) {
            return None;
        }
        self.at += len + usize::from(negative);
        Some(if negative { -value } else { value })
    }

    /// Takes a number, whose first byte was peeked at.
    pub(super) fn number(&mut self) -> Result<Number<'de>, Fault> {
        let start = self.at;
        let mut integer = true;
        if self.input.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        if self.input.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.input.get(self.at) == Some(&b'.') {
            integer = false;
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if let Some(b'e' | b'E') = self.input.get(self.at) {
            integer = false;
            self.at += 1;
            if let Some(b'+' | b'-') = self.input.get(self.at) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        match str::from_utf8(&self.input[start..self.at]) {
            Ok(text) => Ok(Number { text, integer }),
            Err(_) => Err(self.unexpected("in numeric literal")),
        }
    }

    /// One digit at least.
    fn digits(&mut self, place: &str) -> Result<(), Fault> {
        let start = self.at;
        while self.input.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        if self.at == start { Err(self.unexpected(place)) } else { Ok(()) }
    }

    /// Passes over one value with all that is in it, without recursion.
    pub(super) fn skip(&mut self) -> Result<(), Fault> {
        // One bit for each level: whether it is an object.
        let (mut objects, mut depth) = (0_u128, 0);
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.string()?;
                }
                Some(b'-' | b'0'..=b'9') => {
                    self.number()?;
                }
                Some(b't') => self.word("true")?,
                Some(b'f') => self.word("false")?,
                Some(b'n') => self.word("null")?,
                Some(open @ (b'{' | b'[')) => {
                    self.at += 1;
                    if !self.take(open + 2) {
                        if depth == DEEPEST {
                            return Err(too_deep());
                        }
                        depth += 1;
                        objects = objects << 1 | u128::from(open == b'{');
                        if open == b'{' {
                            self.key()?;
                        }
                        continue;
                    }
                }
                _ => return Err(self.unexpected("looking for beginning of value")),
            }
            loop {
                if depth == 0 {
                    return Ok(());
                }
                let object = objects & 1 == 1;
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        if object {
                            self.key()?;
                        }
                        break;
                    }
                    Some(b'}') if object => {}
                    Some(b']') if !object => {}
                    _ if object => return Err(self.unexpected("after object key:value pair")),
                    _ => return Err(self.unexpected("after array element")),
                }
                self.at += 1;
                depth -= 1;
                objects >>= 1;
            }
        }
    }

    /// Takes an object's key and the colon behind it.
    pub(super) fn key(&mut self) -> Result<Text<'de>, Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("looking for beginning of object key string"));
        }
        let text = self.string()?;
        if !self.take(b':') {
            return Err(self.unexpected("after object key"));
        }
        Ok(text)
    }
}

/// Bytes that end the plain part of a string.
static SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut control = 0;
    while control < 0x20 {
        special[control] = true;
        control += 1;
    }
    special[b'"' as usize] = true;
    special[b'\\' as usize] = true;
    special
};

#[cold]
pub(super) fn too_deep() -> Fault {
    Fault::new(format!("arrays and objects nest deeper than {DEEPEST}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(input: &str) -> Result<String, Fault> {
        let mut reader = Reader::new(input.as_bytes());
        let text = reader.string()?;
        Ok(reader.resolved(text).to_owned())
    }

    #[test]
    fn strings_with_every_escape() {
        assert_eq!(string(r#""plain é""#).unwrap(), "plain é");
        assert_eq!(string(r#""\"\\\/\b\f\n\r\t""#).unwrap(), "\"\\/\u{8}\u{c}\n\r\t");
        assert_eq!(string(r#""a\u003cb\u20ac\ud83d\ude00c""#).unwrap(), "a<b\u{20ac}\u{1f600}c");
        for lone in [r#""\ud83d""#, r#""\ude00""#] {
            assert_eq!(string(lone).unwrap(), "\u{fffd}");
        }
        assert_eq!(string(r#""\ud83d\u0041""#).unwrap(), "\u{fffd}A");
        for bad in ["\"a", "\"a\\", "\"a\\x\"", "\"a\\u12g4\"", "\"a\nb\"", "\"\\u12"] {
            assert!(string(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced_as_in_go() {
        let mut reader = Reader::new(b"\"a\xffb\"");
        let text = reader.string().unwrap();
        assert_eq!(reader.resolved(text), "a\u{fffd}b");
        let mut reader = Reader::new(b"\"a\xff\\n\"");
        let text = reader.string().unwrap();
        assert_eq!(reader.resolved(text), "a\u{fffd}\n");
    }

    #[test]
    fn numbers_follow_the_grammar() {
        for (input, text, integer) in [
            ("0", "0", true),
            ("-0", "-0", true),
            ("120,", "120", true),
            ("1.50]", "1.50", false),
            ("1e9", "1e9", false),
            ("-1.5E-9 ", "-1.5E-9", false),
            ("01", "0", true),
        ] {
            let number = Reader::new(input.as_bytes()).number().unwrap();
            assert_eq!(number, Number { text, integer });
        }
        for bad in ["-", "1.", ".5", "1e", "1e+", "+1", "-a"] {
            assert!(Reader::new(bad.as_bytes()).number().is_err(), "{bad}");
        }
    }

    #[test]
    fn skipping_reads_exactly_one_value() {
        for value in [
            "1",
            "\"a\\\"b\"",
            "null",
            "true",
            "false",
            "[]",
            "{}",
            "[1,[2,{}],{\"a\":[]}]",
            "{\"a\":{\"b\":1},\"c\":[1]}",
        ] {
            let text = format!(" {value} ,");
            let mut reader = Reader::new(text.as_bytes());
            reader.skip().unwrap();
            assert_eq!(reader.peek(), Some(b','), "{value}");
        }
        for bad in [
            "",
            "[",
            "[1",
            "[1,",
            "[1,]",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1,}",
            "{1:2}",
            "[1}",
            "{\"a\":1]",
            "nul",
            "tru",
            "x",
        ] {
            assert!(Reader::new(bad.as_bytes()).skip().is_err(), "{bad}");
        }
    }

    #[test]
    fn skipping_is_bounded_in_depth_and_never_recurses() {
        let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(Reader::new(nested(128).as_bytes()).skip().is_ok());
        assert!(Reader::new(nested(200_000).as_bytes()).skip().is_err());
    }
}
