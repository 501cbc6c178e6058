//! What a writer leaves in etcd, as etcd's own tool sees it.

use std::time::Duration;

use trunkline::registry::{Registration, Registry};

use crate::server::Etcd;
use crate::suite::{Witness, edit, register, until, until_list};
use crate::{follow, list};

const NODE: &str = "/rpcx_test/Arith/tcp@10.0.0.1:8972";

/// Long enough for anything that does not wait for a renewal or a read-back, which here come once
/// in a minute.
const PROMPT: Duration = Duration::from_secs(10);
const SLOW: &str = "/rpcx_test?ttl=180s&check=60s&grace=0s";

fn entries(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
}

/// The lease of a key, as etcd's tool writes it; none for a key that has none.
fn lease_of(etcd: &Etcd, key: &str) -> Option<String> {
    let fields = etcd.ctl(&["get", key, "--write-out", "fields"]);
    let lease = fields.lines().find_map(|line| line.strip_prefix("\"Lease\" : ")).unwrap();
    let number: i64 = lease.parse().unwrap();
    (number != 0).then(|| format!("{number:016x}"))
}

async fn one(etcd: &Etcd, rest: &str, text: &str) -> (Registry, Registration) {
    let registry = Registry::open(&etcd.url(rest)).unwrap();
    let registration = register(&registry, "Arith", text).await;
    (registry, registration)
}

