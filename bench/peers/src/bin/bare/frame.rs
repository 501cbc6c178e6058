//! rpcx frames, no more of them than the loop needs.
//!
//! ```text
//! 08 00 flags serialize<<4 | seq u64 | total u32 | path | method | metadata | payload, each behind its u32 length
//! ```

use std::ops::Range;

use bench_load::Result;

/// Where the sequence number is.
pub(crate) const SEQ: Range<usize> = 4..12;

pub(crate) const PATH: &[u8] = b"Bench";
pub(crate) const SAY: &[u8] = b"Say";
pub(crate) const ECHO: &[u8] = b"Echo";
pub(crate) const BURN: &[u8] = b"Burn";

/// Writes a request up to its payload's length; the sequence number is filled in when it is known.
pub(crate) fn request(out: &mut Vec<u8>, method: &[u8]) -> Open {
    let start = out.len();
    out.extend_from_slice(&[MAGIC, 0, 0, PROTOBUF]);
    out.extend_from_slice(&[0; SEQ_SIZE + LENGTH]);
    field(out, PATH);
    field(out, method);
    let metadata = 2 * LENGTH + TIMEOUT_KEY.len() + TIMEOUT.len();
    out.extend_from_slice(&(metadata as u32).to_be_bytes());
    field(out, TIMEOUT_KEY);
    field(out, TIMEOUT);
    out.extend_from_slice(&[0; LENGTH]);
    Open { start, payload: out.len() }
}

/// Writes the reply to a frame up to its payload's length: its header with the message type set, its path and
/// method, no metadata.
pub(crate) fn reply(out: &mut Vec<u8>, request: &Frame<'_>) -> Open {
    let start = out.len();
    out.extend_from_slice(&request.head[..HEAD - LENGTH]);
    out[start + FLAGS] |= RESPONSE;
    out.extend_from_slice(&[0; LENGTH]);
    field(out, request.path);
    field(out, request.method);
    out.extend_from_slice(&[0; 2 * LENGTH]);
    Open { start, payload: out.len() }
}

/// A frame whose payload is being written.
pub(crate) struct Open {
    start: usize,
    payload: usize,
}

impl Open {
    /// Fills in the lengths; `beyond` bytes of the payload follow outside the buffer.
    pub(crate) fn close(self, out: &mut [u8], beyond: usize) {
        let payload = (out.len() - self.payload + beyond) as u32;
        let total = (out.len() - self.start - HEAD + beyond) as u32;
        out[self.payload - LENGTH..self.payload].copy_from_slice(&payload.to_be_bytes());
        let at = self.start + HEAD - LENGTH;
        out[at..at + LENGTH].copy_from_slice(&total.to_be_bytes());
    }
}

/// A whole frame.
pub(crate) struct Frame<'a> {
    head: &'a [u8; HEAD],
    pub(crate) path: &'a [u8],
    pub(crate) method: &'a [u8],
    pub(crate) payload: &'a [u8],
    /// Its length with everything.
    pub(crate) size: usize,
}

impl<'a> Frame<'a> {
    /// The frame at the front of the buffer, if all of it is there; else how long the buffer must become.
    pub(crate) fn split(buffer: &'a [u8]) -> Result<std::result::Result<Self, usize>> {
        let Some((head, rest)) = buffer.split_first_chunk::<HEAD>() else { return Ok(Err(HEAD)) };
        if head[0] != MAGIC {
            return Err(format!("a frame begins with {:#04x}, expected {MAGIC:#04x}", head[0]).into());
        }
        let total = length(head.last_chunk().expect("a header ends with a length"));
        if total > MAX_TOTAL {
            return Err(format!("a frame of {total} bytes, expected at most {MAX_TOTAL}").into());
        }
        let size = HEAD + total;
        let Some(mut body) = rest.get(..total) else { return Ok(Err(size)) };
        let path = take(&mut body)?;
        let method = take(&mut body)?;
        take(&mut body)?;
        let payload = take(&mut body)?;
        Ok(Ok(Self { head, path, method, payload, size }))
    }

