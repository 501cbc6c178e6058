//! The variants of `Everything`, and what each field of theirs holds: both as the Go process says.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use trunkline::codec::{Decode, Encode, Json, MsgPack, Protobuf, Thrift};

use crate::check::{Check, During, Problem, equal, expect};
use crate::messages::canonical::{self, Fields};
use crate::messages::{Everything, plain::Checked, protobuf, thrift};
use crate::plan::{Codec, Step};

/// A variant as the Go peer serializes it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Golden {
    variant: usize,
    codec: Codec,
    /// Hexadecimal.
    payload: String,
    /// Canonical JSON.
    fields: BTreeMap<String, String>,
}

/// All variants.
#[derive(Debug)]
pub(crate) struct Values {
    goldens: Vec<Golden>,
    variants: Vec<Everything>,
}

impl Values {
    /// Takes the variants from the MessagePack payloads; that they are right is for [`check_golden`](Self::check_golden).
    pub(crate) fn read(goldens: Vec<Golden>) -> Check<Self> {
        let mut variants = Vec::new();
        while let Some(golden) = find(&goldens, Codec::MsgPack, variants.len()) {
            let what = format!("variant {} in msgpack", golden.variant);
            variants.push(MsgPack::decode(&golden.bytes()?).during(&what)?);
        }
        expect(!variants.is_empty(), || "the Go peer printed no values".to_owned())?;
        Ok(Self { goldens, variants })
    }

    /// A row for each payload.
    pub(crate) fn steps(&self) -> Vec<Step> {
        self.goldens.iter().map(|golden| Step::extra("values", golden.codec, golden.variant)).collect()
    }

    pub(crate) fn variant(&self, variant: usize) -> Check<&Everything> {
        self.variants.get(variant).ok_or_else(|| {
            Problem(format!(
                "interop: there is no variant {variant} of Everything, expected 0 to {}",
                self.variants.len() - 1
            ))
        })
    }

    /// What Go says that the fields of a variant hold; loosely, where a codec cannot tell nil from empty.
    pub(crate) fn fields(&self, variant: usize, loose: bool) -> Check<Fields> {
        let codec = if loose { Codec::Protobuf } else { Codec::Json };
        find(&self.goldens, codec, variant)
            .ok_or_else(|| Problem(format!("the Go peer printed no fields of variant {variant}")))?
            .parsed()
    }

    /// Compares a value with what Go says of the variant that has the same `UserID`.
    pub(crate) fn check(&self, got: &Everything, loose: bool) -> Check<Checked> {
        let Some(variant) = self.variants.iter().position(|value| value.user_id == got.user_id) else {
            let detail = format!("UserID: got {}, which no variant has", got.user_id);
            return Ok(Checked { differ: vec!["UserID".to_owned()], detail: vec![detail] });
        };
        self.differences(variant, got, loose)
    }

    pub(crate) fn differences(&self, variant: usize, got: &Everything, loose: bool) -> Check<Checked> {
        let expected = self.fields(variant, loose)?;
        let (differ, detail) = canonical::compare(&canonical::fields(got, loose), &expected);
        Ok(Checked { differ, detail })
    }

    /// Reads what Go wrote, writes it again and reads that: each field holds what Go says, both times.
    pub(crate) fn check_golden(&self, step: &Step) -> Check {
        let golden = find(&self.goldens, step.codec, step.variant)
            .ok_or_else(|| Problem("the Go peer printed no such payload".to_owned()))?;
        let payload = golden.bytes()?;
        let (once, twice) = match step.codec {
            Codec::Json => again::<Json, Everything>(&payload)?,
            Codec::MsgPack => again::<MsgPack, Everything>(&payload)?,
            Codec::Protobuf => again::<Protobuf, protobuf::Everything>(&payload)?,
            Codec::Thrift => again::<Thrift, thrift::Everything>(&payload)?,
            Codec::Raw => return Err(Problem("raw has no structs".to_owned())),
        };
        let (loose, expected) = (step.codec == Codec::Protobuf, golden.parsed()?);
        for (what, value) in [("as it came", once), ("written again", twice)] {
            let (differ, detail) = canonical::compare(&canonical::fields(&value, loose), &expected);
            expect(differ.is_empty(), || format!("{what}, it differs:\n{}", detail.join("\n")))?;
        }
        equal("number of fields", expected.len(), canonical::fields(&Everything::default(), loose).len())
    }
}

fn again<F, T>(payload: &Bytes) -> Check<(Everything, Everything)>
where
    F: Decode<T> + Encode<T>,
    T: Clone + Into<Everything>,
{
    let once = F::decode(payload).during("decoding what Go wrote")?;
    let mut written = Vec::new();
    F::encode(&once, &mut written)?;
    let twice = F::decode(&written.into()).during("decoding it again")?;
    Ok((once.into(), twice.into()))
}

fn find(goldens: &[Golden], codec: Codec, variant: usize) -> Option<&Golden> {
    goldens.iter().find(|golden| golden.codec == codec && golden.variant == variant)
}

impl Golden {
    fn bytes(&self) -> Check<Bytes> {
        let digits = self.payload.as_bytes().chunks(2);
        let bytes = digits.map(|pair| u8::from_str_radix(&String::from_utf8_lossy(pair), 16));
        bytes.collect::<Result<Vec<_>, _>>().map(Into::into).during("the Go peer's hexadecimal")
    }

    fn parsed(&self) -> Check<Fields> {
        let fields = self.fields.iter();
        fields.map(|(name, text)| Ok((name.clone(), serde_json::from_str::<Value>(text)?))).collect()
    }
}
