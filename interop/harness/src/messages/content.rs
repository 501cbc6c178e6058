//! Text and bytes of any length that each peer can make again.

/// The i-th letter is 'a' + (7i + ⌊i/26⌋) mod 26.
pub(crate) fn text(len: usize) -> String {
    (0..len).map(|i| char::from(b'a' + ((7 * i + i / 26) % 26) as u8)).collect()
}

/// The i-th byte is (31i + ⌊i/256⌋) mod 256.
pub(crate) fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| ((31 * i + i / 256) % 256) as u8).collect()
}

/// The error of a method that was asked to fail.
pub(crate) fn fail_text(len: usize) -> String {
    format!("interop: asked to fail\nwith {len} bytes of text – né")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_the_documented_one() {
        assert_eq!(text(30), "ahovcjqxelszgnubipwdkryfmtbipw");
        let bytes = bytes(300);
        assert_eq!((bytes[1], bytes[9], bytes[256], bytes[299]), (31, 23, 1, 54));
    }
}
