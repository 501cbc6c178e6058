//! Hashes whose values are fixed for ever: clients that must agree compute the same ones, whatever
//! their version or language.

/// FNV-1a in 64 bits over all parts, one after the other.
pub(super) fn fnv1a<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for &byte in parts.into_iter().flatten() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

/// Spreads what a number says over all of its bits (the finalizer of SplitMix64).
#[inline]
pub(super) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A place from 0 up to, and without, 1 that a text decides.
pub(super) fn fraction<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> f64 {
    (mix(fnv1a(parts)) >> 11) as f64 / (1u64 << 53) as f64
}

/// Jump consistent hash (Lamping and Veach), with Go's order of operations on doubles; 0 for no
/// buckets.
pub(super) fn jump(mut key: u64, buckets: usize) -> usize {
    let (mut bucket, mut next) = (0, 0);
    while next < buckets as u64 {
        bucket = next;
        key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        next = ((bucket + 1) as f64 * ((1u64 << 31) as f64 / ((key >> 33) + 1) as f64)) as u64;
    }
    bucket as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_are_those_of_go() {
        for (text, hash, places) in [
            ("/Arith/Mul/key0", 3740418272546142507, [0, 0, 2, 4, 6, 33]),
            ("/Arith/Mul/key4", 3740422670592655351, [0, 0, 0, 4, 8, 37]),
            ("/Arith/Mul/&{10 20}", 2377465108530270073, [0, 1, 1, 1, 1, 76]),
        ] {
            assert_eq!(fnv1a([text.as_bytes()]), hash, "{text}");
            assert_eq!([1, 2, 3, 5, 10, 100].map(|n| jump(hash, n)), places, "{text}");
        }
    }

    #[test]
    fn parts_hash_like_their_sum() {
        assert_eq!(fnv1a([&b"/Ar"[..], b"", b"ith"]), fnv1a([&b"/Arith"[..]]));
        assert_eq!(jump(7, 0), 0);
    }
}
