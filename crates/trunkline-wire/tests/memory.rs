//! What decoding and inflating allocate. A binary of its own with one test, so that nothing else allocates meanwhile.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::alloc::System;

use bytes::BytesMut;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};
use trunkline_wire::{Decoder, FrameEncoder, Header, Limits, SerializeType, lookup};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn memory_follows_the_bytes_that_came() {
    small_frames_share_the_read_buffer();
    a_huge_total_reserves_nothing();
    encoding_allocates_the_output_only();
    #[cfg(feature = "gzip")]
    a_bomb_is_cut_at_the_limit();
}

fn small_frames_share_the_read_buffer() {
    let mut stream = Vec::new();
    for seq in 0..100 {
        append_request(&mut stream, seq);
    }
    let mut buf = BytesMut::from(&stream[..]);
    let mut decoder = Decoder::new(Limits::default());
    let stats = allocated(|| {
        for seq in 0..100 {
            let message = decoder.decode(&mut buf).unwrap().unwrap();
            assert_eq!(message.header().seq(), seq);
            assert_eq!(lookup(message.metadata_block(), b"__ServerTimeout"), Some(&b"2000"[..]));
            assert_eq!(message.metadata().get("k"), Some("v"));
        }
    });
    // The buffer's reference count, once for all of its frames.
    assert!(stats.allocations <= 1 && stats.reallocations == 0, "{stats:?}");
}

fn a_huge_total_reserves_nothing() {
    let mut decoder = Decoder::new(Limits::default().with_frame(usize::MAX));
    let mut buf = BytesMut::from(&[8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0][..]);
    let stats = allocated(|| assert!(decoder.decode(&mut buf).unwrap().is_none()));
    assert_eq!(stats.bytes_allocated, 0);
}

fn encoding_allocates_the_output_only() {
    let mut out = Vec::with_capacity(4096);
    let stats = allocated(|| {
        for seq in 0..20 {
            append_request(&mut out, seq);
        }
    });
    assert_eq!((stats.allocations, stats.reallocations), (0, 0));
}

#[cfg(feature = "gzip")]
fn a_bomb_is_cut_at_the_limit() {
    use trunkline_wire::{CompressError, Compressor, Gzip};

    let mut bomb = Vec::new();
    Gzip::default().compress(&vec![0; 64 << 20], &mut bomb).unwrap();
    // The length in the trailer claims nothing: with it, the output could be guessed at once.
    let end = bomb.len() - 4;
    bomb[end..].fill(1);

    let limit = 1 << 20;
    let stats = allocated(|| {
        let cut = Gzip::default().decompress(&bomb, limit);
        assert!(matches!(cut, Err(CompressError::TooLarge { .. })), "{cut:?}");
    });
    // The inflater's own tables and window take some 50 KiB.
    assert!(stats.bytes_allocated <= limit + (128 << 10), "{stats:?}");

    let mut small = Vec::new();
    Gzip::default().compress(b"small", &mut small).unwrap();
    let stats = allocated(|| assert_eq!(Gzip::default().decompress(&small, usize::MAX).unwrap(), b"small"));
    assert!(stats.bytes_allocated <= 128 << 10, "a large limit costs nothing: {stats:?}");
}

fn append_request(out: &mut Vec<u8>, seq: u64) {
    let header = Header::request(SerializeType::MSGPACK).with_seq(seq);
    let mut frame = FrameEncoder::begin(out, header, b"Arith", b"Mul");
    frame.pair(b"__ServerTimeout", b"2000");
    frame.pair(b"k", b"v");
    frame.payload(b"\x82\xa1A\x0a\xa1B\x14").unwrap();
}

fn allocated(work: impl FnOnce()) -> Stats {
    let region = Region::new(ALLOCATOR);
    work();
    region.change()
}
