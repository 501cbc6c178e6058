//! Canonical JSON: each value said in one way only, so that programs in two languages can compare what they hold.
//!
//! The rules are in `interop/README.md`. With `loose`, nil lists, maps and bytes count as empty: protobuf cannot
//! tell them apart.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value};
use trunkline::types::{Duration, Time};

use super::plain::Floats;
use super::{Base, Everything, Inner, Ints};

/// Canonical JSON of every field, by Go's name.
pub(crate) type Fields = BTreeMap<String, Value>;

/// The fields of a value, embedded ones by their own names.
pub(crate) fn fields(value: &Everything, loose: bool) -> Fields {
    object(value.canonical(loose)).into_iter().collect()
}

/// The names of the fields that differ, sorted, and a line for each.
pub(crate) fn compare(got: &Fields, expected: &Fields) -> (Vec<String>, Vec<String>) {
    let mut names: Vec<_> = got.keys().chain(expected.keys()).collect();
    names.sort();
    names.dedup();
    names.retain(|name| got.get(*name) != expected.get(*name));
    let said =
        |fields: &Fields, name: &str| fields.get(name).map_or_else(|| "nothing".to_owned(), Value::to_string);
    names
        .into_iter()
        .map(|name| {
            (name.clone(), format!("{name}: got {}, expected {}", said(got, name), said(expected, name)))
        })
        .unzip()
}

pub(crate) trait Canonical {
    fn canonical(&self, loose: bool) -> Value;

    /// What this type is where Go has nil.
    fn nil(_loose: bool) -> Value
    where
        Self: Sized,
    {
        Value::Null
    }
}

impl<T: Canonical> Canonical for Option<T> {
    fn canonical(&self, loose: bool) -> Value {
        self.as_ref().map_or_else(|| T::nil(loose), |value| value.canonical(loose))
    }
}

impl<T: Canonical> Canonical for Vec<T> {
    fn canonical(&self, loose: bool) -> Value {
        self.iter().map(|item| item.canonical(loose)).collect()
    }

    fn nil(loose: bool) -> Value {
        if loose { Value::Array(Vec::new()) } else { Value::Null }
    }
}

impl<K: Canonical, V: Canonical> Canonical for BTreeMap<K, V> {
    fn canonical(&self, loose: bool) -> Value {
        let entries = self.iter().filter_map(|(key, value)| {
            Some((key.canonical(loose).as_str()?.to_owned(), value.canonical(loose)))
        });
        Value::Object(entries.collect())
    }

    fn nil(loose: bool) -> Value {
        if loose { Value::Object(Map::new()) } else { Value::Null }
    }
}

impl Canonical for Bytes {
    fn canonical(&self, _: bool) -> Value {
        hex(self).into()
    }

    fn nil(loose: bool) -> Value {
        if loose { "".into() } else { Value::Null }
    }
}

impl Canonical for [u8; 4] {
    fn canonical(&self, _: bool) -> Value {
        hex(self).into()
    }
}

impl Canonical for String {
    fn canonical(&self, _: bool) -> Value {
        self.clone().into()
    }
}

impl Canonical for bool {
    fn canonical(&self, _: bool) -> Value {
        (*self).into()
    }
}

macro_rules! decimal {
    ($($ty:ty)+) => {$(
        impl Canonical for $ty {
            fn canonical(&self, _: bool) -> Value {
                self.to_string().into()
            }
        }
    )+};
}

decimal!(i8 u8 i16 u16 i32 u32 i64 u64);

impl Canonical for f32 {
    fn canonical(&self, _: bool) -> Value {
        if self.is_nan() { "nan".into() } else { format!("{:08x}", self.to_bits()).into() }
    }
}

impl Canonical for f64 {
    fn canonical(&self, _: bool) -> Value {
        if self.is_nan() { "nan".into() } else { format!("{:016x}", self.to_bits()).into() }
    }
}

impl Canonical for Time {
    fn canonical(&self, _: bool) -> Value {
        format!("{}.{:09}", self.unix_seconds(), self.subsec_nanos()).into()
    }
}

impl Canonical for Duration {
    fn canonical(&self, _: bool) -> Value {
        self.as_nanos().to_string().into()
    }
}

/// A struct as an object; what is embedded stands among its fields.
macro_rules! structure {
    ($ty:ty { $($name:literal: $field:ident),+ $(,)? } $(embeds $base:ident)?) => {
        impl Canonical for $ty {
            fn canonical(&self, loose: bool) -> Value {
                #[allow(unused_mut)]
                let mut fields = Map::from_iter([$(($name.to_owned(), self.$field.canonical(loose))),+]);
                $(fields.extend(object(self.$base.canonical(loose)));)?
                Value::Object(fields)
            }
        }
    };
}

structure!(Everything {
    "UserID": user_id, "NilRef": nil_ref, "SetRef": set_ref, "NilList": nil_list, "List": list,
    "EmptyList": empty_list, "Fixed": fixed, "Data": data, "Created": created, "Counts": counts, "Names": names,
    "Masks": masks, "Note": note, "Nested": nested, "Items": items, "Ints": ints, "F32": f32, "F64": f64,
    "Flag": flag, "Text": text, "Empty": empty, "Wait": wait, "HTTPURL": http_url, "Nickname": nickname,
    "OptInt": opt_int,
} embeds base);
structure!(Base { "TraceID": trace_id, "Shard": shard });
structure!(Inner { "ID": id, "Label": label, "Scores": scores });
structure!(Ints {
    "I8": i8, "U8": u8, "I16": i16, "U16": u16, "I32": i32, "U32": u32, "Min64": min64, "Max64": max64,
    "U64": u64, "Int": int, "Uint": uint,
});
structure!(Floats { "F32": f32, "F64": f64 });

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_forms_are_the_documented_ones() {
        let form = |value: &dyn Canonical, loose| value.canonical(loose).to_string();
        for (value, text) in [
            (&true as &dyn Canonical, "true"),
            (&"né".to_owned(), "\"né\""),
            (&-128_i8, "\"-128\""),
            (&u64::MAX, "\"18446744073709551615\""),
            (&1_f32, "\"3f800000\""),
            (&-0_f64, "\"8000000000000000\""),
            (&f64::NAN, "\"nan\""),
            (&Bytes::from_static(&[0, 255]), "\"00ff\""),
            (&None::<Bytes>, "null"),
            (&Some(Bytes::new()), "\"\""),
            (&Duration::from_nanos(-7), "\"-7\""),
            (&Time::from_unix(-1, 999_999_999), "\"-1.999999999\""),
            (&None::<Vec<String>>, "null"),
            (&BTreeMap::from([(-1_i64, "x".to_owned())]), "{\"-1\":\"x\"}"),
            (&None::<Inner>, "null"),
        ] {
            assert_eq!(form(value, false), text);
        }
        for (value, text) in [
            (&None::<Bytes> as &dyn Canonical, "\"\""),
            (&None::<Vec<String>>, "[]"),
            (&None::<BTreeMap<i64, String>>, "{}"),
            (&None::<Inner>, "null"),
        ] {
            assert_eq!(form(value, true), text);
        }
    }

    #[test]
    fn every_field_counts() {
        assert_eq!(fields(&Everything::default(), false).len(), 25 + 2);
        let (zero, mut changed) = (Everything::default(), Everything::default());
        changed.base.shard = 1;
        changed.note.push('!');
        let (differ, detail) = compare(&fields(&changed, false), &fields(&zero, false));
        assert_eq!(differ, ["Note", "Shard"]);
        assert_eq!(detail, ["Note: got \"!\", expected \"\"", "Shard: got \"1\", expected \"0\""]);
    }
}
