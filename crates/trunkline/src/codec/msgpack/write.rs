//! Writes single MessagePack tokens in their smallest form.

use super::super::fault::Fault;
use super::marker::*;

/// A non-negative integer always takes the unsigned family, as Go's `int` does.
#[inline]
pub(super) fn uint(out: &mut Vec<u8>, value: u64) {
    if value < 0x80 {
        out.push(value as u8);
    } else if let Ok(value) = u8::try_from(value) {
        out.extend_from_slice(&[UINT8, value]);
    } else if let Ok(value) = u16::try_from(value) {
        tagged(out, UINT16, value.to_be_bytes());
    } else if let Ok(value) = u32::try_from(value) {
        tagged(out, UINT32, value.to_be_bytes());
    } else {
        tagged(out, UINT64, value.to_be_bytes());
    }
}

#[inline]
pub(super) fn int(out: &mut Vec<u8>, value: i64) {
    if let Ok(value) = u64::try_from(value) {
        uint(out, value);
    } else if value >= -32 {
        out.push(value as u8);
    } else if let Ok(value) = i8::try_from(value) {
        tagged(out, INT8, value.to_be_bytes());
    } else if let Ok(value) = i16::try_from(value) {
        tagged(out, INT16, value.to_be_bytes());
    } else if let Ok(value) = i32::try_from(value) {
        tagged(out, INT32, value.to_be_bytes());
    } else {
        tagged(out, INT64, value.to_be_bytes());
    }
}

pub(super) fn f32(out: &mut Vec<u8>, value: f32) {
    tagged(out, FLOAT32, value.to_be_bytes());
}

pub(super) fn f64(out: &mut Vec<u8>, value: f64) {
    tagged(out, FLOAT64, value.to_be_bytes());
}

#[inline]
pub(super) fn str(out: &mut Vec<u8>, value: &str) -> Result<(), Fault> {
    match value.len() {
        len @ 0..32 => out.push(FIXSTR | len as u8),
        len => header(out, len, Some(STR8), STR16, STR32)?,
    }
    out.extend_from_slice(value.as_bytes());
    Ok(())
}

pub(super) fn bin(out: &mut Vec<u8>, value: &[u8]) -> Result<(), Fault> {
    bin_header(out, value.len())?;
    out.extend_from_slice(value);
    Ok(())
}

pub(super) fn bin_header(out: &mut Vec<u8>, len: usize) -> Result<(), Fault> {
    header(out, len, Some(BIN8), BIN16, BIN32)
}

#[inline]
pub(super) fn array_header(out: &mut Vec<u8>, len: usize) -> Result<(), Fault> {
    match len {
        0..16 => out.push(FIXARRAY | len as u8),
        _ => header(out, len, None, ARRAY16, ARRAY32)?,
    }
    Ok(())
}

#[inline]
pub(super) fn map_header(out: &mut Vec<u8>, len: usize) -> Result<(), Fault> {
    match len {
        0..16 => out.push(FIXMAP | len as u8),
        _ => header(out, len, None, MAP16, MAP32)?,
    }
    Ok(())
}

/// An extension: its type in the first byte of `value`, its data behind it.
pub(super) fn ext(out: &mut Vec<u8>, value: &[u8]) -> Result<(), Fault> {
    let Some((_, data)) = value.split_first() else {
        return Err(Fault::new("an extension without a type"));
    };
    match data.len() {
        1 => out.push(FIXEXT1),
        2 => out.push(FIXEXT2),
        4 => out.push(FIXEXT4),
        8 => out.push(FIXEXT8),
        16 => out.push(FIXEXT16),
        len => header(out, len, Some(EXT8), EXT16, EXT32)?,
    }
    out.extend_from_slice(value);
    Ok(())
}

fn header(out: &mut Vec<u8>, len: usize, tag8: Option<u8>, tag16: u8, tag32: u8) -> Result<(), Fault> {
    match (u8::try_from(len), tag8) {
        (Ok(len), Some(tag)) => out.extend_from_slice(&[tag, len]),
        _ => match (u16::try_from(len), u32::try_from(len)) {
            (Ok(len), _) => tagged(out, tag16, len.to_be_bytes()),
            (_, Ok(len)) => tagged(out, tag32, len.to_be_bytes()),
            _ => return Err(Fault::new(format!("a length of {len} does not fit in MessagePack's 32 bits"))),
        },
    }
    Ok(())
}

#[inline]
fn tagged<const N: usize>(out: &mut Vec<u8>, tag: u8, rest: [u8; N]) {
    out.reserve(N + 1);
    out.push(tag);
    out.extend_from_slice(&rest);
}
