//! What Go's `omitempty` leaves out: false, 0, nil, and the empty text, list or map. Never a struct.

use std::fmt;

use serde::ser::{self, Impossible, Serialize};

/// Whether Go would call `value` empty. The value is asked to serialize itself, which ends at its first token.
#[doc(hidden)]
pub fn is_empty<T: Serialize + ?Sized>(value: &T) -> bool {
    value.serialize(Probe).is_ok()
}

/// Succeeds for what is empty and fails for everything else.
struct Probe;

#[derive(Debug)]
struct NotEmpty;

impl fmt::Display for NotEmpty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not empty")
    }
}

impl std::error::Error for NotEmpty {}

impl ser::Error for NotEmpty {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

fn empty(is: bool) -> Result<(), NotEmpty> {
    if is { Ok(()) } else { Err(NotEmpty) }
}

macro_rules! numbers {
    ($($method:ident $ty:ty)+) => {$(
        fn $method(self, value: $ty) -> Result<(), NotEmpty> {
            empty(value == <$ty>::default())
        }
    )+};
}

/// A list or map that was said to have no elements.
struct Nothing;

impl ser::Serializer for Probe {
    type Ok = ();
    type Error = NotEmpty;
    type SerializeSeq = Nothing;
    type SerializeTuple = Nothing;
    type SerializeTupleStruct = Impossible<(), NotEmpty>;
    type SerializeTupleVariant = Impossible<(), NotEmpty>;
    type SerializeMap = Nothing;
    type SerializeStruct = Impossible<(), NotEmpty>;
    type SerializeStructVariant = Impossible<(), NotEmpty>;

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
        serialize_f32 f32
        serialize_f64 f64
        serialize_char char
    }

    fn serialize_str(self, value: &str) -> Result<(), NotEmpty> {
        empty(value.is_empty())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), NotEmpty> {
        empty(value.is_empty())
    }

    fn serialize_none(self) -> Result<(), NotEmpty> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), NotEmpty> {
        Err(NotEmpty)
    }

    fn serialize_unit(self) -> Result<(), NotEmpty> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), NotEmpty> {
        Err(NotEmpty)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), NotEmpty> {
        Err(NotEmpty)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), NotEmpty> {
        // Ours stand for structs: a time, an extension.
        if name.starts_with('$') { Err(NotEmpty) } else { value.serialize(self) }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), NotEmpty> {
        Err(NotEmpty)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Nothing, NotEmpty> {
        empty(len == Some(0)).map(|()| Nothing)
    }

    fn serialize_tuple(self, len: usize) -> Result<Nothing, NotEmpty> {
        empty(len == 0).map(|()| Nothing)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, NotEmpty> {
        Err(NotEmpty)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, NotEmpty> {
        Err(NotEmpty)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Nothing, NotEmpty> {
        empty(len == Some(0)).map(|()| Nothing)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, NotEmpty> {
        Err(NotEmpty)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, NotEmpty> {
        Err(NotEmpty)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Result<(), NotEmpty> {
        Err(NotEmpty)
    }
}

macro_rules! sequences {
    ($($of:ident)+) => {$(
        impl ser::$of for Nothing {
            type Ok = ();
            type Error = NotEmpty;

            fn serialize_element<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), NotEmpty> {
                Err(NotEmpty)
            }

            fn end(self) -> Result<(), NotEmpty> {
                Ok(())
            }
        }
    )+};
}

sequences! { SerializeSeq SerializeTuple }

impl ser::SerializeMap for Nothing {
    type Ok = ();
    type Error = NotEmpty;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), NotEmpty> {
        Err(NotEmpty)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), NotEmpty> {
        Err(NotEmpty)
    }

    fn end(self) -> Result<(), NotEmpty> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn what_go_leaves_out() {
        assert!(
            is_empty(&false) && is_empty(&0_i8) && is_empty(&0_u64) && is_empty(&0.0_f64) && is_empty("")
        );
        assert!(
            is_empty(&None::<i64>)
                && is_empty(&Vec::<i64>::new())
                && is_empty(&HashMap::<String, i64>::new())
        );
        assert!(is_empty(&bytes::Bytes::new()) && is_empty(&std::num::Wrapping(0)));
    }

    #[test]
    fn what_go_keeps() {
        #[derive(serde::Serialize)]
        struct Empty {}
        assert!(!is_empty(&true) && !is_empty(&-1) && !is_empty("a") && !is_empty(&vec![0]));
        assert!(!is_empty(&Some(0)) && !is_empty(&Empty {}) && !is_empty(&[0; 2]));
        assert!(!is_empty(&HashMap::from([("", 0)])));
    }
}