    pub(crate) fn seq(&self) -> u64 {
        let (_, seq) = self.head[..SEQ.end].split_last_chunk().expect("the sequence number is in the header");
        u64::from_be_bytes(*seq)
    }

    /// Whether it answers a request, and well.
    pub(crate) fn is_good_reply(&self) -> bool {
        self.head[FLAGS] & RESPONSE != 0 && self.head[FLAGS] & STATUS == 0
    }
}

fn field(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn take<'a>(body: &mut &'a [u8]) -> Result<&'a [u8]> {
    let (size, rest) = body.split_first_chunk().ok_or("a frame ends within a length")?;
    let (bytes, rest) = rest.split_at_checked(length(size)).ok_or("a field reaches beyond its frame")?;
    *body = rest;
    Ok(bytes)
}

fn length(bytes: &[u8; LENGTH]) -> usize {
    u32::from_be_bytes(*bytes) as usize
}

const MAGIC: u8 = 0x08;
const FLAGS: usize = 2;
const PROTOBUF: u8 = 0x20;
const RESPONSE: u8 = 0x80;
const STATUS: u8 = 0x03;
const SEQ_SIZE: usize = 8;
const LENGTH: usize = 4;
const HEAD: usize = 16;
const MAX_TOTAL: usize = 64 << 20;

/// Every request carries its deadline, as rpcx clients send it.
const TIMEOUT_KEY: &[u8] = b"__ServerTimeout";
const TIMEOUT: &[u8] = b"10000";

#[cfg(test)]
mod tests {
    use super::*;

    /// Header, path, method and one pair of metadata, put together by hand from the protocol's description.
    const SAY_HI: &[u8] = b"\x08\x00\x00\x20\0\0\0\0\0\0\x01\x02\0\0\0\x36\
        \0\0\0\x05Bench\0\0\0\x03Say\0\0\0\x1c\0\0\0\x0f__ServerTimeout\0\0\0\x0510000\0\0\0\x02hi";

    #[test]
    fn a_request_is_an_rpcx_frame() {
        let mut out = Vec::new();
        let open = request(&mut out, SAY);
        out.extend_from_slice(b"hi");
        open.close(&mut out, 0);
        out[SEQ].copy_from_slice(&0x102_u64.to_be_bytes());
        assert_eq!(out, SAY_HI);
    }

    #[test]
    fn a_reply_copies_the_header_and_names_but_not_the_metadata() {
        let request = Frame::split(SAY_HI).unwrap().ok().unwrap();
        assert_eq!(
            (request.path, request.method, request.payload, request.seq()),
            (PATH, SAY, &b"hi"[..], 0x102)
        );
        let mut out = Vec::new();
        reply(&mut out, &request).close(&mut out, 0);
        assert_eq!(
            out,
            b"\x08\x00\x80\x20\0\0\0\0\0\0\x01\x02\0\0\0\x18\0\0\0\x05Bench\0\0\0\x03Say\0\0\0\0\0\0\0\0"
        );
        assert!(Frame::split(&out).unwrap().ok().unwrap().is_good_reply());
        assert!(!request.is_good_reply());
    }

    #[test]
    fn a_part_of_a_frame_says_what_is_missing() {
        for end in 0..SAY_HI.len() {
            let needed = Frame::split(&SAY_HI[..end]).unwrap().err().unwrap();
            assert_eq!(needed, if end < HEAD { HEAD } else { SAY_HI.len() });
        }
    }

    #[test]
    fn a_broken_frame_is_refused() {
        let mut frame = SAY_HI.to_vec();
        frame[19] = 0xff;
        assert!(Frame::split(&frame).is_err());
        frame[0] = 0x09;
        assert!(Frame::split(&frame).is_err());
    }
}
