//! What a field of a Thrift struct can be.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher, Hash};

use bytes::Bytes;
use thrift::protocol::{
    TInputProtocol, TListIdentifier, TMapIdentifier, TOutputProtocol, TSetIdentifier, TType,
};
use thrift::{Error, ProtocolError, ProtocolErrorKind, Result};

/// Room made ahead of the elements of a list, in elements: a small payload must not claim much memory.
const AHEAD: usize = 1024;

/// A type with a form in Thrift.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no form in Thrift",
    label = "not a type of Thrift's",
    note = "Thrift has bool, i8, i16, i32, i64, f64, String, Vec<u8> and Bytes, lists (Vec), sets and maps of \
            these, and types with `#[derive(trunkline::Thrift)]`; it has no unsigned integers and no f32"
)]
pub trait ThriftValue: Sized {
    /// The type on the wire.
    const TYPE: TType;

    /// What a missing field is.
    fn zero() -> Self;

    /// Reads one.
    fn read(input: &mut dyn TInputProtocol) -> Result<Self>;

    /// Writes one.
    fn write(&self, output: &mut dyn TOutputProtocol) -> Result<()>;
}

/// A value that is always there, or an `Option` of one.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no form in Thrift",
    label = "not a type of Thrift's",
    note = "Thrift has bool, i8, i16, i32, i64, f64, String, Vec<u8> and Bytes, lists (Vec), sets and maps of \
            these, and types with `#[derive(trunkline::Thrift)]`; it has no unsigned integers and no f32"
)]
pub trait ThriftField: Sized {
    /// The type on the wire.
    const TYPE: TType;

    /// What it is when it is missing.
    fn zero() -> Self;

    /// Whether it is written at all.
    fn is_present(&self) -> bool;

    /// Reads one.
    fn read(input: &mut dyn TInputProtocol) -> Result<Self>;

    /// Writes one that is present.
    fn write(&self, output: &mut dyn TOutputProtocol) -> Result<()>;
}

impl<T: ThriftValue> ThriftField for T {
    const TYPE: TType = T::TYPE;

    fn zero() -> Self {
        T::zero()
    }

    fn is_present(&self) -> bool {
        true
    }

    fn read(input: &mut dyn TInputProtocol) -> Result<Self> {
        T::read(input)
    }

    fn write(&self, output: &mut dyn TOutputProtocol) -> Result<()> {
        T::write(self, output)
    }
}

impl<T: ThriftValue> ThriftField for Option<T> {
    const TYPE: TType = T::TYPE;

    fn zero() -> Self {
        None
    }

    fn is_present(&self) -> bool {
        self.is_some()
    }

    fn read(input: &mut dyn TInputProtocol) -> Result<Self> {
        T::read(input).map(Some)
    }

    fn write(&self, output: &mut dyn TOutputProtocol) -> Result<()> {
        self.as_ref().map_or(Ok(()), |value| value.write(output))
    }
}

macro_rules! scalars {
    ($($ty:ty, $kind:ident, $read:ident, $write:ident;)+) => {$(
        impl ThriftValue for $ty {
            const TYPE: TType = TType::$kind;

            fn zero() -> Self {
                Self::default()
            }

            fn read(input: &mut dyn TInputProtocol) -> Result<Self> {
                Ok(input.$read()?.into())
            }

            fn write(&self, output: &mut dyn TOutputProtocol) -> Result<()> {
                output.$write(self.as_thrift())
            }
        }
    )+};
}

/// The form in which the protocol takes a scalar.
trait AsThrift {
    type Form<'a>
    where
        Self: 'a;

    fn as_thrift(&self) -> Self::Form<'_>;
}

macro_rules! copied {
    ($($ty:ty)+) => {$(
        impl AsThrift for $ty {
            type Form<'a> = Self;

            fn as_thrift(&self) -> Self {
                *self
            }
        }
    )+};
}

copied! { bool i8 i16 i32 i64 f64 }

impl AsThrift for String {
    type Form<'a> = &'a str;

    fn as_thrift(&self) -> &str {
        self
    }
}

impl AsThrift for Vec<u8> {
    type Form<'a> = &'a [u8];

    fn as_thrift(&self) -> &[u8] {
        self
    }
}

impl AsThrift for Bytes {
    type Form<'a> = &'a [u8];

    fn as_thrift(&self) -> &[u8] {
        self
    }
}

scalars! {
    bool, Bool, read_bool, write_bool;
    i8, I08, read_i8, write_i8;
    i16, I16, read_i16, write_i16;
    i32, I32, read_i32, write_i32;
    i64, I64, read_i64, write_i64;
    f64, Double, read_double, write_double;
    String, String, read_string, write_string;
    Vec<u8>, String, read_bytes, write_bytes;
    Bytes, String, read_bytes, write_bytes;
}

impl<T: ThriftValue> ThriftValue for Box<T> {
    const TYPE: TType = T::TYPE;

    fn zero() -> Self {
        Self::new(T::zero())
    }

    fn read(input: &mut dyn TInputProtocol) -> Result<Self> {
        T::read(input).map(Self::new)
    }

    fn write(&self, output: &mut dyn TOutputProtocol) -> Result<()> {
        T::write(self, output)
    }
}

/// The type that elements must have. An empty container may say anything.
fn check(found: TType, expected: TType, size: i32) -> Result<()> {
    if found == expected || size == 0 {
        return Ok(());
    }
    Err(protocol(format!("elements of type {found}, expected {expected}")))
}

