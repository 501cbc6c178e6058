//! The serde serializer: structs as maps of named fields in declaration order, bytes as bin.

use std::any::type_name;
use std::fmt;

use serde::ser::{self, Serialize};

use super::super::byte_probe::{as_byte, names_byte_sequence};
use super::super::fault::Fault;
use super::marker::{BIN8, FALSE, FIXARRAY, NIL, TRUE};
use super::write;
use crate::types::token;

/// Appends one value to `out`.
pub(super) fn to_vec<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Fault> {
    nested(&mut Serializer { out, ext: false }, value)
}

struct Serializer<'a> {
    out: &'a mut Vec<u8>,
    /// The next bytes are an extension's type and data.
    ext: bool,
}

/// Serializes a value inside another, where its type's name is at hand: an empty byte sequence is bin as well.
#[inline]
fn nested<T: Serialize + ?Sized>(ser: &mut Serializer<'_>, value: &T) -> Result<(), Fault> {
    let start = ser.out.len();
    value.serialize(&mut *ser)?;
    if ser.out.len() == start + 1 && ser.out[start] == FIXARRAY && names_byte_sequence(type_name::<T>()) {
        ser.out[start] = BIN8;
        ser.out.push(0);
    }
    Ok(())
}

macro_rules! numbers {
    ($($method:ident $ty:ty => $write:ident $as:ty;)+) => {$(
        #[inline]
        fn $method(self, value: $ty) -> Result<(), Fault> {
            write::$write(self.out, <$as>::from(value));
            Ok(())
        }
    )+};
}

impl<'a, 'b> ser::Serializer for &'b mut Serializer<'a> {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Seq<'a, 'b>;
    type SerializeTuple = Seq<'a, 'b>;
    type SerializeTupleStruct = Seq<'a, 'b>;
    type SerializeTupleVariant = Seq<'a, 'b>;
    type SerializeMap = Map<'a, 'b>;
    type SerializeStruct = Map<'a, 'b>;
    type SerializeStructVariant = Map<'a, 'b>;

    fn is_human_readable(&self) -> bool {
        false
    }

    numbers! {
        serialize_i8 i8 => int i64;
        serialize_i16 i16 => int i64;
        serialize_i32 i32 => int i64;
        serialize_i64 i64 => int i64;
        serialize_u8 u8 => uint u64;
        serialize_u16 u16 => uint u64;
        serialize_u32 u32 => uint u64;
        serialize_u64 u64 => uint u64;
        serialize_f32 f32 => f32 f32;
        serialize_f64 f64 => f64 f64;
    }

