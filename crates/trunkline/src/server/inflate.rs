//! Compressed payloads made plain: within the limit, and never ahead of the byte budget.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use trunkline_wire::{CompressError, CompressType};

use super::answer::AnswerRules;
use crate::budget::ALLOWANCE;
use crate::error::{Error, ErrorKind};

/// A payload whose size is not known beforehand is inflated anew with so many times the room.
const GROWTH: usize = 4;

impl AnswerRules {
    /// The plain payload, of `most` bytes at most. `reserve` is asked before memory is taken, for
    /// all that may be needed, each time anew.
    pub(super) fn inflate(
        &self,
        kind: CompressType,
        payload: &Bytes,
        most: usize,
        mut reserve: impl FnMut(usize) -> bool,
    ) -> Result<Bytes, Error> {
        if kind == CompressType::NONE {
            return Ok(payload.clone());
        }
        let refused = |error: CompressError| {
            Error::new(ErrorKind::Invalid, format!("the payload does not decompress: {error}"))
                .with_source(error)
        };
        let panicked = |_| Error::new(ErrorKind::Internal, "the compressor panicked over the payload");
        let compressor = self.compressors.require(kind).map_err(refused)?;
        let hint =
            catch_unwind(AssertUnwindSafe(|| compressor.inflated_len_hint(payload))).map_err(panicked)?;
        let mut limit = hint.unwrap_or(0).max(ALLOWANCE).min(most);
        loop {
            if !reserve(limit) {
                let text = "the server has no room for the inflated payload; try again later";
                return Err(Error::new(ErrorKind::Overloaded, text).not_started());
            }
            let inflating = || self.compressors.decompress(kind, payload, limit);
            match catch_unwind(AssertUnwindSafe(inflating)).map_err(panicked)? {
                Err(CompressError::TooLarge { .. }) if limit < most => {
                    limit = limit.saturating_mul(GROWTH).min(most);
                }
                inflated => return inflated.map_err(refused),
            }
        }
    }
}
