//! Generated messages and generated garbage.

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;
use trunkline_wire::{Decoder, FrameEncoder, Header, Limits, Message, Metadata};

use crate::golden::encoded;

#[derive(Clone, Debug)]
struct Frame {
    header: Header,
    path: String,
    method: String,
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
    payload: Vec<u8>,
}

impl Frame {
    fn encode(&self, out: &mut Vec<u8>) {
        let mut frame = FrameEncoder::begin(out, self.header, self.path.as_bytes(), self.method.as_bytes());
        for (key, value) in &self.pairs {
            frame.pair(key, value);
        }
        frame.payload(&self.payload).unwrap();
    }
}

fn header() -> impl Strategy<Value = Header> {
    any::<[u8; 11]>().prop_map(|rest| {
        let mut bytes = [Header::MAGIC; Header::LEN];
        bytes[1..].copy_from_slice(&rest);
        Header::from_bytes(bytes).unwrap()
    })
}

fn frame() -> impl Strategy<Value = Frame> {
    let pair = (vec(any::<u8>(), 0..8), vec(any::<u8>(), 0..20));
    (header(), ".{0,12}", ".{0,12}", vec(pair, 0..4), vec(any::<u8>(), 0..200))
        .prop_map(|(header, path, method, pairs, payload)| Frame { header, path, method, pairs, payload })
}

/// Feeds a stream in chunks, and gives what was decoded by the end or the first error.
fn decode_in_chunks(stream: &[u8], cuts: &[prop::sample::Index]) -> (Vec<Message>, bool) {
    let mut cuts: Vec<_> =
        cuts.iter().map(|cut| cut.index(stream.len() + 1)).chain([0, stream.len()]).collect();
    cuts.sort_unstable();
    let mut decoder = Decoder::new(Limits::default());
    let mut buf = BytesMut::new();
    let mut messages = Vec::new();
    for cut in cuts.windows(2) {
        buf.extend_from_slice(&stream[cut[0]..cut[1]]);
        loop {
            match decoder.decode(&mut buf) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(_) => return (messages, false),
            }
        }
        assert!(decoder.missing(&buf) >= 1);
    }
    (messages, buf.is_empty())
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(frames in vec(frame(), 0..5), cuts in vec(any::<prop::sample::Index>(), 0..12)) {
        let mut stream = Vec::new();
        for frame in &frames {
            frame.encode(&mut stream);
        }
        let (messages, whole) = decode_in_chunks(&stream, &cuts);
        prop_assert!(whole);
        prop_assert_eq!(messages.len(), frames.len());
        let mut again = Vec::new();
        for (message, frame) in messages.iter().zip(&frames) {
            prop_assert_eq!(message.header(), frame.header);
            prop_assert_eq!(message.service_path(), frame.path.as_bytes());
            prop_assert_eq!(message.service_method(), frame.method.as_bytes());
            prop_assert_eq!(message.payload(), &frame.payload[..]);
            let pairs: Vec<_> = message.metadata().iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
            prop_assert_eq!(&pairs, &frame.pairs);
            message.encode(&mut again);
        }
        prop_assert_eq!(again, stream);
    }

    #[test]
    fn a_message_made_of_parts_is_the_frame(frame in frame()) {
        let mut expected = Vec::new();
        frame.encode(&mut expected);
        let mut block = Vec::new();
        for field in frame.pairs.iter().flat_map(|(key, value)| [key, value]) {
            block.extend((field.len() as u32).to_be_bytes());
            block.extend(field);
        }
        let metadata = Metadata::from_encoded(block.into()).unwrap();
        let payload = Bytes::from(frame.payload);
        let message = Message::new(frame.header, &frame.path, &frame.method, &metadata, payload).unwrap();
        prop_assert_eq!(message.wire_len(), expected.len());
        prop_assert_eq!(encoded(&message), expected);
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in vec(any::<u8>(), 0..80), cuts in vec(any::<prop::sample::Index>(), 0..4)) {
        let mut stream = vec![Header::MAGIC];
        stream.extend(bytes);
        decode_in_chunks(&stream, &cuts);
        decode_in_chunks(&stream[1..], &cuts);
    }

    /// Most random bytes fail at once; a frame with a few bytes changed gets further in.
    #[test]
    fn a_damaged_frame_is_decoded_or_refused(
        frame in frame(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cuts in vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let mut stream = Vec::new();
        frame.encode(&mut stream);
        for (at, byte) in damage {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        let (messages, _) = decode_in_chunks(&stream, &cuts);
        let again: Vec<u8> = messages.iter().flat_map(encoded).collect();
        prop_assert_eq!(&again[..], &stream[..again.len()]);
        let (unchunked, _) = decode_in_chunks(&stream, &[]);
        prop_assert_eq!(unchunked.len(), messages.len(), "how the bytes arrive does not matter");
    }
}
