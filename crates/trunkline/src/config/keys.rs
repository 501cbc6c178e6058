//! How a struct of settings is read and written: keys that may be missing, none that is unknown,
//! and every error behind the name of its key.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::{Switch, format_duration, parse_duration};

/// Declares a struct whose fields are all optional, with serde's traits for it.
macro_rules! keys {
    (
        $(#[$about:meta])*
        pub struct $Name:ident {
            $( $(#[$field_about:meta])* pub $field:ident: Option<$Type:ty>, )*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $Name {
            $( $(#[$field_about])* pub $field: Option<$Type>, )*
        }

        impl<'de> serde::Deserialize<'de> for $Name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Keys;

                impl<'de> serde::de::Visitor<'de> for Keys {
                    type Value = $Name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a table of settings")
                    }

                    fn visit_map<M: serde::de::MapAccess<'de>>(self, mut map: M) -> Result<$Name, M::Error> {
                        const KNOWN: &[&str] = &[$(stringify!($field)),*];
                        let mut settings = $Name::default();
                        let mut seen = Vec::new();
                        while let Some(key) = map.next_key::<String>()? {
                            let known = $crate::config::keys::once(&key, KNOWN, &mut seen)?;
                            $(
                                if known == stringify!($field) {
                                    settings.$field = $crate::config::keys::value(known, &mut map)?;
                                }
                            )*
                        }
                        Ok(settings)
                    }
                }

                deserializer.deserialize_map(Keys)
            }
        }

        impl serde::Serialize for $Name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(None)?;
                $(
                    if let Some(value) = &self.$field {
                        map.serialize_entry(stringify!($field), &$crate::config::keys::Written(value))?;
                    }
                )*
                map.end()
            }
        }
    };
}
pub(super) use keys;

/// A value as it stands in a file.
pub(super) trait Setting: Sized {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

/// What serde reads and writes as it is.
macro_rules! plain {
    ($($Type:ty),*) => { $(
        impl Setting for $Type {
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::deserialize(deserializer)
            }

            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.serialize(serializer)
            }
        }
    )* };
}
plain!(bool, usize, f64, String, super::LimitsConfig, super::MethodConfig, super::Backoff);
plain!(super::RetriesConfig, super::RetryBudgetConfig, super::BreakerConfig);
plain!(super::ServerTlsConfig, super::ClientTlsConfig);

impl Setting for Duration {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Duration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration as text, such as \"1.5s\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
                parse_duration(text).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_duration(*self))
    }
}

const OFF: &str = "off";

impl Setting for Switch<Duration> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Switch<Duration>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration as text, such as \"1.5s\", or \"off\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Switch<Duration>, E> {
                match text.trim() {
                    OFF => Ok(Switch::Off),
                    text => parse_duration(text)
                        .map(Switch::On)
                        .map_err(|error| E::custom(format_args!("{error}; `{OFF}` is possible, too"))),
                }
            }
        }

        deserializer.deserialize_str(Text)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Off => serializer.serialize_str(OFF),
            Self::On(duration) => duration.write(serializer),
        }
    }
}

impl<T: Setting> Setting for BTreeMap<String, T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Named<T>(PhantomData<T>);

        impl<'de, T: Setting> Visitor<'de> for Named<T> {
            type Value = BTreeMap<String, T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of settings by name")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut named = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    let key = format!("\"{name}\"");
                    if named.contains_key(&name) {
                        return Err(twice(&key));
                    }
                    if let Some(setting) = value(&key, &mut map)? {
                        named.insert(name, setting);
                    }
                }
                Ok(named)
            }
        }

        deserializer.deserialize_map(Named(PhantomData))
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (name, setting) in self {
            map.serialize_entry(name, &Written(setting))?;
        }
        map.end()
    }
}

/// A setting on its way out.
pub(super) struct Written<'a, T>(pub(super) &'a T);

impl<T: Setting> Serialize for Written<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

/// The key as it is known, if it is and comes for the first time.
pub(super) fn once<'k, E: de::Error>(
    key: &str,
    known: &'k [&'static str],
    seen: &mut Vec<&'k str>,
) -> Result<&'k str, E> {
    let Some(known) = known.iter().find(|known| **known == key) else {
        let known = known.join(", ");
        return Err(E::custom(format_args!("{key}: there is no such key; there are {known}")));
    };
    if seen.contains(known) {
        return Err(twice(key));
    }
    seen.push(known);
    Ok(known)
}

fn twice<E: de::Error>(key: &str) -> E {
    E::custom(format_args!("{key}: it is there twice"))
}

/// The value of a key; `None` where the file says so, as JSON's `null` does.
pub(super) fn value<'de, M, T>(key: &str, map: &mut M) -> Result<Option<T>, M::Error>
where
    M: MapAccess<'de>,
    T: Setting,
{
    map.next_value_seed(Value(PhantomData)).map_err(|error| {
        let text = error.to_string();
        // The keys above this one come in front of it.
        let joint = if text.contains(": ") && is_path(&text) { "." } else { ": " };
        de::Error::custom(format_args!("{key}{joint}{text}"))
    })
}

/// Whether an error's text begins with a key.
fn is_path(text: &str) -> bool {
    let first = text.split(": ").next().unwrap_or_default();
    let quoted = first.starts_with('"');
    quoted || !first.is_empty() && first.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'.'))
}

struct Value<T>(PhantomData<T>);

impl<'de, T: Setting> DeserializeSeed<'de> for Value<T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        struct Maybe<T>(PhantomData<T>);

        impl<'de, T: Setting> Visitor<'de> for Maybe<T> {
            type Value = Option<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a setting")
            }

            fn visit_none<E: de::Error>(self) -> Result<Option<T>, E> {
                Ok(None)
            }

            fn visit_unit<E: de::Error>(self) -> Result<Option<T>, E> {
                Ok(None)
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
                T::read(deserializer).map(Some)
            }
        }

        deserializer.deserialize_option(Maybe(PhantomData))
    }
}
