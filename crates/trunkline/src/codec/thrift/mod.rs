//! Thrift's binary protocol: a struct as it is, without the envelope that Thrift's own calls have around it.

mod value;

use bytes::Bytes;
use thrift::protocol::{TBinaryInputProtocol, TBinaryOutputProtocol, TSerializable};
use thrift::{Error, TConfiguration, TransportErrorKind};

use super::{CodecError, Decode, Direction, Encode, Format, SerializeType};

pub use value::{ThriftField, ThriftValue, in_field, missing, unknown};

/// Serialize type 4: a struct in Thrift's binary protocol.
///
/// Takes types that Thrift's compiler generated, and structs with `#[derive(trunkline::Thrift)]`. A length in the
/// payload counts no more than the payload's own, and structs nest 64 deep at most.
///
/// ```
/// # #[cfg(feature = "macros")] {
/// # use trunkline::codec::{Decode, Encode, Thrift};
/// #[derive(Debug, PartialEq, trunkline::Thrift)]
/// struct Args {
///     #[thrift(1)]
///     a: i32,
///     #[thrift(2)]
///     b: Option<i32>,
/// }
///
/// let mut payload = Vec::new();
/// Thrift::encode(&Args { a: 10, b: Some(20) }, &mut payload)?;
/// assert_eq!(payload, b"\x08\x00\x01\x00\x00\x00\x0a\x08\x00\x02\x00\x00\x00\x14\x00");
/// let args: Args = Thrift::decode(&payload.into())?;
/// assert_eq!(args, Args { a: 10, b: Some(20) });
/// # }
/// # Ok::<(), trunkline::codec::CodecError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Thrift;

impl Format for Thrift {
    const TYPE: SerializeType = SerializeType::THRIFT;
    const NAME: &'static str = "thrift";
}

#[diagnostic::do_not_recommend]
impl<T: TSerializable> Encode<T> for Thrift {
    fn encode(value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let mut protocol = TBinaryOutputProtocol::new(out, true);
        value.write_to_out_protocol(&mut protocol).map_err(|error| failed::<T>(Direction::Encode, error))
    }
}

#[diagnostic::do_not_recommend]
impl<T: TSerializable> Decode<T> for Thrift {
    fn decode(payload: &Bytes) -> Result<T, CodecError> {
        if payload.is_empty() {
            return Err(CodecError::decode::<T>(Self::NAME, "EOF"));
        }
        let limits = TConfiguration::builder()
            .max_message_size(Some(payload.len()))
            .max_frame_size(Some(payload.len()))
            .max_container_size(Some(payload.len()))
            .max_string_size(Some(payload.len()))
            .build()
            .map_err(|error| failed::<T>(Direction::Decode, error))?;
        let mut protocol = TBinaryInputProtocol::with_config(&payload[..], true, limits);
        T::read_from_in_protocol(&mut protocol).map_err(|error| failed::<T>(Direction::Decode, error))
    }
}

fn failed<T>(direction: Direction, error: Error) -> CodecError {
    let (path, error) = value::take_path(error);
    let text = match &error {
        Error::Transport(inner) if inner.kind == TransportErrorKind::EndOfFile => "unexpected EOF".to_owned(),
        Error::Transport(inner) => inner.message.clone(),
        Error::Protocol(inner) => inner.message.clone(),
        Error::Application(inner) => inner.message.clone(),
        Error::User(inner) => inner.to_string(),
    };
    let failed = match direction {
        Direction::Encode => CodecError::encode::<T>(Thrift::NAME, text),
        Direction::Decode => CodecError::decode::<T>(Thrift::NAME, text),
    };
    match path {
        Some(path) => failed.at(path).with_source(error),
        None => failed.with_source(error),
    }
}
