//! What our server writes to etcd is what a Go server writes, byte for byte.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Bench;
use crate::problem::{Outcome, equal, expect, problem};
use crate::report::Rows;
use crate::stage::{Kind, Member, Place, Store};

pub(super) const CASES: &[&str] = &["keys and values", "a lease", "gone after a stop"];

const METADATA: &[&str] = &["", "weight=3&group=a b", "state=inactive&x=%2C", "note=é,&note=2"];

/// Keys and values in base64.
type Entries = BTreeMap<String, String>;

pub(super) async fn play(bench: &Bench, go: Kind, rows: &Rows) -> Outcome {
    let place = bench.place(&format!("/entries/{}", go.title()));
    let store = Store::of(&bench.programs, &place.etcd);
    let (mut same, mut leased, mut gone) = (Ok(()), Ok(()), Ok(()));
    for metadata in METADATA {
        // One after the other at one address.
        let theirs = Member::start(&bench.programs, go, "go", metadata, Some(&place), &[]).await?;
        let address = theirs.node.trim_start_matches("tcp@").to_owned();
        let entry = &theirs.ready["registered"];
        let written = (text(entry, "key_base64"), text(entry, "value_base64"));
        let mut expected = entries(&store, &place).await?;
        // Its next tick writes the value again, in another order.
        expected.insert(written.0, written.1);
        theirs.stop().await?;
        store.run(&["delete", "--prefix", &place.base]).await?;

        let flags = ["--addr", &address, "--grace", "50ms"];
        let ours = Member::start(&bench.programs, Kind::Rust, "rust", metadata, Some(&place), &flags).await?;
        let key = place.key(&ours.node);
        let got = entries(&store, &place).await?;
        same = same
            .and_then(|()| equal(&format!("entries with metadata {metadata:?}, in base64"), &got, &expected));
        leased = leased.and(on_lease(&store, &key).await);
        ours.stop().await?;
        let left = store.get(&key).await?;
        gone =
            gone.and_then(|()| expect(left.is_none(), || format!("after a stop in order there is {left:?}")));
        store.run(&["delete", "--prefix", &place.base]).await?;
    }
    rows.settle("keys and values", same.map(|()| format!("{} kinds of metadata", METADATA.len())));
    rows.settle("a lease", leased.map(|()| String::new()));
    rows.settle("gone after a stop", gone.map(|()| String::new()));
    Ok(())
}

async fn entries(store: &Store, place: &Place) -> Outcome<Entries> {
    let listed = store.run(&["list", &place.base]).await?;
    Ok(listed.iter().map(|entry| (text(entry, "key_base64"), text(entry, "value_base64"))).collect())
}

async fn on_lease(store: &Store, key: &str) -> Outcome {
    let Some(entry) = store.get(key).await? else {
        return problem(format!("{key} is not there"));
    };
    expect(entry["lease_granted_s"].as_u64().is_some_and(|seconds| seconds > 0), || {
        format!("the node of a server that dies must vanish: {entry}")
    })
}

fn text(entry: &Value, field: &str) -> String {
    entry[field].as_str().unwrap_or_default().to_owned()
}
