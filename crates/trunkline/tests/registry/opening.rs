//! What a text opens, and what it is told when it opens nothing.

use trunkline::registry::{Registry, registrar, resolver};

fn refused(text: &str) -> String {
    Registry::open(text).expect_err("it opens nothing").to_string()
}

#[test]
fn a_text_that_opens_nothing_is_told_why() {
    for (text, why) in [
        ("gopher://h/base", "no registry has the scheme `gopher`"),
        ("zookeeper://h/base", "are not part of this version"),
        ("://h", "begins with a scheme"),
        ("", "list of addresses is empty"),
        ("tcp@h", "port is missing"),
    ] {
        assert!(refused(text).contains(why), "{text}: {}", refused(text));
    }
    let error = registrar("tcp@10.0.0.1:8972").unwrap_err().to_string();
    assert!(error.contains("nothing can be registered there"), "{error}");
}

#[test]
fn a_password_is_in_no_error() {
    for text in ["gopher://me:hush@h/base", "zookeeper://me:hush@h/base?token=hush", "consul://me:hush@h"] {
        let error = Registry::open(text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
    }
}

#[test]
fn a_list_is_the_list_of_every_service() {
    let resolver = resolver("tcp@h1:1?weight=7&group=a,h2:2").unwrap();
    let snapshot = resolver.watch("Arith").current();
    assert_eq!(crate::suite::texts(&snapshot), ["tcp@h1:1?weight=7&group=a", "tcp@h2:2"]);
    assert_eq!(resolver.describe(), "tcp@h1:1,tcp@h2:2");
}