async fn eventually(limit: Duration, what: &str, is_so: impl Fn() -> bool) {
    let begin = tokio::time::Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_values_are_gos_to_the_byte() {
    for (rest, base) in [("/rpcx_test", "/rpcx_test"), ("?base=rpcx_test", "rpcx_test"), ("/a/b/", "/a/b")] {
        let Some(etcd) = Etcd::start() else { return };
        let (registry, arith) = one(&etcd, rest, "tcp@10.0.0.1:8972?weight=7&group=a b").await;
        let math = register(&registry, "Math", "[::1]:1?").await;
        let key = |rest: &str| format!("{base}{rest}");
        let all = [
            (key(""), "rpcx_path"),
            (key("/Arith"), "Arith"),
            (key("/Arith/tcp@10.0.0.1:8972"), "weight=7&group=a b"),
            (key("/Math"), "Math"),
            (key("/Math/tcp@[::1]:1"), ""),
        ];
        let mut wanted: Vec<(String, String)> = all.iter().map(|(k, v)| (k.clone(), (*v).into())).collect();
        assert_eq!(etcd.entries(""), wanted);

        // One lease for all, which what is shared does not live under.
        let leases = etcd.leases();
        assert_eq!(leases.len(), 1, "{leases:?}");
        for (key, _) in &wanted {
            let is_node = key.contains('@');
            assert_eq!(lease_of(&etcd, key).as_ref(), is_node.then_some(&leases[0]), "{key}");
        }

        arith.close().await.unwrap();
        wanted.remove(2);
        assert_eq!(etcd.entries(""), wanted);
        math.close().await.unwrap();
        wanted.pop();
        assert_eq!(etcd.entries(""), wanted);
        eventually(PROMPT, "the lease is given up", || etcd.leases().is_empty()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parents_can_be_left_out() {
    let Some(etcd) = Etcd::start() else { return };
    let _registered = one(&etcd, "/rpcx_test?publish_parents=false", "tcp@10.0.0.1:8972?a=1").await;
    assert_eq!(etcd.entries(""), entries(&[(NODE, "a=1")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn parents_of_others_are_kept_and_put_back_when_they_go() {
    let Some(etcd) = Etcd::start() else { return };
    etcd.ctl(&["put", "/rpcx_test", "somebody else's"]);
    let _registered = one(&etcd, "/rpcx_test", "tcp@10.0.0.1:8972?a=1").await;
    assert_eq!(etcd.ctl(&["get", "/rpcx_test", "--print-value-only"]).trim(), "somebody else's");
    let revision = || {
        let fields = etcd.ctl(&["get", "none", "--write-out", "fields"]);
        fields.lines().find_map(|line| line.strip_prefix("\"Revision\" : ").map(str::to_owned)).unwrap()
    };
    let before = revision();
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(revision(), before, "renewals and read-backs write nothing");

    // As when the Go server goes whose lease they were attached to.
    etcd.ctl(&["del", "/rpcx_test"]);
    etcd.ctl(&["del", "/rpcx_test/Arith"]);
    let all = entries(&[("/rpcx_test", "rpcx_path"), ("/rpcx_test/Arith", "Arith"), (NODE, "a=1")]);
    eventually(Duration::from_secs(90), "the parents are back", || etcd.entries("") == all).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_lease_is_noticed_at_once() {
    let Some(etcd) = Etcd::start() else { return };
    let (registry, _registration) = one(&etcd, SLOW, "tcp@10.0.0.1:8972?weight=3").await;
    edit(&registry, "Arith", |attributes| attributes.set("state", "inactive")).await;
    let kept = [(NODE, "state=inactive&weight=3")];
    // A reader that does not believe a list which is empty for a moment.
    let reader = Registry::open(&etcd.url("/rpcx_test")).unwrap();
    let mut watch = reader.resolver().unwrap().watch("Arith");
    until_list(&mut watch, PROMPT, &["tcp@10.0.0.1:8972?state=inactive&weight=3"]).await;
    let witness = Witness::of(&reader, "Arith");
    for _ in 0..3 {
        let lease = lease_of(&etcd, NODE).unwrap();
        etcd.ctl(&["lease", "revoke", &lease]);
        eventually(PROMPT, "it is registered again", || etcd.entries(NODE) == entries(&kept)).await;
        assert_ne!(lease_of(&etcd, NODE), Some(lease));
    }
    witness.was_never_empty();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_operators_do_by_hand_is_noticed_at_once() {
    let Some(etcd) = Etcd::start() else { return };
    let (registry, _registration) = one(&etcd, SLOW, "tcp@10.0.0.1:8972?weight=3").await;
    let other = register(&registry, "Math", "tcp@10.0.0.1:8972").await;
    let lease = lease_of(&etcd, NODE);

    // Edited by a tool that drops the lease: the edit stays, the lease comes back.
    etcd.ctl(&["put", NODE, "state=inactive"]);
    eventually(PROMPT, "it lives under the lease again", || lease_of(&etcd, NODE) == lease).await;
    assert_eq!(etcd.entries(NODE), entries(&[(NODE, "state=inactive")]));

    etcd.ctl(&["put", "--ignore-lease", NODE, "state=inactive&weight=1"]);
    let kept = [(NODE, "state=inactive&weight=1")];
    for _ in 0..3 {
        // The edit has to be read before the key is gone.
        tokio::time::sleep(Duration::from_millis(500)).await;
        etcd.ctl(&["del", NODE]);
        eventually(PROMPT, "it is back", || etcd.entries(NODE) == entries(&kept)).await;
        assert_eq!(lease_of(&etcd, NODE), lease, "the lease was not lost");
    }
    // One that was added later is watched as well.
    etcd.ctl(&["del", "/rpcx_test/Math/tcp@10.0.0.1:8972"]);
    eventually(PROMPT, "it is back", || etcd.entries("/rpcx_test/Math/").len() == 1).await;
    other.close().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(etcd.entries("/rpcx_test/Math/").is_empty(), "what was withdrawn stays away");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_is_forgotten_after_its_time_to_live() {
    let Some(etcd) = Etcd::start() else { return };
    let url = etcd.url("/rpcx_test?ttl=5s");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let registration = runtime
            .block_on(async { register(&Registry::open(&url).unwrap(), "Arith", "tcp@10.0.0.1:8972").await });
        // Nobody is told: the runtime goes first.
        runtime.shutdown_background();
        drop(registration);
    })
    .join()
    .unwrap();
    let mut watch = follow(&etcd.url("/rpcx_test?grace=0s"), "Arith");
    list(&mut watch, &["tcp@10.0.0.1:8972"]).await;
    list(&mut watch, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_write_instances_only_registers_without_the_keys_above() {
    let Some(etcd) = Etcd::start() else { return };
    for command in [
        "user add root:topsecret",
        "role add root",
        "user grant-role root root",
        "user add writer:pw",
        "role add writing",
        "role grant-permission writing --prefix=true readwrite /rpcx_test/Arith/",
        "user grant-role writer writing",
        "auth enable",
    ] {
        etcd.ctl(&command.split(' ').collect::<Vec<_>>());
    }
    let url = format!("etcd://writer:pw@127.0.0.1:{}/rpcx_test", etcd.client);
    let registry = Registry::open(&url).unwrap();
    let registration = register(&registry, "Arith", "tcp@10.0.0.1:8972").await;
    let got = etcd.ctl(&["--user", "root:topsecret", "get", "--prefix", "", "--keys-only"]);
    assert_eq!(got.trim(), NODE);
    let mut watch = registry.resolver().unwrap().watch("Arith");
    until(&mut watch, PROMPT, |snapshot| snapshot.instances().len() == 1).await;

    // It may not there, and says why, without its password.
    let denied = registry.registrar().unwrap().register("Math", "10.0.0.1:8972".parse().unwrap()).unwrap();
    let mut status = denied.watch();
    let text = loop {
        match status.changed().await.unwrap() {
            trunkline::registry::Status::Registering { why: Some(why) } => break why,
            other => assert!(!other.is_registered(), "{other:?}"),
        }
    };
    assert!(text.contains("permission denied"), "{text}");
    registration.close().await.unwrap();
}

#[tokio::test]
async fn urls_that_cannot_work_are_refused() {
    for (url, why) in [
        ("etcd://h", "names no base"),
        ("etcd://h/", "names no base"),
        ("etcd:///rpcx_test", "names no host"),
        ("etcd://h/b?publish_parents=perhaps", "expected true or false"),
        ("etcd://h/b?nonsense=1", "no option `nonsense`"),
        ("etcds://h/b?cert=x", "`cert` and `key` go together"),
    ] {
        let error = Registry::open(url).expect_err(url).to_string();
        assert!(error.contains(why), "{url}: {error}");
    }
    let registry = Registry::open("etcd://h/b?ttl=2s").unwrap();
    let error = registry.registrar().expect_err("it is too short").to_string();
    assert!(error.contains("5s"), "{error}");
}
