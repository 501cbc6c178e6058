//! Reads MessagePack tokens from a slice. Lengths are believed only as far as there are bytes.

use super::super::fault::Fault;
use super::super::printable::printable;
use super::marker::*;

/// One token: a scalar, or the head of an array or map whose elements follow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token<'de> {
    Nil,
    Bool(bool),
    Uint(u64),
    /// Negative.
    Int(i64),
    F32(f32),
    F64(f64),
    Str(&'de [u8]),
    Bin(&'de [u8]),
    Array(usize),
    Map(usize),
    /// The type's byte, then the data: so it is on the wire.
    Ext(&'de [u8]),
}

impl Token<'_> {
    /// For error texts: what was found, with its value where that helps.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Nil => "nil".to_owned(),
            Self::Bool(value) => format!("bool {value}"),
            Self::Uint(value) => format!("integer {value}"),
            Self::Int(value) => format!("integer {value}"),
            Self::F32(value) => format!("float32 {value}"),
            Self::F64(value) => format!("float64 {value}"),
            Self::Str(text) => format!("string {:?}", printable(text)),
            Self::Bin(bytes) => format!("{} bytes", bytes.len()),
            Self::Array(len) => format!("an array of {len}"),
            Self::Map(len) => format!("a map of {len}"),
            Self::Ext(ext) => format!("an extension of type {}", ext.first().map_or(0, |b| *b as i8)),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Reader<'de> {
    /// What is still to be read.
    rest: &'de [u8],
}

impl<'de> Reader<'de> {
    pub(super) fn new(input: &'de [u8]) -> Self {
        Self { rest: input }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes a nil, if one is next.
    #[inline]
    pub(super) fn nil(&mut self) -> bool {
        match self.rest.split_first() {
            Some((&NIL, rest)) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Takes a small integer, if one is next: the most frequent token of all.
    #[inline]
    pub(super) fn small(&mut self) -> Option<u8> {
        match self.rest.split_first() {
            Some((&value @ 0..0x80, rest)) => {
                self.rest = rest;
                Some(value)
            }
            _ => None,
        }
    }

    /// Takes text or bytes, if either is next. The short forms are found here, without a detour over a token.
    #[inline]
    pub(super) fn text(&mut self) -> Result<Option<&'de [u8]>, Fault> {
        let len = match *self.rest {
            [marker @ FIXSTR..=0xbf, ..] => {
                self.rest = &self.rest[1..];
                usize::from(marker & 0x1f)
            }
            [STR8 | BIN8, len, ..] => {
                self.rest = &self.rest[2..];
                usize::from(len)
            }
            _ => return self.long_text(),
        };
        self.take(len).map(Some)
    }

    fn long_text(&mut self) -> Result<Option<&'de [u8]>, Fault> {
        let mut ahead = *self;
        match ahead.token()? {
            Token::Str(text) | Token::Bin(text) => {
                *self = ahead;
                Ok(Some(text))
            }
            _ => Ok(None),
        }
    }

    pub(super) fn token(&mut self) -> Result<Token<'de>, Fault> {
        let [marker] = self.array()?;
        Ok(match marker {
            0x00..=0x7f => Token::Uint(marker.into()),
            0x80..=0x8f => self.map((marker & 0x0f).into())?,
            0x90..=0x9f => self.list((marker & 0x0f).into())?,
            0xa0..=0xbf => Token::Str(self.take((marker & 0x1f).into())?),
            NIL => Token::Nil,
            FALSE => Token::Bool(false),
            TRUE => Token::Bool(true),
            BIN8 => Token::Bin(self.prefixed8()?),
            BIN16 => Token::Bin(self.prefixed16()?),
            BIN32 => Token::Bin(self.prefixed32()?),
            EXT8 => {
                let [len] = self.array()?;
                Token::Ext(self.take(usize::from(len) + 1)?)
            }
            EXT16 => {
                let len = u16::from_be_bytes(self.array()?);
                Token::Ext(self.take(usize::from(len) + 1)?)
            }
            EXT32 => {
                let len = u32::from_be_bytes(self.array()?);
                Token::Ext(self.take((len as usize).saturating_add(1))?)
            }
            FLOAT32 => Token::F32(f32::from_be_bytes(self.array()?)),
            FLOAT64 => Token::F64(f64::from_be_bytes(self.array()?)),
            UINT8 => Token::Uint(u8::from_be_bytes(self.array()?).into()),
            UINT16 => Token::Uint(u16::from_be_bytes(self.array()?).into()),
            UINT32 => Token::Uint(u32::from_be_bytes(self.array()?).into()),
            UINT64 => Token::Uint(u64::from_be_bytes(self.array()?)),
            INT8 => signed(i8::from_be_bytes(self.array()?).into()),
            INT16 => signed(i16::from_be_bytes(self.array()?).into()),
            INT32 => signed(i32::from_be_bytes(self.array()?).into()),
            INT64 => signed(i64::from_be_bytes(self.array()?)),
            FIXEXT1 => Token::Ext(self.take(2)?),
            FIXEXT2 => Token::Ext(self.take(3)?),
            FIXEXT4 => Token::Ext(self.take(5)?),
            FIXEXT8 => Token::Ext(self.take(9)?),
            FIXEXT16 => Token::Ext(self.take(17)?),
            STR8 => Token::Str(self.prefixed8()?),
            STR16 => Token::Str(self.prefixed16()?),
            STR32 => Token::Str(self.prefixed32()?),
            ARRAY16 => {
                let len = u16::from_be_bytes(self.array()?);
                self.list(len.into())?
            }
            ARRAY32 => {
                let len = u32::from_be_bytes(self.array()?);
                self.list(len as usize)?
            }
            MAP16 => {
                let len = u16::from_be_bytes(self.array()?);
                self.map(len.into())?
            }
            MAP32 => {
                let len = u32::from_be_bytes(self.array()?);
                self.map(len as usize)?
            }
            0xc1 => return Err(Fault::new("invalid code=c1: no MessagePack value begins with it")),
            0xe0..=0xff => Token::Int((marker as i8).into()),
        })
    }

    /// Passes over one value with all that is in it, without recursion.
    pub(super) fn skip(&mut self) -> Result<(), Fault> {
        // Every element counted takes a byte of input, so this cannot overflow.
        let mut left = 1_usize;
        while left > 0 {
            left -= 1;
            match self.token()? {
                Token::Array(len) => left += len,
                Token::Map(len) => left += 2 * len,
                _ => {}
            }
        }
        Ok(())
    }

    /// An array's head; each element takes a byte at least.
    fn list(&self, len: usize) -> Result<Token<'de>, Fault> {
        if len > self.rest.len() {
            return Err(overrun("an array", len, self.rest.len()));
        }
        Ok(Token::Array(len))
    }

    /// A map's head; each entry takes two bytes at least.
    fn map(&self, len: usize) -> Result<Token<'de>, Fault> {
        if len > self.rest.len() / 2 {
            return Err(overrun("a map", len, self.rest.len()));
        }
        Ok(Token::Map(len))
    }

    fn prefixed8(&mut self) -> Result<&'de [u8], Fault> {
        let [len] = self.array()?;
        self.take(len.into())
    }

    fn prefixed16(&mut self) -> Result<&'de [u8], Fault> {
        let len = u16::from_be_bytes(self.array()?);
        self.take(len.into())
    }

    fn prefixed32(&mut self) -> Result<&'de [u8], Fault> {
        let len = u32::from_be_bytes(self.array()?);
        self.take(len as usize)
    }

    #[inline]
    fn take(&mut self, len: usize) -> Result<&'de [u8], Fault> {
        match self.rest.split_at_checked(len) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(overrun("a value", len, self.rest.len())),
        }
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        match self.rest.split_first_chunk() {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(*taken)
            }
            None => Err(Fault::new("unexpected EOF")),
        }
    }
}

