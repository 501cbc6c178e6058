//! The formats a service speaks, as a tuple.

use std::fmt;

use bytes::Bytes;

use super::{CodecError, Decode, Encode, Format, SerializeType};

/// Formats: a tuple of one to eight of them.
pub trait FormatSet: Send + Sync + 'static {
    /// The names of the formats, in order.
    const NAMES: &'static [&'static str];

    /// Whether one of the formats has this number.
    fn supports(ty: SerializeType) -> bool;
}

/// Formats in which arguments `A` come in.
///
/// The first format with a matching [`Format::TYPE`](super::Format::TYPE) is used.
pub trait DecodeSet<A>: FormatSet {
    /// [`Decode::decode`] of the format that a request names, if there is such a format.
    fn decoder(ty: SerializeType) -> Option<DecodeFn<A>>;

    /// [`Decode::decode_reporting_unknown`] of the format that a request names.
    fn reporting_decoder(ty: SerializeType) -> Option<ReportingDecodeFn<A>>;
}

/// [`Decode::decode`] of some format.
pub type DecodeFn<A> = fn(&Bytes) -> Result<A, CodecError>;

/// [`Decode::decode_reporting_unknown`] of some format: reads a value, and adds to the list the paths of fields that it
/// does not have.
pub type ReportingDecodeFn<A> = fn(&Bytes, &mut Vec<String>) -> Result<A, CodecError>;

/// Formats in which replies `R` go out.
///
/// The first format with a matching [`Format::TYPE`](super::Format::TYPE) is used.
pub trait EncodeSet<R>: FormatSet {
    /// Appends a reply in the format its request named.
    ///
    /// # Errors
    /// When no format has this number, or the reply does not encode.
    fn encode(ty: SerializeType, reply: &R, out: &mut Vec<u8>) -> Result<(), SetError>;
}

/// The formats in which arguments `A` come in and replies `R` go out.
///
/// ```
/// # #[cfg(all(feature = "msgpack", feature = "json"))] {
/// # use trunkline::codec::{CodecSet, DecodeSet, Json, MsgPack, SerializeType};
/// fn spoken<C: CodecSet<i64, String>>() -> &'static [&'static str] {
///     C::NAMES
/// }
/// assert_eq!(spoken::<(MsgPack, Json)>(), ["msgpack", "json"]);
///
/// let decode = <(MsgPack, Json) as DecodeSet<i64>>::decoder(SerializeType::JSON).unwrap();
/// assert_eq!(decode(&"7".into())?, 7);
/// let unknown = SerializeType::new(9).unwrap();
/// assert!(<(MsgPack, Json) as DecodeSet<i64>>::decoder(unknown).is_none());
/// # }
/// # Ok::<(), trunkline::codec::CodecError>(())
/// ```
pub trait CodecSet<A, R>: DecodeSet<A> + EncodeSet<R> {}

impl<C, A, R> CodecSet<A, R> for C where C: DecodeSet<A> + EncodeSet<R> {}

/// Why a set of formats could not do it.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetError {
    /// None of the formats has this number. The text is Go's.
    Unknown(SerializeType),
    /// The format was found and failed.
    Codec(CodecError),
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(ty) => write!(f, "can not find codec for {}", ty.id()),
            Self::Codec(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SetError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unknown(_) => None,
            Self::Codec(error) => error.source(),
        }
    }
}

impl From<CodecError> for SetError {
    fn from(error: CodecError) -> Self {
        Self::Codec(error)
    }
}

macro_rules! tuples {
    ($($($format:ident)+;)+) => {$(
        impl<$($format: Format),+> FormatSet for ($($format,)+) {
            const NAMES: &'static [&'static str] = &[$($format::NAME),+];

            fn supports(ty: SerializeType) -> bool {
                $(ty == $format::TYPE)||+
            }
        }

        impl<A, $($format: Decode<A>),+> DecodeSet<A> for ($($format,)+) {
            #[inline]
            fn decoder(ty: SerializeType) -> Option<DecodeFn<A>> {
                $(if ty == $format::TYPE {
                    return Some($format::decode);
                })+
                None
            }

            fn reporting_decoder(ty: SerializeType) -> Option<ReportingDecodeFn<A>> {
                $(if ty == $format::TYPE {
                    return Some($format::decode_reporting_unknown);
                })+
                None
            }
        }

        impl<R, $($format: Encode<R>),+> EncodeSet<R> for ($($format,)+) {
            #[inline]
            fn encode(ty: SerializeType, reply: &R, out: &mut Vec<u8>) -> Result<(), SetError> {
                $(if ty == $format::TYPE {
                    return Ok($format::encode(reply, out)?);
                })+
                Err(SetError::Unknown(ty))
            }
        }
    )+};
}

tuples! {
    F0;
    F0 F1;
    F0 F1 F2;
    F0 F1 F2 F3;
    F0 F1 F2 F3 F4;
    F0 F1 F2 F3 F4 F5;
    F0 F1 F2 F3 F4 F5 F6;
    F0 F1 F2 F3 F4 F5 F6 F7;
}

#[cfg(test)]
mod tests {
    use super::super::Raw;
    use super::*;

    struct Upper;

    impl Format for Upper {
        const TYPE: SerializeType = match SerializeType::new(5) {
            Some(ty) => ty,
            None => panic!("5 is below 16"),
        };
        const NAME: &'static str = "upper";
    }

    impl Encode<Vec<u8>> for Upper {
        fn encode(value: &Vec<u8>, out: &mut Vec<u8>) -> Result<(), CodecError> {
            out.extend(value.iter().map(u8::to_ascii_uppercase));
            Ok(())
        }
    }

    impl Decode<Vec<u8>> for Upper {
        fn decode(payload: &Bytes) -> Result<Vec<u8>, CodecError> {
            match payload.iter().find(|b| b.is_ascii_lowercase()) {
                Some(b) => Err(CodecError::decode::<Vec<u8>>(Self::NAME, format!("found {b:#04x}"))),
                None => Ok(payload.to_vec()),
            }
        }
    }

    type Both = (Raw, Upper);

    #[test]
    fn the_request_chooses_the_format() {
        assert_eq!(Both::NAMES, ["raw", "upper"]);
        for (ty, sent) in [(Raw::TYPE, "abc"), (Upper::TYPE, "ABC")] {
            let mut out = Vec::new();
            <Both as EncodeSet<Vec<u8>>>::encode(ty, &b"abc".to_vec(), &mut out).unwrap();
            assert_eq!(out, sent.as_bytes());
            assert!(Both::supports(ty));
        }
    }

    #[test]
    fn an_unknown_number_gives_gos_text() {
        let encoded =
            <Both as EncodeSet<Vec<u8>>>::encode(SerializeType::MSGPACK, &Vec::new(), &mut Vec::new());
        assert_eq!(encoded.unwrap_err().to_string(), "can not find codec for 3");
        assert!(<Both as DecodeSet<Vec<u8>>>::decoder(SerializeType::MSGPACK).is_none());
        assert!(!Both::supports(SerializeType::MSGPACK));
    }

    #[test]
    fn the_formats_own_error_comes_through() {
        let decode = <Both as DecodeSet<Vec<u8>>>::decoder(Upper::TYPE).unwrap();
        assert_eq!(
            decode(&Bytes::from("Ab")).unwrap_err().to_string(),
            "upper: cannot decode Vec<u8>: found 0x62"
        );
    }
}
