//! Bytes on their way out: small frames copied together, large payloads in between by reference.

use std::{io::IoSlice, iter};

use bytes::Bytes;

/// What one write should take.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) bytes: Vec<u8>,
    /// Large payloads, each behind so many of the bytes.
    large: Vec<(usize, Bytes)>,
    size: usize,
    written: usize,
}

impl Batch {
    pub(crate) fn push(&mut self, frame: &[u8], large: Option<Bytes>) {
        self.bytes.extend_from_slice(frame);
        self.size += frame.len();
        if let Some(large) = large {
            self.size += large.len();
            self.large.push((self.bytes.len(), large));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.size == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.size
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.large.clear();
        self.size = 0;
        self.written = 0;
    }

    /// Notes that so many more bytes are gone; true when all are.
    pub(crate) fn advance(&mut self, written: usize) -> bool {
        self.written += written;
        self.written == self.size
    }

    /// The rest as one piece, if no large payload is in it.
    pub(crate) fn plain(&self) -> Option<&[u8]> {
        self.large.is_empty().then(|| &self.bytes[self.written..])
    }

    /// The rest in pieces.
    pub(crate) fn pieces(&self) -> Vec<IoSlice<'_>> {
        let mut start = 0;
        let mut skip = self.written;
        let mut pieces = Vec::with_capacity(2 * self.large.len() + 1);
        let mut add = |mut piece| {
            let skipped = skip.min(<[u8]>::len(piece));
            skip -= skipped;
            piece = &piece[skipped..];
            if !piece.is_empty() {
                pieces.push(IoSlice::new(piece));
            }
        };
        for (end, large) in self
            .large
            .iter()
            .map(|(end, large)| (*end, &large[..]))
            .chain(iter::once((self.bytes.len(), &[][..])))
        {
            add(&self.bytes[start..end]);
            add(large);
            start = end;
        }
        // The kernel takes no more at once.
        pieces.truncate(MAX_PIECES);
        pieces
    }
}

const MAX_PIECES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_are_what_is_left_at_every_point() {
        let mut batch = Batch::default();
        batch.push(b"ab", None);
        batch.push(b"cd", Some(Bytes::from_static(b"EFG")));
        batch.push(b"h", Some(Bytes::from_static(b"I")));
        batch.push(b"jk", None);
        let whole = b"abcdEFGhIjk";
        for written in 0..=whole.len() {
            assert_eq!(
                batch.pieces().iter().flat_map(|piece| piece.to_vec()).collect::<Vec<_>>(),
                whole[written..]
            );
            assert_eq!(batch.advance(1), written + 1 == whole.len());
        }
    }
}
