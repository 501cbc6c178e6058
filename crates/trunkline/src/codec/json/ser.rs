//! The serde serializer: compact, byte slices as base64, fields in declaration order.

use std::fmt::{self, Write as _};

use serde::ser::{self, Serialize};

use super::super::byte_probe::as_byte;
use super::super::fault::Fault;
use super::base64;
use super::key::Key;
use super::write;
use crate::types::token;

/// Appends one value to `out`.
pub(super) fn to_vec<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Fault> {
    value.serialize(&mut Serializer { out, number: false })
}

struct Serializer<'a> {
    out: &'a mut Vec<u8>,
    /// The next string is a number's text.
    number: bool,
}

macro_rules! numbers {
    ($($method:ident $ty:ty => $write:ident;)+) => {$(
        #[inline]
        fn $method(self, value: $ty) -> Result<(), Fault> {
            write::$write(self.out, value.into());
            Ok(())
        }
    )+};
}

impl<'a, 'b> ser::Serializer for &'b mut Serializer<'a> {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Seq<'a, 'b>;
    type SerializeTuple = Tuple<'a, 'b>;
    type SerializeTupleStruct = Tuple<'a, 'b>;
    type SerializeTupleVariant = Tuple<'a, 'b>;
    type SerializeMap = Object<'a, 'b>;
    type SerializeStruct = Object<'a, 'b>;
    type SerializeStructVariant = Object<'a, 'b>;

    numbers! {
        serialize_i8 i8 => int;
        serialize_i16 i16 => int;
        serialize_i32 i32 => int;
        serialize_i64 i64 => int;
        serialize_u8 u8 => uint;
        serialize_u16 u16 => uint;
        serialize_u32 u32 => uint;
        serialize_u64 u64 => uint;
    }

