//! Gzip, compress type 1.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::compress::{CompressError, Compressor};

/// Gzip, RFC 1952.
///
/// Reads what Go writes (flush blocks before the final one) and streams of several members. The output grows as the
/// input inflates; no length in the input is trusted.
///
/// ```
/// use trunkline_wire::{Compressor, Gzip};
///
/// let mut packed = Vec::new();
/// Gzip::default().compress(&[7; 5000], &mut packed)?;
/// assert!(packed.len() < 100);
/// assert_eq!(Gzip::default().decompress(&packed, 5000)?, [7; 5000]);
/// assert!(Gzip::default().decompress(&packed, 4999).is_err());
/// # Ok::<(), trunkline_wire::CompressError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Gzip {
    level: u32,
}

impl Gzip {
    /// Gzip at level 6, what Go uses.
    #[must_use]
    pub const fn new() -> Self {
        Self { level: 6 }
    }

    /// Gzip at this level: 1 is fastest, 9 is smallest. Other numbers are taken as the nearest of these.
    #[must_use]
    pub const fn with_level(level: u32) -> Self {
        let level = match level {
            0 => 1,
            1..=9 => level,
            _ => 9,
        };
        Self { level }
    }
}

impl Default for Gzip {
    fn default() -> Self {
        Self::new()
    }
}

impl Compressor for Gzip {
    fn name(&self) -> &str {
        NAME
    }

    fn compress(&self, input: &[u8], out: &mut Vec<u8>) -> Result<(), CompressError> {
        let mut encoder = GzEncoder::new(out, Compression::new(self.level));
        encoder
            .write_all(input)
            .and_then(|()| encoder.try_finish())
            .map_err(|source| CompressError::failed(NAME, source))
    }

    fn decompress(&self, input: &[u8], limit: usize) -> Result<Vec<u8>, CompressError> {
        let mut decoder = MultiGzDecoder::new(input);
        let mut read =
            |into: &mut [u8]| decoder.read(into).map_err(|source| CompressError::corrupt(NAME, source));
        // Texts inflate two- to fourfold. What is larger than the first buffer earns its memory by inflating.
        let mut out = vec![0; input.len().saturating_mul(4).clamp(MIN_BUFFER, MAX_FIRST_BUFFER).min(limit)];
        let mut len = 0;
        loop {
            if len == limit {
                // At the limit, the end must be next; it also has the checksum verified.
                return match read(&mut [0])? {
                    0 => Ok(out),
                    _ => Err(CompressError::TooLarge { limit }),
                };
            }
            if len == out.len() {
                let grown = len.saturating_mul(2).min(limit);
                out.reserve_exact(grown - len);
                out.resize(grown, 0);
            }
            match read(&mut out[len..])? {
                0 => break,
                n => len += n,
            }
        }
        out.truncate(len);
        Ok(out)
    }

    /// The last member's length, from the end of the input: all of it where there is one member.
    fn inflated_len_hint(&self, input: &[u8]) -> Option<usize> {
        let len = u32::from_le_bytes(*input.last_chunk()?) as usize;
        Some(len.min(input.len().saturating_mul(MOST_INFLATION)))
    }
}

const NAME: &str = "gzip";
/// What deflate can make of a byte at most.
const MOST_INFLATION: usize = 1032;
const MIN_BUFFER: usize = 512;
const MAX_FIRST_BUFFER: usize = 64 << 10;
