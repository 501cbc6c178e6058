//! Metadata against a plain list of pairs, by generated operations.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use trunkline_wire::{Metadata, lookup};

use crate::metadata::block;

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

#[derive(Clone, Debug)]
enum Operation {
    Insert(Vec<u8>, Vec<u8>),
    Remove(Vec<u8>),
    Extend(Pairs),
}

/// Few keys, so that they meet.
fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => vec(b'a'..=b'c', 0..2), 1 => vec(any::<u8>(), 0..4)]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..12)
}

fn pairs() -> impl Strategy<Value = Pairs> {
    vec((key(), value()), 0..8)
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (key(), value()).prop_map(|(key, value)| Operation::Insert(key, value)),
        2 => key().prop_map(Operation::Remove),
        1 => pairs().prop_map(Operation::Extend),
    ]
}

fn encode(pairs: &Pairs) -> Bytes {
    block(&pairs.iter().map(|(key, value)| (&key[..], &value[..])).collect::<Vec<_>>()).into()
}

fn apply(model: &mut Pairs, operation: &Operation) {
    match operation {
        Operation::Insert(key, value) => match model.iter().position(|(k, _)| k == key) {
            Some(first) => {
                model[first].1.clone_from(value);
                let mut index = 0;
                model.retain(|(k, _)| {
                    index += 1;
                    k != key || index - 1 == first
                });
            }
            None => model.push((key.clone(), value.clone())),
        },
        Operation::Remove(key) => model.retain(|(k, _)| k != key),
        Operation::Extend(other) => {
            model.retain(|(k, _)| !other.iter().any(|(o, _)| o == k));
            model.extend(other.iter().cloned());
        }
    }
}

proptest! {
    #[test]
    fn behaves_as_a_list_of_pairs_where_the_last_wins(received in pairs(), operations in vec(operation(), 0..12)) {
        let mut metadata = Metadata::from_encoded(encode(&received)).unwrap();
        let mut model = received;
        for operation in &operations {
            match operation {
                Operation::Insert(key, value) => metadata.insert(key, value),
                Operation::Remove(key) => {
                    let there = model.iter().any(|(k, _)| k == key);
                    prop_assert_eq!(metadata.remove(key), there);
                }
                Operation::Extend(other) => metadata.extend(&Metadata::from_encoded(encode(other)).unwrap()),
            }
            apply(&mut model, operation);

            prop_assert_eq!(metadata.encoded(), &encode(&model)[..]);
            prop_assert_eq!(metadata.encoded_len(), metadata.encoded().len());
            prop_assert_eq!((metadata.len(), metadata.is_empty()), (model.len(), model.is_empty()));
            let listed: Pairs = metadata.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
            prop_assert_eq!(&listed, &model);
            for (key, _) in &model {
                let last = model.iter().rev().find(|(k, _)| k == key).map(|(_, v)| &v[..]);
                prop_assert_eq!(metadata.get_bytes(key), last);
                prop_assert_eq!(lookup(metadata.encoded(), key), last);
            }
        }
        let validated = Metadata::from_encoded(Bytes::copy_from_slice(metadata.encoded())).unwrap();
        prop_assert_eq!(validated, metadata);
    }

    #[test]
    fn equality_does_not_see_the_order(pairs in pairs(), seed in any::<prop::sample::Index>()) {
        let mut shuffled: Metadata = pairs.iter().cloned().collect();
        let metadata = shuffled.clone();
        if let Some((key, _)) = pairs.get(seed.index(pairs.len().max(1))) {
            let value = metadata.get_bytes(key).unwrap().to_vec();
            shuffled.remove(key);
            prop_assert_ne!(&shuffled, &metadata);
            shuffled.insert(key, value);
        }
        prop_assert_eq!(shuffled, metadata);
    }

    #[test]
    fn any_bytes_are_refused_or_well_formed(mut bytes in vec(prop_oneof![3 => Just(0_u8), 1 => 0..6_u8, 1 => any::<u8>()], 0..64)) {
        let accepted = Metadata::from_encoded(Bytes::copy_from_slice(&bytes));
        if let Ok(metadata) = &accepted {
            let listed: Pairs = metadata.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
            prop_assert_eq!(&encode(&listed)[..], &bytes[..]);
        }
        let _ = lookup(&bytes, b"");
        bytes.push(0);
        if accepted.is_ok() {
            prop_assert!(Metadata::from_encoded(bytes.into()).is_err(), "a byte too many");
        }
    }
}
