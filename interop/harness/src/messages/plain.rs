//! The messages in JSON and MessagePack.

use std::collections::BTreeMap;

use bytes::Bytes;

pub(crate) use super::Everything;
use super::Inner;

#[trunkline::message]
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Nothing {}

/// Names a variant of [`Everything`].
#[trunkline::message]
#[derive(Clone, Debug)]
pub(crate) struct Pick {
    pub(crate) variant: i32,
}

/// A variant together with what its fields hold, as canonical JSON.
#[trunkline::message]
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) value: Everything,
    pub(crate) fields: BTreeMap<String, String>,
}

/// The names of the fields in which a value differs from the variant it should be, and a line for each.
#[trunkline::message]
#[derive(Clone, Debug, Default)]
pub(crate) struct Checked {
    pub(crate) differ: Vec<String>,
    pub(crate) detail: Vec<String>,
}

/// A payload of any size.
#[trunkline::message]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Blob {
    pub(crate) text: String,
    pub(crate) data: Bytes,
}

/// A [`Blob`] of a later version.
#[trunkline::message]
#[derive(Clone, Debug)]
pub(crate) struct BlobPlus {
    pub(crate) text: String,
    pub(crate) extra: BTreeMap<String, Option<Vec<Inner>>>,
    pub(crate) data: Bytes,
}

#[trunkline::message]
#[derive(Clone, Debug)]
pub(crate) struct Generate {
    pub(crate) text_len: i32,
    pub(crate) data_len: i32,
}

/// Numbers that are not numbers, and their kin.
#[trunkline::message]
#[derive(Clone, Debug)]
pub(crate) struct Floats {
    pub(crate) f32: Vec<f32>,
    pub(crate) f64: Vec<f64>,
}

#[trunkline::message]
#[derive(Clone, Debug)]
pub(crate) struct Sleep {
    pub(crate) id: i64,
    pub(crate) millis: i64,
}

#[trunkline::message]
#[derive(Clone, Debug)]
pub(crate) struct Slept {
    pub(crate) id: i64,
}

/// Adds to a counter.
#[trunkline::message]
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    pub(crate) key: String,
    pub(crate) add: i64,
}

#[trunkline::message]
#[derive(Clone, Debug)]
pub(crate) struct Total {
    pub(crate) total: i64,
}

#[trunkline::message]
#[derive(Clone, Debug)]
pub(crate) struct Linger {
    pub(crate) key: String,
    pub(crate) millis: i64,
}

#[trunkline::message]
#[derive(Clone, Debug)]
pub(crate) struct Push {
    pub(crate) times: i32,
    pub(crate) text: String,
}

#[trunkline::message]
#[derive(Clone, Debug)]
pub(crate) struct Pushed {
    pub(crate) sent: i32,
}

/// What a handler can tell about its caller's deadline.
#[trunkline::message]
#[derive(Clone, Debug, Default)]
pub(crate) struct DeadlineSeen {
    pub(crate) present: bool,
    /// What is left of it.
    pub(crate) millis: i64,
    /// The metadata as it came.
    pub(crate) raw: String,
}

/// Asks for an error with everything that travels beside its text.
#[trunkline::message]
#[derive(Clone, Debug, Default)]
pub(crate) struct Rich {
    pub(crate) text: String,
    pub(crate) kind: String,
    pub(crate) code: String,
    /// JSON.
    pub(crate) details: String,
    pub(crate) not_started: bool,
    pub(crate) has_retry_after: bool,
    pub(crate) retry_after_millis: i64,
}