    fn serialize_i128(self, value: i128) -> Result<(), Fault> {
        match (u64::try_from(value), i64::try_from(value)) {
            (Ok(value), _) => write::uint(self.out, value),
            (_, Ok(value)) => write::int(self.out, value),
            _ => return Err(Fault::new(format!("{value} does not fit in MessagePack's 64 bits"))),
        }
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Result<(), Fault> {
        match u64::try_from(value) {
            Ok(value) => write::uint(self.out, value),
            Err(_) => return Err(Fault::new(format!("{value} does not fit in MessagePack's 64 bits"))),
        }
        Ok(())
    }

    fn serialize_bool(self, value: bool) -> Result<(), Fault> {
        self.out.push(if value { TRUE } else { FALSE });
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Fault> {
        write::str(self.out, value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Fault> {
        write::str(self.out, value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Fault> {
        if std::mem::take(&mut self.ext) { write::ext(self.out, value) } else { write::bin(self.out, value) }
    }

    fn serialize_none(self) -> Result<(), Fault> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Fault> {
        nested(self, value)
    }

    fn serialize_unit(self) -> Result<(), Fault> {
        self.out.push(NIL);
        Ok(())
    }

    /// Go's `struct{}`.
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Fault> {
        write::map_header(self.out, 0)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Fault> {
        write::str(self.out, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        self.ext = name == token::EXT;
        nested(self, value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        write::map_header(self.out, 1)?;
        write::str(self.out, variant)?;
        nested(self, value)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Seq<'a, 'b>, Fault> {
        Ok(Seq { start: self.out.len(), ser: self, declared: len, count: 0, form: Form::Undecided })
    }

    fn serialize_tuple(self, len: usize) -> Result<Seq<'a, 'b>, Fault> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Seq<'a, 'b>, Fault> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Seq<'a, 'b>, Fault> {
        write::map_header(self.out, 1)?;
        write::str(self.out, variant)?;
        self.serialize_seq(Some(len))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Map<'a, 'b>, Fault> {
        let start = self.out.len();
        write::map_header(self.out, len.unwrap_or(0))?;
        Ok(Map { start, ser: self, declared: len.unwrap_or(0), count: 0 })
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Map<'a, 'b>, Fault> {
        self.serialize_map(Some(len))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Map<'a, 'b>, Fault> {
        write::map_header(self.out, 1)?;
        write::str(self.out, variant)?;
        self.serialize_map(Some(len))
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), Fault> {
        write::str(self.out, &value.to_string())
    }
}

/// A sequence, whose form the first element decides.
struct Seq<'a, 'b> {
    ser: &'b mut Serializer<'a>,
    /// Where its header is, or will be.
    start: usize,
    declared: Option<usize>,
    count: usize,
    form: Form,
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// Nothing written yet.
    Undecided,
    /// Every element so far was a `u8`: a bin header, then the bytes.
    Bytes,
    /// An array header, then the elements.
    Array,
}

impl Seq<'_, '_> {
    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        if self.form != Form::Array {
            match (as_byte(value, false), self.form) {
                (Some(byte), Form::Bytes) => {
                    self.ser.out.push(byte);
                    self.count += 1;
                    return Ok(());
                }
                (Some(byte), _) => {
                    write::bin_header(self.ser.out, self.declared.unwrap_or(0))?;
                    self.ser.out.push(byte);
                    self.count += 1;
                    self.form = Form::Bytes;
                    return Ok(());
                }
                (None, Form::Bytes) => self.spread()?,
                (None, _) => write::array_header(self.ser.out, self.declared.unwrap_or(0))?,
            }
            self.form = Form::Array;
        }
        nested(self.ser, value).map_err(|fault| fault.in_element(self.count))?;
        self.count += 1;
        Ok(())
    }

    /// A tuple such as `(u8, String)` began like bytes: write what came so far as an array after all.
    #[cold]
    fn spread(&mut self) -> Result<(), Fault> {
        let bytes = self.ser.out.split_off(self.ser.out.len() - self.count);
        self.ser.out.truncate(self.start);
        write::array_header(self.ser.out, self.declared.unwrap_or(0))?;
        for byte in bytes {
            write::uint(self.ser.out, byte.into());
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Fault> {
        if self.form == Form::Undecided {
            return write::array_header(self.ser.out, 0);
        }
        if self.declared == Some(self.count) {
            return Ok(());
        }
        let mut right = Vec::new();
        let mut wrong = Vec::new();
        let header = if self.form == Form::Bytes { write::bin_header } else { write::array_header };
        header(&mut right, self.count)?;
        header(&mut wrong, self.declared.unwrap_or(0))?;
        self.ser.out.splice(self.start..self.start + wrong.len(), right);
        Ok(())
    }
}

macro_rules! seq {
    ($($of:ident $method:ident)+) => {$(
        impl ser::$of for Seq<'_, '_> {
            type Ok = ();
            type Error = Fault;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
                self.element(value)
            }

            fn end(self) -> Result<(), Fault> {
                self.finish()
            }
        }
    )+};
}

seq! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

/// A map or a struct.
struct Map<'a, 'b> {
    ser: &'b mut Serializer<'a>,
    start: usize,
    declared: usize,
    count: usize,
}

impl Map<'_, '_> {
    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Fault> {
        self.count += 1;
        write::str(self.ser.out, name)?;
        nested(self.ser, value).map_err(|fault| fault.in_field(name.as_bytes()))
    }

    fn finish(self) -> Result<(), Fault> {
        if self.declared == self.count {
            return Ok(());
        }
        let mut right = Vec::new();
        let mut wrong = Vec::new();
        write::map_header(&mut right, self.count)?;
        write::map_header(&mut wrong, self.declared)?;
        self.ser.out.splice(self.start..self.start + wrong.len(), right);
        Ok(())
    }
}

impl ser::SerializeMap for Map<'_, '_> {
    type Ok = ();
    type Error = Fault;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        self.count += 1;
        nested(self.ser, key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        nested(self.ser, value)
    }

    fn end(self) -> Result<(), Fault> {
        self.finish()
    }
}

macro_rules! fields {
    ($($of:ident)+) => {$(
        impl ser::$of for Map<'_, '_> {
            type Ok = ();
            type Error = Fault;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Fault> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), Fault> {
                self.finish()
            }
        }
    )+};
}

fields! { SerializeStruct SerializeStructVariant }
