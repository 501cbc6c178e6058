//! The messages of the service, as in `bench.proto`.

use prost::Message;
use serde::{Deserialize, Serialize};

/// The message of the public rpcx benchmark: its field numbers and types.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the benchmark's fields have numbers for names")]
pub struct BenchmarkMessage {
    #[prost(string, tag = "1")]
    pub field1: String,
    #[prost(int32, tag = "2")]
    pub field2: i32,
    #[prost(int32, tag = "3")]
    pub field3: i32,
    #[prost(string, tag = "4")]
    pub field4: String,
    #[prost(fixed64, repeated, tag = "5")]
    pub field5: Vec<u64>,
    #[prost(int32, tag = "6")]
    pub field6: i32,
    #[prost(string, tag = "7")]
    pub field7: String,
    #[prost(string, tag = "9")]
    pub field9: String,
    #[prost(bool, tag = "12")]
    pub field12: bool,
    #[prost(bool, tag = "13")]
    pub field13: bool,
    #[prost(bool, tag = "14")]
    pub field14: bool,
    #[prost(int32, tag = "16")]
    pub field16: i32,
    #[prost(bool, tag = "17")]
    pub field17: bool,
    #[prost(string, tag = "18")]
    pub field18: String,
    #[prost(int64, tag = "22")]
    pub field22: i64,
    #[prost(int32, tag = "23")]
    pub field23: i32,
    #[prost(bool, tag = "24")]
    pub field24: bool,
    #[prost(int32, tag = "25")]
    pub field25: i32,
    #[prost(int32, tag = "29")]
    pub field29: i32,
    #[prost(bool, tag = "30")]
    pub field30: bool,
    #[prost(bool, tag = "59")]
    pub field59: bool,
    #[prost(int32, tag = "60")]
    pub field60: i32,
    #[prost(int32, tag = "67")]
    pub field67: i32,
    #[prost(int32, tag = "68")]
    pub field68: i32,
    #[prost(bool, tag = "78")]
    pub field78: bool,
    #[prost(bool, tag = "80")]
    pub field80: bool,
    #[prost(bool, tag = "81")]
    pub field81: bool,
    #[prost(int32, tag = "100")]
    pub field100: i32,
    #[prost(int32, tag = "101")]
    pub field101: i32,
    #[prost(string, tag = "102")]
    pub field102: String,
    #[prost(string, tag = "103")]
    pub field103: String,
    #[prost(int32, tag = "104")]
    pub field104: i32,
    #[prost(int32, tag = "128")]
    pub field128: i32,
    #[prost(string, tag = "129")]
    pub field129: String,
    #[prost(int32, tag = "130")]
    pub field130: i32,
    #[prost(int32, tag = "131")]
    pub field131: i32,
    #[prost(int32, tag = "150")]
    pub field150: i32,
    #[prost(int32, tag = "271")]
    pub field271: i32,
    #[prost(int32, tag = "272")]
    pub field272: i32,
    #[prost(int32, tag = "280")]
    pub field280: i32,
}

impl BenchmarkMessage {
    /// The request: every field filled, 581 bytes encoded (`field5` stays empty, as in the public benchmark).
    pub fn request() -> Self {
        Self {
            field1: TEXT.to_owned(),
            field2: NUMBER,
            field3: NUMBER,
            field4: TEXT.to_owned(),
            field5: Vec::new(),
            field6: NUMBER,
            field7: TEXT.to_owned(),
            field9: TEXT.to_owned(),
            field12: true,
            field13: true,
            field14: true,
            field16: NUMBER,
            field17: true,
            field18: TEXT.to_owned(),
            field22: NUMBER.into(),
            field23: NUMBER,
            field24: true,
            field25: NUMBER,
            field29: NUMBER,
            field30: true,
            field59: true,
            field60: NUMBER,
            field67: NUMBER,
            field68: NUMBER,
            field78: true,
            field80: true,
            field81: true,
            field100: NUMBER,
            field101: NUMBER,
            field102: TEXT.to_owned(),
            field103: TEXT.to_owned(),
            field104: NUMBER,
            field128: NUMBER,
            field129: TEXT.to_owned(),
            field130: NUMBER,
            field131: NUMBER,
            field150: NUMBER,
            field271: NUMBER,
            field272: NUMBER,
            field280: NUMBER,
        }
    }

    /// What the server does to it: one text and one number change.
    pub fn answer(&mut self) {
        self.field1.clear();
        self.field1.push_str("OK");
        self.field2 = 100;
    }

    /// Whether the server has been at it.
    pub fn is_answer(&self) -> bool {
        self.field1 == "OK" && self.field2 == 100
    }
}

/// The echo of bytes, for frameworks that carry messages only.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
pub struct Blob {
    /// The payload.
    #[prost(bytes = "bytes", tag = "1")]
    pub data: bytes::Bytes,
}

/// A time to hold a CPU for.
#[derive(Clone, Copy, PartialEq, Message, Serialize, Deserialize)]
pub struct Millis {
    /// Milliseconds.
    #[prost(uint32, tag = "1")]
    pub value: u32,
}

/// Encoded size of the request.
pub const REQUEST_SIZE: usize = 581;

/// Eighteen characters of three bytes: text whose UTF-8 is not plain ASCII, as in the public benchmark.
const TEXT: &str = "一二三四五六七八九十百千万億兆京垓秭";

/// Three bytes as a varint.
const NUMBER: i32 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_as_long_as_the_public_one() {
        assert_eq!(BenchmarkMessage::request().encoded_len(), REQUEST_SIZE);
    }

    #[test]
    fn an_answer_differs_from_a_request_in_two_fields() {
        let mut message = BenchmarkMessage::request();
        assert!(!message.is_answer());
        message.answer();
        assert!(message.is_answer());
        message.field1 = TEXT.to_owned();
        message.field2 = NUMBER;
        assert_eq!(message, BenchmarkMessage::request());
    }
}
