//! Keys of JSON objects: text, and what Go writes as text in their place (numbers; booleans besides).

use std::fmt;

use serde::ser::{self, Impossible, Serialize};

use super::super::fault::Fault;
use super::write;

/// Serializes a key in quotes.
pub(super) struct Key<'a> {
    pub(super) out: &'a mut Vec<u8>,
}

impl Key<'_> {
    fn quoted(self, inside: impl FnOnce(&mut Vec<u8>)) -> Result<(), Fault> {
        self.out.push(b'"');
        inside(self.out);
        self.out.push(b'"');
        Ok(())
    }
}

#[cold]
fn refused<T>(what: &str) -> Result<T, Fault> {
    Err(Fault::new(format!("a JSON key is a string or an integer, not {what}")))
}

macro_rules! numbers {
    ($($method:ident $ty:ty)+) => {$(
        fn $method(self, value: $ty) -> Result<(), Fault> {
            self.quoted(|out| write::number(out, value))
        }
    )+};
}

impl ser::Serializer for Key<'_> {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Impossible<(), Fault>;
    type SerializeTuple = Impossible<(), Fault>;
    type SerializeTupleStruct = Impossible<(), Fault>;
    type SerializeTupleVariant = Impossible<(), Fault>;
    type SerializeMap = Impossible<(), Fault>;
    type SerializeStruct = Impossible<(), Fault>;
    type SerializeStructVariant = Impossible<(), Fault>;

    numbers! {
        serialize_bool bool
        serialize_i8 i8
        serialize_i16 i16
        serialize_i32 i32
        serialize_i64 i64
        serialize_i128 i128
        serialize_u8 u8
        serialize_u16 u16
        serialize_u32 u32
        serialize_u64 u64
        serialize_u128 u128
    }

    fn serialize_f32(self, _: f32) -> Result<(), Fault> {
        refused("a float")
    }

    fn serialize_f64(self, _: f64) -> Result<(), Fault> {
        refused("a float")
    }

    fn serialize_char(self, value: char) -> Result<(), Fault> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Fault> {
        write::string(self.out, value);
        Ok(())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Fault> {
        refused("bytes")
    }

    fn serialize_none(self) -> Result<(), Fault> {
        refused("none")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Fault> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Fault> {
        refused("nothing")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Fault> {
        refused("an empty struct")
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Fault> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Fault> {
        refused("an enum that holds something")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Fault> {
        refused("a sequence")
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Fault> {
        refused("a tuple")
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Fault> {
        refused("a tuple")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Fault> {
        refused("an enum that holds something")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Fault> {
        refused("a map")
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Fault> {
        refused("a struct")
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Fault> {
        refused("an enum that holds something")
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), Fault> {
        self.serialize_str(&value.to_string())
    }
}
