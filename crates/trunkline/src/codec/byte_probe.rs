//! Finds out whether an element of a sequence is a `u8`, by letting it serialize itself.
//!
//! serde writes a `Vec<u8>` as a sequence like any other, and Go wants a byte slice to be bytes. The type is not
//! known where the sequence is written, so the first element is asked: a serializer that takes a `u8` and refuses
//! everything else at once. Named `u8`s (newtypes) count as in Go, which looks at the kind of the element.

use std::fmt;

use serde::ser::{self, Impossible, Serialize};

/// The `u8` that `value` serializes as, if it does.
pub(crate) fn as_byte<T: Serialize + ?Sized>(value: &T, human_readable: bool) -> Option<u8> {
    value.serialize(Probe { human_readable }).ok()
}

/// Whether a sequence with this type is bytes. Asked only for an empty one, where no element can tell.
///
/// The name is for people and may change with the compiler, so nothing but the form of an empty value hangs on
/// it. What the name cannot tell (an alias is resolved, a hand-written `Serialize` is not) counts as no bytes.
#[cfg(any(feature = "msgpack", test))]
pub(crate) fn names_byte_sequence(type_name: &str) -> bool {
    let Some(start) = type_name.trim_end_matches('>').strip_suffix("Vec<u8").or_else(|| {
        let name = type_name.trim_end_matches('>');
        name.strip_suffix("[u8]").or_else(|| name.strip_suffix("[u8; 0]"))
    }) else {
        return false;
    };
    // The empty sequence may also be one around it: `Vec<Vec<u8>>` holds no bytes but no slices.
    !["Vec<", "[", "Set<", "List<", "Deque<", "Heap<", "("].iter().any(|outer| start.contains(outer))
}

struct Probe {
    human_readable: bool,
}

/// No text and no size: probing must cost nothing.
#[derive(Debug)]
struct NotAByte;

impl fmt::Display for NotAByte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a byte")
    }
}

impl std::error::Error for NotAByte {}

impl ser::Error for NotAByte {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

macro_rules! refuse {
    ($($method:ident $ty:ty;)+) => {$(
        #[inline]
        fn $method(self, _: $ty) -> Result<u8, NotAByte> {
            Err(NotAByte)
        }
    )+};
}

impl ser::Serializer for Probe {
    type Ok = u8;
    type Error = NotAByte;
    type SerializeSeq = Impossible<u8, NotAByte>;
    type SerializeTuple = Impossible<u8, NotAByte>;
    type SerializeTupleStruct = Impossible<u8, NotAByte>;
    type SerializeTupleVariant = Impossible<u8, NotAByte>;
    type SerializeMap = Impossible<u8, NotAByte>;
    type SerializeStruct = Impossible<u8, NotAByte>;
    type SerializeStructVariant = Impossible<u8, NotAByte>;

    fn is_human_readable(&self) -> bool {
        self.human_readable
    }

    #[inline]
    fn serialize_u8(self, byte: u8) -> Result<u8, NotAByte> {
        Ok(byte)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<u8, NotAByte> {
        value.serialize(self)
    }

    refuse! {
        serialize_bool bool;
        serialize_i8 i8;
        serialize_i16 i16;
        serialize_i32 i32;
        serialize_i64 i64;
        serialize_i128 i128;
        serialize_u16 u16;
        serialize_u32 u32;
        serialize_u64 u64;
        serialize_u128 u128;
        serialize_f32 f32;
        serialize_f64 f64;
        serialize_char char;
        serialize_str &str;
        serialize_bytes &[u8];
        serialize_unit_struct &'static str;
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Result<u8, NotAByte> {
        Err(NotAByte)
    }

    fn serialize_none(self) -> Result<u8, NotAByte> {
        Err(NotAByte)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<u8, NotAByte> {
        Err(NotAByte)
    }

    fn serialize_unit(self) -> Result<u8, NotAByte> {
        Err(NotAByte)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<u8, NotAByte> {
        Err(NotAByte)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<u8, NotAByte> {
        Err(NotAByte)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, NotAByte> {
        Err(NotAByte)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, NotAByte> {
        Err(NotAByte)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, NotAByte> {
        Err(NotAByte)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, NotAByte> {
        Err(NotAByte)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, NotAByte> {
        Err(NotAByte)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, NotAByte> {
        Err(NotAByte)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, NotAByte> {
        Err(NotAByte)
    }
}

#[cfg(test)]
mod tests {
    use std::any::type_name;
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn only_u8_is_a_byte() {
        assert_eq!(as_byte(&7_u8, false), Some(7));
        assert_eq!(as_byte(&&7_u8, false), Some(7));
        assert_eq!(as_byte(&std::num::Wrapping(7_u8), false), Some(7));
        assert_eq!(as_byte(&7_i8, false), None);
        assert_eq!(as_byte(&7_u16, false), None);
        assert_eq!(as_byte(&Some(7_u8), false), None);
        assert_eq!(as_byte("7", false), None);
        assert_eq!(as_byte(&[7_u8], false), None);
    }

    #[test]
    fn empty_byte_sequences_are_known_by_name() {
        for name in [
            type_name::<Vec<u8>>(),
            type_name::<[u8]>(),
            type_name::<[u8; 0]>(),
            type_name::<&Vec<u8>>(),
            type_name::<Box<[u8]>>(),
            type_name::<Option<Vec<u8>>>(),
            type_name::<std::borrow::Cow<'static, [u8]>>(),
        ] {
            assert!(names_byte_sequence(name), "{name}");
        }
        for name in [
            type_name::<Vec<i8>>(),
            type_name::<Vec<String>>(),
            type_name::<Vec<Vec<u8>>>(),
            type_name::<[Vec<u8>; 0]>(),
            type_name::<Option<Vec<Vec<u8>>>>(),
            type_name::<std::collections::HashSet<Vec<u8>>>(),
            type_name::<HashMap<String, String>>(),
            type_name::<Vec<(u8, Vec<u8>)>>(),
            type_name::<String>(),
        ] {
            assert!(!names_byte_sequence(name), "{name}");
        }
    }
}
