//! A received metadata block and operations on it, against a map.
#![no_main]

use std::collections::BTreeMap;

use bytes::Bytes;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use trunkline_wire::{Metadata, lookup};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    operations: Vec<Operation<'a>>,
    block: &'a [u8],
}

#[derive(Arbitrary, Debug)]
enum Operation<'a> {
    Insert(&'a [u8], &'a [u8]),
    Remove(&'a [u8]),
    /// Merges what was received once more.
    ExtendReceived,
    /// Sets the key at this place of the list, so that keys meet.
    InsertNth(u8, &'a [u8]),
    RemoveNth(u8),
}

fuzz_target!(|input: Input| {
    for key in [&b""[..], b"k", b"__AUTH"] {
        let _ = lookup(input.block, key);
    }
    let Ok(received) = Metadata::from_encoded(Bytes::copy_from_slice(input.block)) else { return };
    let rebuilt: Vec<u8> = received
        .iter()
        .flat_map(|(key, value)| [key, value])
        .flat_map(|field| (field.len() as u32).to_be_bytes().into_iter().chain(field.iter().copied()))
        .collect();
    assert_eq!(rebuilt, input.block);

    let mut metadata = received.clone();
    let mut model = map(&metadata);
    for operation in &input.operations {
        match operation {
            Operation::Insert(key, value) => insert(&mut metadata, &mut model, key, value),
            Operation::Remove(key) => remove(&mut metadata, &mut model, key),
            Operation::ExtendReceived => {
                metadata.extend(&received);
                model.extend(map(&received));
            }
            Operation::InsertNth(index, value) => {
                if let Some(key) = nth(&metadata, *index) {
                    insert(&mut metadata, &mut model, &key, value);
                }
            }
            Operation::RemoveNth(index) => {
                if let Some(key) = nth(&metadata, *index) {
                    remove(&mut metadata, &mut model, &key);
                }
            }
        }
        assert_eq!(map(&metadata), model);
        Metadata::from_encoded(Bytes::copy_from_slice(metadata.encoded()))
            .expect("a written block is well-formed");
    }
    assert_eq!(received.encoded(), input.block, "writing to a clone leaves the received block alone");
});

fn insert(metadata: &mut Metadata, model: &mut BTreeMap<Vec<u8>, Vec<u8>>, key: &[u8], value: &[u8]) {
    metadata.insert(key, value);
    model.insert(key.to_vec(), value.to_vec());
    assert_eq!(metadata.iter().filter(|(k, _)| *k == key).count(), 1);
}

fn remove(metadata: &mut Metadata, model: &mut BTreeMap<Vec<u8>, Vec<u8>>, key: &[u8]) {
    assert_eq!(metadata.remove(key), model.remove(key).is_some());
}

fn nth(metadata: &Metadata, index: u8) -> Option<Vec<u8>> {
    metadata.iter().nth(usize::from(index)).map(|(key, _)| key.to_vec())
}

fn map(metadata: &Metadata) -> BTreeMap<Vec<u8>, Vec<u8>> {
    metadata.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}