    fn serialize_i128(self, value: i128) -> Result<(), Fault> {
        write::number(self.out, value);
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Result<(), Fault> {
        write::number(self.out, value);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Fault> {
        write::f32(self.out, value)
    }

    fn serialize_f64(self, value: f64) -> Result<(), Fault> {
        write::f64(self.out, value)
    }

    fn serialize_bool(self, value: bool) -> Result<(), Fault> {
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Fault> {
        write::string(self.out, value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Fault> {
        if std::mem::take(&mut self.number) {
            self.out.extend_from_slice(value.as_bytes());
        } else {
            write::string(self.out, value);
        }
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Fault> {
        self.out.push(b'"');
        base64::encode(value, self.out);
        self.out.push(b'"');
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Fault> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Fault> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Fault> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    /// Go's `struct{}`.
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Fault> {
        self.out.extend_from_slice(b"{}");
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Fault> {
        write::string(self.out, variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        self.number = name == token::NUMBER;
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        self.open_variant(variant);
        value.serialize(&mut *self).map_err(|fault| fault.in_field(variant.as_bytes()))?;
        self.out.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Seq<'a, 'b>, Fault> {
        Ok(Seq { start: self.out.len(), ser: self, count: 0, form: Form::Undecided })
    }

    fn serialize_tuple(self, _: usize) -> Result<Tuple<'a, 'b>, Fault> {
        self.out.push(b'[');
        Ok(Tuple { ser: self, count: 0, close: b"]" })
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Tuple<'a, 'b>, Fault> {
        self.serialize_tuple(len)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Tuple<'a, 'b>, Fault> {
        self.open_variant(variant);
        self.out.push(b'[');
        Ok(Tuple { ser: self, count: 0, close: b"]}" })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Object<'a, 'b>, Fault> {
        self.out.push(b'{');
        Ok(Object { ser: self, first: true, close: b"}" })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Object<'a, 'b>, Fault> {
        self.serialize_map(None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Object<'a, 'b>, Fault> {
        self.open_variant(variant);
        self.out.push(b'{');
        Ok(Object { ser: self, first: true, close: b"}}" })
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), Fault> {
        self.out.push(b'"');
        write!(Escaping(self.out), "{value}").map_err(|_| Fault::new("its Display failed"))?;
        self.out.push(b'"');
        Ok(())
    }
}

impl Serializer<'_> {
    fn open_variant(&mut self, variant: &str) {
        self.out.push(b'{');
        write::string(self.out, variant);
        self.out.push(b':');
    }
}

/// The inside of a string, written piece by piece.
struct Escaping<'a>(&'a mut Vec<u8>);

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write::escaped(self.0, text);
        Ok(())
    }
}

/// A sequence of unknown element type: base64 as long as every element is a `u8`, as for Go's `[]byte`.
struct Seq<'a, 'b> {
    ser: &'b mut Serializer<'a>,
    start: usize,
    count: usize,
    form: Form,
}

enum Form {
    Undecided,
    Bytes(base64::Encoder),
    Array,
}

impl ser::SerializeSeq for Seq<'_, '_> {
    type Ok = ();
    type Error = Fault;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        match &mut self.form {
            Form::Array => self.ser.out.push(b','),
            Form::Bytes(encoder) => match as_byte(value, true) {
                Some(byte) => {
                    encoder.push(byte, self.ser.out);
                    self.count += 1;
                    return Ok(());
                }
                None => self.spread()?,
            },
            Form::Undecided => match as_byte(value, true) {
                Some(byte) => {
                    self.ser.out.push(b'"');
                    let mut encoder = base64::Encoder::default();
                    encoder.push(byte, self.ser.out);
                    self.form = Form::Bytes(encoder);
                    self.count = 1;
                    return Ok(());
                }
                None => {
                    self.ser.out.push(b'[');
                    self.form = Form::Array;
                }
            },
        }
        value.serialize(&mut *self.ser).map_err(|fault| fault.in_element(self.count))?;
        self.count += 1;
        Ok(())
    }

    fn end(mut self) -> Result<(), Fault> {
        match &mut self.form {
            Form::Undecided => self.ser.out.extend_from_slice(b"[]"),
            Form::Array => self.ser.out.push(b']'),
            Form::Bytes(encoder) => {
                encoder.finish(self.ser.out);
                self.ser.out.push(b'"');
            }
        }
        Ok(())
    }
}

impl Seq<'_, '_> {
    /// It began like bytes and goes on otherwise: write what came so far as numbers after all.
    #[cold]
    fn spread(&mut self) -> Result<(), Fault> {
        if let Form::Bytes(encoder) = &mut self.form {
            encoder.finish(self.ser.out);
        }
        let bytes = base64::decode(&self.ser.out[self.start + 1..])
            .map_err(|at| Fault::new(format!("own base64 is wrong at {at}")))?;
        self.ser.out.truncate(self.start);
        self.ser.out.push(b'[');
        for byte in bytes {
            write::uint(self.ser.out, byte.into());
            self.ser.out.push(b',');
        }
        self.form = Form::Array;
        Ok(())
    }
}

/// A sequence of fixed length. Go writes a byte array as numbers, unlike a byte slice.
struct Tuple<'a, 'b> {
    ser: &'b mut Serializer<'a>,
    count: usize,
    close: &'static [u8],
}

impl Tuple<'_, '_> {
    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        if self.count > 0 {
            self.ser.out.push(b',');
        }
        value.serialize(&mut *self.ser).map_err(|fault| fault.in_element(self.count))?;
        self.count += 1;
        Ok(())
    }
}

macro_rules! tuple {
    ($($of:ident $method:ident)+) => {$(
        impl ser::$of for Tuple<'_, '_> {
            type Ok = ();
            type Error = Fault;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
                self.element(value)
            }

            fn end(self) -> Result<(), Fault> {
                self.ser.out.extend_from_slice(self.close);
                Ok(())
            }
        }
    )+};
}

tuple! {
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

/// A map or a struct.
struct Object<'a, 'b> {
    ser: &'b mut Serializer<'a>,
    first: bool,
    close: &'static [u8],
}

impl Object<'_, '_> {
    #[inline]
    fn comma(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.ser.out.push(b',');
        }
    }
}

impl ser::SerializeMap for Object<'_, '_> {
    type Ok = ();
    type Error = Fault;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        self.comma();
        key.serialize(Key { out: self.ser.out })
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.ser.out.push(b':');
        value.serialize(&mut *self.ser)
    }

    fn end(self) -> Result<(), Fault> {
        self.ser.out.extend_from_slice(self.close);
        Ok(())
    }
}

macro_rules! fields {
    ($($of:ident)+) => {$(
        impl ser::$of for Object<'_, '_> {
            type Ok = ();
            type Error = Fault;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Fault> {
                self.comma();
                write::string(self.ser.out, name);
                self.ser.out.push(b':');
                value.serialize(&mut *self.ser).map_err(|fault| fault.in_field(name.as_bytes()))
            }

            fn end(self) -> Result<(), Fault> {
                self.ser.out.extend_from_slice(self.close);
                Ok(())
            }
        }
    )+};
}

fields! { SerializeStruct SerializeStructVariant }