fn signed<'de>(value: i64) -> Token<'de> {
    match u64::try_from(value) {
        Ok(value) => Token::Uint(value),
        Err(_) => Token::Int(value),
    }
}

#[cold]
fn overrun(what: &str, len: usize, left: usize) -> Fault {
    Fault::new(format!("unexpected EOF: {what} of length {len}, and {left} bytes left"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(bytes: &[u8]) -> Result<Token<'_>, Fault> {
        Reader::new(bytes).token()
    }

    #[test]
    fn every_form_is_read() {
        let cases: &[(&[u8], Token<'_>)] = &[
            (b"\x00", Token::Uint(0)),
            (b"\x7f", Token::Uint(127)),
            (b"\xe0", Token::Int(-32)),
            (b"\xff", Token::Int(-1)),
            (b"\xcc\xff", Token::Uint(255)),
            (b"\xcd\xff\xff", Token::Uint(65535)),
            (b"\xce\xff\xff\xff\xff", Token::Uint(u32::MAX.into())),
            (b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", Token::Uint(u64::MAX)),
            (b"\xd0\x05", Token::Uint(5)),
            (b"\xd0\x80", Token::Int(-128)),
            (b"\xd1\x80\x00", Token::Int(-32768)),
            (b"\xd2\x80\x00\x00\x00", Token::Int(i32::MIN.into())),
            (b"\xd3\x00\x00\x00\x00\x00\x00\x00\x05", Token::Uint(5)),
            (b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00", Token::Int(i64::MIN)),
            (b"\xca\x3f\xc0\x00\x00", Token::F32(1.5)),
            (b"\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00", Token::F64(1.5)),
            (b"\xc0", Token::Nil),
            (b"\xc2", Token::Bool(false)),
            (b"\xc3", Token::Bool(true)),
            (b"\xa2hi", Token::Str(b"hi")),
            (b"\xd9\x02hi", Token::Str(b"hi")),
            (b"\xda\x00\x02hi", Token::Str(b"hi")),
            (b"\xdb\x00\x00\x00\x02hi", Token::Str(b"hi")),
            (b"\xc4\x02hi", Token::Bin(b"hi")),
            (b"\xc5\x00\x02hi", Token::Bin(b"hi")),
            (b"\xc6\x00\x00\x00\x02hi", Token::Bin(b"hi")),
            (b"\x91\x00", Token::Array(1)),
            (b"\xdc\x00\x01\x00", Token::Array(1)),
            (b"\xdd\x00\x00\x00\x01\x00", Token::Array(1)),
            (b"\x81\x00\x00", Token::Map(1)),
            (b"\xde\x00\x01\x00\x00", Token::Map(1)),
            (b"\xdf\x00\x00\x00\x01\x00\x00", Token::Map(1)),
            (b"\xd4\x01a", Token::Ext(b"\x01a")),
            (b"\xd5\x01ab", Token::Ext(b"\x01ab")),
            (b"\xd6\xffabcd", Token::Ext(b"\xffabcd")),
            (b"\xd7\xffabcdefgh", Token::Ext(b"\xffabcdefgh")),
            (b"\xd8\x01abcdefghijklmnop", Token::Ext(b"\x01abcdefghijklmnop")),
            (b"\xc7\x03\x01abc", Token::Ext(b"\x01abc")),
            (b"\xc8\x00\x03\x01abc", Token::Ext(b"\x01abc")),
            (b"\xc9\x00\x00\x00\x03\x01abc", Token::Ext(b"\x01abc")),
        ];
        for (bytes, expected) in cases {
            assert_eq!(&token(bytes).unwrap(), expected, "{bytes:02x?}");
            for cut in 0..bytes.len() {
                assert!(token(&bytes[..cut]).is_err(), "{bytes:02x?} cut at {cut}");
            }
        }
        assert!(token(b"\xc1").is_err());
    }

    #[test]
    fn lengths_are_believed_only_as_far_as_there_are_bytes() {
        for bytes in [
            &b"\xdb\x7f\xff\xff\xff"[..],
            b"\xc6\x7f\xff\xff\xff",
            b"\xdd\x7f\xff\xff\xff",
            b"\xdf\x7f\xff\xff\xff",
            b"\xc9\xff\xff\xff\xff",
        ] {
            let text = token(bytes).unwrap_err().to_string();
            assert!(text.starts_with("unexpected EOF: "), "{text}");
        }
    }

    #[test]
    fn skipping_nests_as_deep_as_it_likes() {
        let mut deep = vec![0x91; 200_000];
        deep.extend_from_slice(&[0x01, 0x07]);
        let mut reader = Reader::new(&deep);
        reader.skip().unwrap();
        assert_eq!(reader.token().unwrap(), Token::Uint(7));
    }
}
