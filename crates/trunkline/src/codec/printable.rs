//! Text from the far end, fit for an error or a log.

/// What is longer is cut.
const LONGEST_NAME: usize = 64;

/// A name from the wire as it may stand in an error text: no control characters, no invalid UTF-8, bounded.
pub(crate) fn printable(name: &[u8]) -> String {
    let cut = &name[..name.len().min(LONGEST_NAME)];
    let mut text: String =
        String::from_utf8_lossy(cut).chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if name.len() > LONGEST_NAME {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_the_wire_are_cut_and_cleaned() {
        assert_eq!(printable(b"A\nB\xff"), "A\u{fffd}B\u{fffd}");
        let long = printable(&[b'x'; 500]);
        assert_eq!(long.chars().count(), LONGEST_NAME + 1);
    }
}
