//! Types that serde would write otherwise than Go does.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::time::SystemTime;

use bytes::Bytes;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeTuple, Serializer};

use crate::types::{Duration, Time};

/// A type with a form of its own on the wire, that of its twin in Go.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` has the name of a type that `#[trunkline::message]` writes in Go's way, but is another",
    note = "mark the field `#[message(plain)]` to write it as its own `serde` implementation does"
)]
pub trait Twin: Sized {
    /// Writes it as Go would.
    fn send<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads what Go wrote.
    fn receive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// Serializes what it refers to in Go's form.
#[doc(hidden)]
#[derive(Debug)]
pub struct Sent<'a, T>(pub &'a T);

impl<T: Twin> Serialize for Sent<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.send(serializer)
    }
}

/// Deserializes what it holds from Go's form.
#[doc(hidden)]
#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Received<T>(pub T);

impl<'de, T: Twin> Deserialize<'de> for Received<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::receive(deserializer).map(Self)
    }
}

impl Twin for Vec<u8> {
    fn send<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self)
    }

    fn receive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(ByteBuf)
    }
}

impl Twin for Box<[u8]> {
    fn send<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self)
    }

    fn receive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(ByteBuf).map(Vec::into_boxed_slice)
    }
}

impl Twin for Bytes {
    fn send<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self)
    }

    fn receive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(ByteBuf).map(Self::from)
    }
}

struct ByteBuf;

impl<'de> Visitor<'de> for ByteBuf {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<u8>, A::Error> {
        // An element takes a byte of input at least, but a size hint may come from anywhere.
        let mut bytes = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(4096));
        while let Some(byte) = seq.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }
}

/// A byte array is numbers in JSON and bytes elsewhere. Unlike serde's own it may have any length.
impl<const N: usize> Twin for [u8; N] {
    fn send<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.serialize_bytes(self);
        }
        let mut numbers = serializer.serialize_tuple(N)?;
        for byte in self {
            numbers.serialize_element(byte)?;
        }
        numbers.end()
    }

    fn receive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(ByteArray::<N>)
    }
}

struct ByteArray<const N: usize>;

impl<const N: usize> ByteArray<N> {
    /// As in Go, too few leave the rest zero, and too many are an error.
    fn filled<E: de::Error>(bytes: &[u8]) -> Result<[u8; N], E> {
        let mut array = [0; N];
        match array.get_mut(..bytes.len()) {
            Some(start) => start.copy_from_slice(bytes),
            None => return Err(E::invalid_length(bytes.len(), &Self)),
        }
        Ok(array)
    }
}

impl<'de, const N: usize> Visitor<'de> for ByteArray<N> {
    type Value = [u8; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {N} bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<[u8; N], E> {
        Self::filled(bytes)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<[u8; N], A::Error> {
        let (mut array, mut len) = ([0; N], 0);
        while let Some(byte) = seq.next_element()? {
            match array.get_mut(len) {
                Some(place) => *place = byte,
                None => return Err(de::Error::invalid_length(len + 1, &self)),
            }
            len += 1;
        }
        Ok(array)
    }
}

macro_rules! through_serde {
    ($($ty:ty)+) => {$(
        impl Twin for $ty {
            fn send<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.serialize(serializer)
            }

            fn receive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::deserialize(deserializer)
            }
        }
    )+};
}

through_serde! { Duration Time }

/// Nanoseconds in an `int64`, as Go's `time.Duration`.
impl Twin for std::time::Duration {
    fn send<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Duration::try_from(*self).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }

    fn receive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Duration::deserialize(deserializer)?.try_into().map_err(de::Error::custom)
    }
}

/// Go's `time.Time`.
impl Twin for SystemTime {
    fn send<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Time::from(*self).serialize(serializer)
    }

    fn receive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Time::deserialize(deserializer)?.try_into().map_err(de::Error::custom)
    }
}

impl<T: Twin> Twin for Option<T> {
    fn send<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_ref().map(Sent).serialize(serializer)
    }

    fn receive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<Received<T>>::deserialize(deserializer)?.map(|received| received.0))
    }
}

impl<T: Twin> Twin for Box<T> {
    fn send<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        T::send(self, serializer)
    }

    fn receive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::receive(deserializer).map(Self::new)
    }
}

impl<T: Twin> Twin for Vec<T> {
    fn send<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Sent))
    }

    fn receive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(List(PhantomData))
    }
}

struct List<T>(PhantomData<fn() -> T>);

impl<'de, T: Twin> Visitor<'de> for List<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(Received(element)) = seq.next_element()? {
            list.push(element);
        }
        Ok(list)
    }
}

macro_rules! maps {
    ($($map:ident<K, V $(, $s:ident)?> where K: $($bound:path)|+;)+) => {$(
        impl<K, V: Twin $(, $s: BuildHasher + Default)?> Twin for $map<K, V $(, $s)?>
        where
            K: Serialize + for<'k> Deserialize<'k> $(+ $bound)+,
        {
            fn send<S0: Serializer>(&self, serializer: S0) -> Result<S0::Ok, S0::Error> {
                serializer.collect_map(self.iter().map(|(key, value)| (key, Sent(value))))
            }

            fn receive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_map(Table(PhantomData))
            }
        }
    )+};
}

maps! {
    HashMap<K, V, S> where K: Eq | Hash;
    BTreeMap<K, V> where K: Ord;
}

struct Table<K, V, M>(PhantomData<(K, V, M)>);

impl<'de, K: Deserialize<'de>, V: Twin, M: Default + Extend<(K, V)>> Visitor<'de> for Table<K, V, M> {
    type Value = M;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<M, A::Error> {
        let mut table = M::default();
        while let Some((key, Received(value))) = map.next_entry::<K, Received<V>>()? {
            table.extend([(key, value)]);
        }
        Ok(table)
    }
}
