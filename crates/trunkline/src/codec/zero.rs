//! The zero value of any type, as Go would leave it: 0, "", empty, `None`, a struct of zeros.
//!
//! Go writes nil for an empty slice, map or pointer and reads nil and a missing field as "leave it zero". Here
//! that is a deserializer without input: whatever is asked for, it hands over nothing.

use std::marker::PhantomData;

use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

/// The zero value of `T`.
///
/// # Errors
/// When `T` takes none of what stands for zero, such as an IP address, which is never an empty text.
pub fn zero<'de, T: Deserialize<'de>, E: de::Error>(human_readable: bool) -> Result<T, E> {
    T::deserialize(Zero::new(human_readable))
}

/// Deserializes every type to its zero value.
pub(crate) struct Zero<E> {
    /// That of the format this stands in for: types choose their form by it.
    human_readable: bool,
    error: PhantomData<fn() -> E>,
}

impl<E> Zero<E> {
    pub(crate) fn new(human_readable: bool) -> Self {
        Self { human_readable, error: PhantomData }
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
            visitor.$visit(Default::default())
        }
    )+};
}

impl<'de, E: de::Error> Deserializer<'de> for Zero<E> {
    type Error = E;

    fn is_human_readable(&self) -> bool {
        self.human_readable
    }

    numbers! {
        deserialize_bool visit_bool
        deserialize_i8 visit_i8
        deserialize_i16 visit_i16
        deserialize_i32 visit_i32
        deserialize_i64 visit_i64
        deserialize_i128 visit_i128
        deserialize_u8 visit_u8
        deserialize_u16 visit_u16
        deserialize_u32 visit_u32
        deserialize_u64 visit_u64
        deserialize_u128 visit_u128
        deserialize_f32 visit_f32
        deserialize_f64 visit_f64
        deserialize_char visit_char
        deserialize_str visit_borrowed_str
        deserialize_string visit_borrowed_str
        deserialize_identifier visit_borrowed_str
        deserialize_bytes visit_borrowed_bytes
        deserialize_byte_buf visit_borrowed_bytes
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_none()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, E> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, E> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_seq(Zeros { left: 0, of: self })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, E> {
        visitor.visit_seq(Zeros { left: len, of: self })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_seq(Zeros { left: len, of: self })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_map(ZeroFields { left: &[], of: self })
    }

    /// Names every field, so that a derived `Deserialize` does not miss one.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_map(ZeroFields { left: fields, of: self })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        match variants.first() {
            Some(first) => visitor.visit_enum(FirstVariant { name: first, of: self }),
            None => Err(E::custom(format_args!("{name} has no zero value"))),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_unit()
    }
}

struct Zeros<E> {
    left: usize,
    of: Zero<E>,
}

impl<'de, E: de::Error> SeqAccess<'de> for Zeros<E> {
    type Error = E;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, E> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(Zero::new(self.of.human_readable)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

struct ZeroFields<E> {
    left: &'static [&'static str],
    of: Zero<E>,
}

impl<'de, E: de::Error> MapAccess<'de> for ZeroFields<E> {
    type Error = E;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, E> {
        let Some((name, left)) = self.left.split_first() else { return Ok(None) };
        self.left = left;
        seed.deserialize(de::value::BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, E> {
        seed.deserialize(Zero::new(self.of.human_readable))
    }
}

struct FirstVariant<E> {
    name: &'static str,
    of: Zero<E>,
}

impl<'de, E: de::Error> EnumAccess<'de> for FirstVariant<E> {
    type Error = E;
    type Variant = Zero<E>;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Zero<E>), E> {
        let variant = seed.deserialize(de::value::BorrowedStrDeserializer::new(self.name))?;
        Ok((variant, self.of))
    }
}

impl<'de, E: de::Error> VariantAccess<'de> for Zero<E> {
    type Error = E;

    fn unit_variant(self) -> Result<(), E> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, E> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, E> {
        self.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, E> {
        self.deserialize_struct("", fields, visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde::Deserialize;

    use super::super::fault::Fault;
    use super::*;

    fn zero<T: de::DeserializeOwned>() -> T {
        super::zero::<T, Fault>(false).unwrap()
    }

    #[derive(Debug, PartialEq, Deserialize)]
    enum Kind {
        Plain,
        #[allow(dead_code)]
        Other(i64),
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Everything {
        flag: bool,
        count: i8,
        ratio: f32,
        text: String,
        list: Vec<Self>,
        table: HashMap<String, i64>,
        maybe: Option<i64>,
        pair: (u8, String),
        array: [u16; 3],
        kind: Kind,
        letter: char,
        nothing: (),
    }

    #[test]
    fn every_shape_has_a_zero_value_without_default() {
        assert_eq!(
            zero::<Everything>(),
            Everything {
                flag: false,
                count: 0,
                ratio: 0.0,
                text: String::new(),
                list: vec![],
                table: HashMap::new(),
                maybe: None,
                pair: (0, String::new()),
                array: [0; 3],
                kind: Kind::Plain,
                letter: '\0',
                nothing: (),
            }
        );
    }

    #[test]
    fn a_type_that_has_no_zero_value_says_so() {
        assert!(super::zero::<std::net::IpAddr, Fault>(true).is_err());
    }
}
