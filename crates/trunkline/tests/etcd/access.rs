//! Users, TLS and several members.

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use trunkline::registry::{Registry, Trust};

use crate::proxy::Proxy;
use crate::server::{Etcd, folder, free_port};
use crate::{follow, list};

const NODE: &str = "/rpcx_test/Arith/tcp@10.1.2.3:8972";

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_member_is_passed_over() {
    let Some(etcd) = Etcd::start() else { return };
    etcd.ctl(&["put", NODE, ""]);
    let url = format!("etcd://127.0.0.1:{},127.0.0.1:{}/rpcx_test", free_port(), etcd.client);
    list(&mut follow(&url, "Arith"), &["tcp@10.1.2.3:8972"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_member_is_passed_over() {
    let (Some(frozen), Some(etcd)) = (Etcd::start(), Etcd::start()) else { return };
    frozen.freeze();
    etcd.ctl(&["put", NODE, ""]);
    let url = format!("etcd://127.0.0.1:{},127.0.0.1:{}/rpcx_test", frozen.client, etcd.client);
    list(&mut follow(&url, "Arith"), &["tcp@10.1.2.3:8972"]).await;
    frozen.thaw();
}

#[tokio::test(flavor = "multi_thread")]
async fn users_log_in_and_again_when_they_have_to() {
    let Some(mut etcd) = Etcd::start() else { return };
    etcd.ctl(&["put", NODE, ""]);
    for command in ["user add root:topsecret", "role add root", "user grant-role root root"] {
        etcd.ctl(&command.split(' ').collect::<Vec<_>>());
    }
    for command in ["user add reader:hu@sh/1", "role add reading", "user grant-role reader reading"] {
        etcd.ctl(&command.split(' ').collect::<Vec<_>>());
    }
    etcd.ctl(&["role", "grant-permission", "reading", "--prefix=true", "read", "/rpcx_test/"]);

    // Authentication is off still: who comes with a password is let in without.
    let url = format!("etcd://reader:hu%40sh%2F1@127.0.0.1:{}/rpcx_test", etcd.client);
    let mut watch = follow(&url, "Arith");
    list(&mut watch, &["tcp@10.1.2.3:8972"]).await;

    etcd.ctl(&["auth", "enable"]);
    let root = ["--user", "root:topsecret"];
    etcd.ctl(&[&root[..], &["put", NODE, "n=2"]].concat());
    list(&mut watch, &["tcp@10.1.2.3:8972?n=2"]).await;
    list(&mut follow(&url, "Arith"), &["tcp@10.1.2.3:8972?n=2"]).await;

    // Tokens do not outlive a restart.
    etcd.kill();
    etcd.run();
    etcd.ctl(&[&root[..], &["put", NODE, "n=3"]].concat());
    list(&mut watch, &["tcp@10.1.2.3:8972?n=3"]).await;

    for (url, why) in [
        (format!("etcd://reader:wrongsecret@127.0.0.1:{}/rpcx_test", etcd.client), "authentication failed"),
        (etcd.url("/rpcx_test"), "user name is empty"),
        (format!("etcd://reader:hu%40sh%2F1@127.0.0.1:{}/elsewhere", etcd.client), "permission denied"),
    ] {
        let registry = Registry::open(&url).unwrap();
        let mut watch = registry.resolver().unwrap().watch("Arith");
        let text = loop {
            match watch.changed().await.unwrap().trust() {
                Trust::Stale { why, .. } => break why.to_string(),
                _ => continue,
            }
        };
        let all = format!("{text} {registry:?} {}", registry.name());
        assert!(text.contains(why), "{text}");
        assert!(!all.contains("hu@sh") && !all.contains("hu%40") && !all.contains("wrongsecret"), "{all}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_no_longer_taken_is_renewed_on_the_same_connection() {
    let Some(etcd) = Etcd::start() else { return };
    etcd.ctl(&["put", NODE, ""]);
    for command in ["user add root:topsecret", "role add root", "user grant-role root root"] {
        etcd.ctl(&command.split(' ').collect::<Vec<_>>());
    }
    etcd.ctl(&["auth", "enable"]);
    let proxy = Proxy::to(etcd.client).await;
    let url = format!("etcd://root:topsecret@127.0.0.1:{}/rpcx_test", proxy.port);
    let catalog = Registry::open(&url).unwrap().catalog().unwrap();
    assert_eq!(catalog.services().await.unwrap(), ["Arith"]);

    // Switching authentication off makes etcd forget its tokens.
    etcd.ctl(&["--user", "root:topsecret", "auth", "disable"]);
    etcd.ctl(&["auth", "enable"]);
    assert_eq!(catalog.services().await.unwrap(), ["Arith"]);
    assert_eq!(proxy.accepted(), 1, "a new connection was made instead");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_verifies_both_sides() {
    let folder = folder();
    certificates(&folder);
    let Some(etcd) = Etcd::start_with_tls(&folder) else { return };
    etcd.ctl(&["put", NODE, ""]);
    let file = |name: &str| etcd.folder.join(name).display().to_string();
    let own = format!("cert={}&key={}", file("client.pem"), file("client.key"));
    let hosts = format!("127.0.0.1:{}/rpcx_test", etcd.client);
    list(
        &mut follow(&format!("etcds://{hosts}?ca={}&{own}", file("ca.pem")), "Arith"),
        &["tcp@10.1.2.3:8972"],
    )
    .await;
    let named = format!("etcd://{hosts}?ca={}&{own}&server_name=etcd.test", file("ca.pem"));
    list(&mut follow(&named, "Arith"), &["tcp@10.1.2.3:8972"]).await;

    for (url, why) in [
        (format!("etcds://{hosts}?ca={}", file("ca.pem")), ""),
        (format!("etcds://{hosts}?ca={}&{own}", file("other.pem")), "invalid peer certificate"),
        // The system's authorities do not know it.
        (format!("etcds://{hosts}?{own}"), "invalid peer certificate"),
        (format!("{named}.wrong"), "not valid for name"),
        (format!("etcd://{hosts}"), ""),
    ] {
        let mut watch = follow(&url, "Arith");
        let text = loop {
            let snapshot = watch.changed().await.unwrap();
            match snapshot.trust() {
                Trust::Stale { why, .. } => break why.to_string(),
                trust => assert_eq!(*trust, Trust::Waiting, "{url} was let in"),
            }
        };
        assert!(text.contains(why), "{url}: {text}");
    }
}

/// Writes an authority, etcd's certificate, a client's, and an authority that nobody trusts.
fn certificates(folder: &Path) {
    let write = |name: &str, text: String| fs::write(folder.join(name), text).unwrap();
    let authority = || {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    };
    let ca = authority();
    write("ca.pem", ca.pem());
    write("other.pem", authority().pem());
    for name in ["server", "client"] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["127.0.0.1".to_owned(), "etcd.test".to_owned()]).unwrap();
        // etcd's own gateway uses the server's certificate as a client.
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        write(&format!("{name}.pem"), params.signed_by(&key, &ca).unwrap().pem());
        write(&format!("{name}.key"), key.serialize_pem());
    }
}
