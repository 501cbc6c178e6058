//! What a reader sees of what others write.

use std::time::Duration;

use trunkline::registry::Trust;

use crate::proxy::Proxy;
use crate::server::Etcd;
use crate::{follow, list, list_within, texts};

const NODE: &str = "/rpcx_test/Arith/tcp@10.1.2.3:8972";

#[tokio::test(flavor = "multi_thread")]
async fn what_go_writes_is_listed_and_followed_without_a_lease() {
    let Some(etcd) = Etcd::start() else { return };
    let lease = etcd.ctl(&["lease", "grant", "600"]);
    let lease = lease.split_whitespace().nth(1).unwrap();
    etcd.ctl(&["put", "--lease", lease, NODE, "weight=7&group=a"]);

    let mut watch = follow(&etcd.url("/rpcx_test?grace=0s"), "Arith");
    list(&mut watch, &["tcp@10.1.2.3:8972?weight=7&group=a"]).await;

    etcd.ctl(&["put", "--lease", lease, NODE, "state=inactive"]);
    let snapshot = list(&mut watch, &["tcp@10.1.2.3:8972?state=inactive"]).await;
    assert!(!snapshot.instances()[0].is_active());

    etcd.ctl(&["put", "/rpcx_test/Arith/tcp@10.1.2.4:1", ""]);
    list(&mut watch, &["tcp@10.1.2.3:8972?state=inactive", "tcp@10.1.2.4:1"]).await;

    etcd.ctl(&["lease", "revoke", lease]);
    list(&mut watch, &["tcp@10.1.2.4:1"]).await;
    assert_eq!(etcd.leases(), [""; 0], "a reader owns a lease");
    assert_eq!(etcd.entries("/rpcx_test"), [("/rpcx_test/Arith/tcp@10.1.2.4:1".into(), String::new())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn services_do_not_see_each_other_and_junk_spoils_nothing() {
    let Some(etcd) = Etcd::start() else { return };
    for (key, value) in [
        ("/b", "rpcx_path"),
        ("/b/A", "A"),
        ("/b/A/tcp@h:1", "n=a"),
        ("/b/AB/tcp@h:1", "n=ab"),
        ("/b/Ünï %[*/tcp@h:1", "n=odd"),
        ("b/A/tcp@h:1", "n=noslash"),
        ("/b/A/", "junk"),
        ("/b/A/junk", "junk"),
        ("/b/A/tcp@h:1/deeper", "n=deeper"),
        ("/b/A/tcp@h:2", "x=%zz&state=inactive"),
        ("/b/A/unix@/tmp/a.sock", ""),
    ] {
        etcd.ctl(&["put", key, value]);
    }
    let a = ["tcp@h:1?n=a", "tcp@h:2?x=%zz&state=inactive", "unix@/tmp/a.sock"];
    for (base, service, wanted) in [
        ("/b", "A", &a[..]),
        ("/b/", "A", &a[..]),
        ("/b", "AB", &["tcp@h:1?n=ab"]),
        ("/b", "Ünï %[*", &["tcp@h:1?n=odd"]),
        ("/x?base=b", "A", &["tcp@h:1?n=noslash"]),
    ] {
        list(&mut follow(&etcd.url(base), service), wanted).await;
    }
    let mut watch = follow(&etcd.url("/b"), "A");
    let snapshot = list(&mut watch, &a).await;
    assert!(!snapshot.instances()[1].is_active(), "what parses of broken attributes counts");

    let value = "x".repeat(1 << 20);
    etcd.ctl(&["put", "/b/A/tcp@h:3", &format!("n={}", &value[..100_000])]);
    while watch.current().instances().len() != 4 {
        watch.changed().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_nobody_serves_yet_is_waited_for() {
    let Some(etcd) = Etcd::start() else { return };
    let mut watch = follow(&etcd.url("/rpcx_test"), "Arith");
    while *watch.current().trust() == Trust::Waiting {
        watch.changed().await.unwrap();
    }
    assert_eq!(texts(&watch.current()), [""; 0]);
    etcd.ctl(&["put", NODE, ""]);
    list(&mut watch, &["tcp@10.1.2.3:8972"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_between_the_list_and_the_watch_is_seen() {
    let Some(etcd) = Etcd::start() else { return };
    etcd.ctl(&["put", NODE, "n=1"]);
    let proxy = Proxy::holding_after(b"tcp@10.1.2.3:8972", etcd.client).await;
    let mut watch = follow(&format!("etcd://127.0.0.1:{}/rpcx_test", proxy.port), "Arith");
    proxy.is_holding().await;
    list(&mut watch, &["tcp@10.1.2.3:8972?n=1"]).await;
    etcd.ctl(&["put", NODE, "n=2"]);
    proxy.release();
    // Sooner than a probe or a new attempt would mend it.
    list_within(&mut watch, Duration::from_secs(2), &["tcp@10.1.2.3:8972?n=2"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_whose_history_was_compacted_lists_again() {
    let Some(etcd) = Etcd::start() else { return };
    etcd.ctl(&["put", NODE, "n=1"]);
    let proxy = Proxy::holding_after(b"tcp@10.1.2.3:8972", etcd.client).await;
    let mut watch = follow(&format!("etcd://127.0.0.1:{}/rpcx_test?grace=0s", proxy.port), "Arith");
    proxy.is_holding().await;
    list(&mut watch, &["tcp@10.1.2.3:8972?n=1"]).await;
    etcd.ctl(&["put", "/rpcx_test/Arith/tcp@10.1.2.4:1", ""]);
    etcd.ctl(&["put", "other", ""]);
    etcd.ctl(&["del", NODE]);
    let revision = etcd.ctl(&["put", "other", "", "--write-out", "fields"]);
    let revision = revision.lines().find_map(|line| line.strip_prefix("\"Revision\" : ")).unwrap();
    etcd.ctl(&["compact", revision]);
    proxy.release();
    list(&mut watch, &["tcp@10.1.2.4:1"]).await;
    // And what it follows then is a watch.
    etcd.ctl(&["put", NODE, "n=3"]);
    list(&mut watch, &["tcp@10.1.2.3:8972?n=3", "tcp@10.1.2.4:1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_etcd_that_is_killed_is_followed_again_and_nothing_is_lost_meanwhile() {
    let Some(mut etcd) = Etcd::start() else { return };
    etcd.ctl(&["put", NODE, "n=1"]);
    let mut watch = follow(&etcd.url("/rpcx_test"), "Arith");
    list(&mut watch, &["tcp@10.1.2.3:8972?n=1"]).await;
    etcd.kill();
    while *watch.current().trust() == Trust::Fresh {
        watch.changed().await.unwrap();
    }
    assert_eq!(texts(&watch.current()), ["tcp@10.1.2.3:8972?n=1"]);
    etcd.restart();
    etcd.ctl(&["put", NODE, "n=2"]);
    list(&mut watch, &["tcp@10.1.2.3:8972?n=2"]).await;

    // A store that begins anew has lower revisions than the watch has seen.
    etcd.kill();
    etcd.wipe();
    etcd.restart();
    etcd.ctl(&["put", NODE, "n=3"]);
    list(&mut watch, &["tcp@10.1.2.3:8972?n=3"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_etcd_that_is_frozen_is_noticed_and_the_list_kept() {
    let Some(etcd) = Etcd::start() else { return };
    etcd.ctl(&["put", NODE, "n=1"]);
    let mut watch = follow(&etcd.url("/rpcx_test"), "Arith");
    list(&mut watch, &["tcp@10.1.2.3:8972?n=1"]).await;
    etcd.freeze();
    let noticed = tokio::time::timeout(Duration::from_secs(20), async {
        while *watch.current().trust() == Trust::Fresh {
            watch.changed().await.unwrap();
        }
    });
    noticed.await.expect("a frozen etcd is noticed");
    assert_eq!(texts(&watch.current()), ["tcp@10.1.2.3:8972?n=1"]);
    etcd.thaw();
    etcd.ctl(&["put", NODE, "n=2"]);
    list(&mut watch, &["tcp@10.1.2.3:8972?n=2"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_watch_is_left_in_peace() {
    let Some(etcd) = Etcd::start() else { return };
    etcd.ctl(&["put", NODE, "n=1"]);
    let proxy = Proxy::to(etcd.client).await;
    let mut watch = follow(&format!("etcd://127.0.0.1:{}/rpcx_test", proxy.port), "Arith");
    list(&mut watch, &["tcp@10.1.2.3:8972?n=1"]).await;
    // Long enough for three signs of life, after which etcd would close the connection if they
    // came too often, and for a probe.
    let disturbed = tokio::time::timeout(Duration::from_secs(35), watch.changed()).await;
    assert!(disturbed.is_err(), "{disturbed:?}");
    assert_eq!(proxy.accepted(), 1, "the connection was closed");
}
