//! Gzip from a stranger: within the limit, the same at every limit that is enough, and what we pack unpacks.
//!
//! Input: a limit of two bytes, the compressed bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trunkline_wire::{CompressError, Compressor, Gzip};

fuzz_target!(|input: &[u8]| {
    let Some((limit, packed)) = input.split_first_chunk() else { return };
    let limit = usize::from(u16::from_be_bytes(*limit));
    let gzip = Gzip::default();

    if let Ok(inflated) = gzip.decompress(packed, limit) {
        assert!(inflated.len() <= limit);
        let exact = gzip.decompress(packed, inflated.len()).expect("its own length is enough");
        assert_eq!(exact, inflated);
        if let Some(less) = inflated.len().checked_sub(1) {
            assert!(matches!(gzip.decompress(packed, less), Err(CompressError::TooLarge { .. })));
        }
    }

    let mut again = Vec::new();
    gzip.compress(packed, &mut again).expect("gzip compresses anything");
    assert_eq!(gzip.decompress(&again, packed.len()).expect("what was packed unpacks"), packed);
});
