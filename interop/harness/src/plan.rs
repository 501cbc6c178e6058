//! The case list, as the Go peer prints it.

use std::fmt;

use serde::Deserialize;
use trunkline::SerializeType;

/// One line of the list: a case to play, or what is left out and why.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) case: String,
    pub(crate) codec: Codec,
    pub(crate) gzip: bool,
    pub(crate) size: usize,
    pub(crate) variant: usize,
    pub(crate) not_applicable: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Codec {
    Raw,
    Json,
    Protobuf,
    MsgPack,
    Thrift,
}

impl Codec {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Json => "json",
            Self::Protobuf => "protobuf",
            Self::MsgPack => "msgpack",
            Self::Thrift => "thrift",
        }
    }

    pub(crate) const fn serialize(self) -> SerializeType {
        match self {
            Self::Raw => SerializeType::RAW,
            Self::Json => SerializeType::JSON,
            Self::Protobuf => SerializeType::PROTOBUF,
            Self::MsgPack => SerializeType::MSGPACK,
            Self::Thrift => SerializeType::THRIFT,
        }
    }
}

impl Step {
    /// A row that is not in the Go peer's list.
    pub(crate) fn extra(case: &str, codec: Codec, variant: usize) -> Self {
        Self { case: case.to_owned(), codec, gzip: false, size: 0, variant, not_applicable: None }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.case, self.codec.name())?;
        if self.gzip {
            f.write_str(" gzip")?;
        }
        if self.size > 0 {
            write!(f, " {} bytes", self.size)?;
        }
        if self.case.starts_with("everything") || self.case == "values" {
            write!(f, " variant {}", self.variant)?;
        }
        Ok(())
    }
}
