//! A stream of frames fed in chunks. What decodes must re-encode to the bytes it came from, and it must not matter
//! how the bytes were cut.
//!
//! Input: a count, that many chunk lengths of one byte each, the stream.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use trunkline_wire::{DecodeError, Decoder, Limits, lookup};

fuzz_target!(|input: &[u8]| {
    let Some((&count, rest)) = input.split_first() else { return };
    let Some((chunks, stream)) = rest.split_at_checked(usize::from(count)) else { return };

    let (cut, cut_error) = decode(stream, chunks);
    let (whole, whole_error) = decode(stream, &[]);
    assert_eq!(cut, whole);
    assert_eq!(cut_error, whole_error);
    assert_eq!(whole, stream[..whole.len()]);
});

/// The decoded frames, encoded again, and why the rest was refused.
fn decode(stream: &[u8], chunks: &[u8]) -> (Vec<u8>, Option<DecodeError>) {
    let mut decoder = Decoder::new(Limits::default().with_frame(1 << 16).with_metadata(1 << 12));
    let mut buf = BytesMut::new();
    let mut again = Vec::new();
    let mut rest = stream;
    let mut chunks = chunks.iter();
    while !rest.is_empty() {
        let len = chunks.next().map_or(rest.len(), |&len| usize::from(len).min(rest.len()));
        let (chunk, behind) = rest.split_at(len);
        rest = behind;
        buf.extend_from_slice(chunk);
        loop {
            let capacity = buf.capacity();
            match decoder.decode(&mut buf) {
                Ok(Some(message)) => {
                    message.encode(&mut again);
                    for (key, _) in &message.metadata() {
                        assert!(lookup(message.metadata_block(), key).is_some());
                    }
                    let _ = format!("{message:?}");
                }
                Ok(None) => {
                    assert_eq!(buf.capacity(), capacity, "waiting reserves nothing");
                    assert!((1..=(1 << 16) + 16).contains(&decoder.missing(&buf)));
                    break;
                }
                Err(error) => {
                    assert_eq!(decoder.decode(&mut buf).unwrap_err(), DecodeError::Failed);
                    return (again, Some(error));
                }
            }
        }
    }
    (again, None)
}