fn size(len: usize) -> Result<i32> {
    i32::try_from(len).map_err(|_| protocol(format!("{len} elements do not fit in Thrift's 32 bits")))
}

fn protocol(message: String) -> Error {
    Error::Protocol(ProtocolError::new(ProtocolErrorKind::InvalidData, message))
}

impl<T: ThriftValue> ThriftValue for Vec<T> {
    const TYPE: TType = TType::List;

    fn zero() -> Self {
        Self::new()
    }

    fn read(input: &mut dyn TInputProtocol) -> Result<Self> {
        let list = input.read_list_begin()?;
        check(list.element_type, T::TYPE, list.size)?;
        let mut values = Self::with_capacity((list.size as usize).min(AHEAD));
        for _ in 0..list.size {
            values.push(T::read(input)?);
        }
        input.read_list_end()?;
        Ok(values)
    }

    fn write(&self, output: &mut dyn TOutputProtocol) -> Result<()> {
        output.write_list_begin(&TListIdentifier::new(T::TYPE, size(self.len())?))?;
        for value in self {
            value.write(output)?;
        }
        output.write_list_end()
    }
}

macro_rules! sets {
    ($($set:ident<T $(, $s:ident)?>: $($bound:path)|+;)+) => {$(
        impl<T: ThriftValue $(+ $bound)+ $(, $s: BuildHasher + Default)?> ThriftValue for $set<T $(, $s)?> {
            const TYPE: TType = TType::Set;

            fn zero() -> Self {
                Self::default()
            }

            fn read(input: &mut dyn TInputProtocol) -> Result<Self> {
                let set = input.read_set_begin()?;
                check(set.element_type, T::TYPE, set.size)?;
                let mut values = Self::default();
                for _ in 0..set.size {
                    values.insert(T::read(input)?);
                }
                input.read_set_end()?;
                Ok(values)
            }

            fn write(&self, output: &mut dyn TOutputProtocol) -> Result<()> {
                output.write_set_begin(&TSetIdentifier::new(T::TYPE, size(self.len())?))?;
                for value in self {
                    value.write(output)?;
                }
                output.write_set_end()
            }
        }
    )+};
}

sets! {
    HashSet<T, S>: Eq | Hash;
    BTreeSet<T>: Ord;
}

macro_rules! maps {
    ($($map:ident<K, V $(, $s:ident)?>: $($bound:path)|+;)+) => {$(
        impl<K: ThriftValue $(+ $bound)+, V: ThriftValue $(, $s: BuildHasher + Default)?> ThriftValue for $map<K, V $(, $s)?> {
            const TYPE: TType = TType::Map;

            fn zero() -> Self {
                Self::default()
            }

            fn read(input: &mut dyn TInputProtocol) -> Result<Self> {
                let map = input.read_map_begin()?;
                check(map.key_type.unwrap_or(K::TYPE), K::TYPE, map.size)?;
                check(map.value_type.unwrap_or(V::TYPE), V::TYPE, map.size)?;
                let mut values = Self::default();
                for _ in 0..map.size {
                    let key = K::read(input)?;
                    values.insert(key, V::read(input)?);
                }
                input.read_map_end()?;
                Ok(values)
            }

            fn write(&self, output: &mut dyn TOutputProtocol) -> Result<()> {
                output.write_map_begin(&TMapIdentifier::new(K::TYPE, V::TYPE, size(self.len())?))?;
                for (key, value) in self {
                    key.write(output)?;
                    value.write(output)?;
                }
                output.write_map_end()
            }
        }
    )+};
}

maps! {
    HashMap<K, V, S>: Eq | Hash;
    BTreeMap<K, V>: Ord;
}

/// An error and the field it happened in. Travels as Thrift's error for users, the one that can hold it.
#[derive(Debug)]
struct Located {
    /// Innermost first.
    path: Vec<&'static str>,
    error: Error,
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl std::error::Error for Located {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// The same error, seen from the struct that has `field`.
#[doc(hidden)]
#[cold]
pub fn in_field(error: Error, field: &'static str) -> Error {
    let located = match error {
        Error::User(inner) => match inner.downcast::<Located>() {
            Ok(mut located) => {
                located.path.push(field);
                located
            }
            Err(inner) => Box::new(Located { path: vec![field], error: Error::User(inner) }),
        },
        error => Box::new(Located { path: vec![field], error }),
    };
    Error::User(located)
}

/// The error for a field that must be there.
#[doc(hidden)]
#[cold]
pub fn missing(field: &'static str) -> Error {
    protocol(format!("missing required field {field}"))
}

/// The error for a number that is no variant of an enum.
#[doc(hidden)]
#[cold]
pub fn unknown(number: i32, name: &str, known: &str) -> Error {
    protocol(format!("{number} is no {name}; known are {known}"))
}

/// The path to where it happened, and the error itself.
pub(super) fn take_path(error: Error) -> (Option<String>, Error) {
    match error {
        Error::User(inner) => match inner.downcast::<Located>() {
            Ok(located) => {
                let path: Vec<_> = located.path.iter().rev().copied().collect();
                (Some(path.join(".")), located.error)
            }
            Err(inner) => (None, Error::User(inner)),
        },
        error => (None, error),
    }
}
