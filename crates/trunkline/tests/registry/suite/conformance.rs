//! What a registry does on a good day.

use std::time::Duration;

use trunkline::registry::{Attributes, Registration, Registry, Swap};

use super::{Subject, edit, instance, late, soon, texts, until, until_held, until_list, watch};

/// Registers and waits until it is done.
pub(crate) async fn register(registry: &Registry, service: &str, text: &str) -> Registration {
    let registration = registry.registrar().unwrap().register(service, instance(text)).unwrap();
    tokio::time::timeout(Duration::from_secs(30), registration.registered())
        .await
        .unwrap_or_else(|_| panic!("{registration:?}"))
        .unwrap();
    registration
}

pub(crate) async fn a_registered_instance_is_seen_until_it_is_withdrawn(subject: &impl Subject) {
    let (server, client) = (subject.open(), subject.open());
    let mut watch = watch(&client, "Arith");
    let first = register(&server, "Arith", "tcp@10.0.0.1:1?weight=3").await;
    let second = register(&server, "Arith", "tcp@10.0.0.2:1").await;
    until_list(&mut watch, soon(subject), &["tcp@10.0.0.1:1?weight=3", "tcp@10.0.0.2:1"]).await;

    first.close().await.unwrap();
    until_list(&mut watch, late(subject), &["tcp@10.0.0.2:1"]).await;
    let catalog = client.catalog().unwrap();
    assert_eq!(catalog.instances("Arith").await.unwrap().len(), 1);
    assert!(catalog.services().await.unwrap().contains(&"Arith".to_owned()));

    // Closing again says what it said before.
    first.close().await.unwrap();
    drop(second);
    until_held(&*catalog, "Arith", soon(subject), |held| held.is_empty()).await;
}

pub(crate) async fn edits_are_seen_and_kept(subject: &impl Subject) {
    let (server, client) = (subject.open(), subject.open());
    let _registration = register(&server, "Arith", "tcp@10.0.0.1:1?weight=3").await;
    let mut watch = watch(&client, "Arith");
    until(&mut watch, soon(subject), |s| !s.instances().is_empty()).await;
    edit(&client, "Arith", |attributes| {
        attributes.set("state", "inactive");
        attributes.set("note", "by hand");
    })
    .await;
    let edited = ["tcp@10.0.0.1:1?note=by+hand&state=inactive&weight=3"];
    until_list(&mut watch, soon(subject), &edited).await;
    assert!(!watch.current().instances()[0].is_active());

    tokio::time::sleep(subject.settings().check * 3).await;
    assert_eq!(texts(&watch.current()), edited, "it was not overwritten");
}

pub(crate) async fn an_edit_while_the_entry_is_read_back_is_never_lost(subject: &impl Subject) {
    let mut settings = subject.settings();
    settings.check = Duration::from_millis(5);
    let (server, client) = (subject.open_with(settings), subject.open());
    let _registration = register(&server, "Arith", "tcp@10.0.0.1:1").await;
    let catalog = client.catalog().unwrap();
    for round in 0..40 {
        edit(&client, "Arith", |attributes| attributes.set("round", round.to_string())).await;
        if round % 10 == 0 {
            subject.expire_sessions().await;
            until_held(&*catalog, "Arith", soon(subject), |held| !held.is_empty()).await;
        }
        tokio::time::sleep(Duration::from_millis(7)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let held = catalog.instances("Arith").await.unwrap();
    assert_eq!(held[0].instance.attributes().get("round"), Some("39"));
}

pub(crate) async fn a_deleted_entry_is_put_back(subject: &impl Subject) {
    let (server, client) = (subject.open(), subject.open());
    let _registration = register(&server, "Arith", "tcp@10.0.0.1:1?weight=3").await;
    edit(&client, "Arith", |attributes| attributes.set("weight", "9")).await;
    // The edit is known by the next read-back at the latest.
    tokio::time::sleep(subject.settings().check * 2).await;

    let catalog = client.catalog().unwrap();
    let entry = catalog.instances("Arith").await.unwrap().remove(0);
    let removed = catalog.remove("Arith", entry.instance.address(), &entry.version).await.unwrap();
    assert_eq!(removed, Swap::Done);
    until_held(&*catalog, "Arith", soon(subject), |held| {
        held.iter().any(|entry| entry.instance.to_string() == "tcp@10.0.0.1:1?weight=9")
    })
    .await;
}

pub(crate) async fn services_are_told_apart(subject: &impl Subject) {
    let (server, client) = (subject.open(), subject.open());
    let _registrations = [
        register(&server, "Arith", "tcp@10.0.0.1:1").await,
        register(&server, "ArithX", "tcp@10.0.0.2:1").await,
        register(&server, "Ari", "tcp@10.0.0.3:1").await,
    ];
    for (service, list) in
        [("Arith", "tcp@10.0.0.1:1"), ("ArithX", "tcp@10.0.0.2:1"), ("Ari", "tcp@10.0.0.3:1")]
    {
        until_list(&mut watch(&client, service), soon(subject), &[list]).await;
    }
    let mut services = client.catalog().unwrap().services().await.unwrap();
    services.sort();
    assert_eq!(services, ["Ari", "Arith", "ArithX"]);
}

pub(crate) async fn names_that_mean_something_elsewhere_are_just_names(subject: &impl Subject) {
    let (server, client) = (subject.open(), subject.open());
    for service in ["a%b", "a%2Fb", "*", "[ab]", "?", "a b", "上海", "..", ".", "a\\b", "a:b", "a=b&c", "'\""]
    {
        let registration = register(&server, service, "tcp@10.0.0.1:1?weight=3").await;
        let _other = register(&server, "another", "tcp@10.0.0.2:1").await;
        until_list(&mut watch(&client, service), soon(subject), &["tcp@10.0.0.1:1?weight=3"]).await;
        registration.close().await.unwrap();
        assert!(client.catalog().unwrap().instances(service).await.unwrap().is_empty(), "{service}");
    }
    for service in ["", " ", "a/b", "/"] {
        let error = server.registrar().unwrap().register(service, instance("tcp@10.0.0.1:1")).unwrap_err();
        assert!(error.to_string().contains("service name"), "{error}");
        assert!(watch(&client, service).current().instances().is_empty());
    }
}

pub(crate) async fn junk_beside_the_entries_is_left_out(subject: &impl Subject) {
    let (server, client) = (subject.open(), subject.open());
    subject.junk("Arith").await;
    let _registration = register(&server, "Arith", "tcp@10.0.0.1:1").await;
    until_list(&mut watch(&client, "Arith"), soon(subject), &["tcp@10.0.0.1:1"]).await;
    let mut watch = watch(&client, "Arith");
    subject.junk("Arith").await;
    let _another = register(&server, "Arith", "tcp@10.0.0.2:1").await;
    until_list(&mut watch, soon(subject), &["tcp@10.0.0.1:1", "tcp@10.0.0.2:1"]).await;
    assert_eq!(client.catalog().unwrap().instances("Arith").await.unwrap().len(), 2);
}

pub(crate) async fn attributes_are_kept_to_the_byte(subject: &impl Subject) {
    let (server, client) = (subject.open(), subject.open());
    for (n, text) in
        ["", "b=2&a=1&b=1", "flag", "note=a+b%20c&u=http://h:1/p?q=1", "名=上海&%e4=%zz"].iter().enumerate()
    {
        let service = format!("Arith{n}");
        let _registration = register(&server, &service, &format!("tcp@10.0.0.1:1?{text}")).await;
        let held = client.catalog().unwrap().instances(&service).await.unwrap();
        assert_eq!(held[0].instance.attributes().text(), *text);
    }
}

pub(crate) async fn what_does_not_parse_spoils_nothing_else(subject: &impl Subject) {
    let (server, client) = (subject.open(), subject.open());
    let large = format!("tcp@10.0.0.3:1?note={}", "x".repeat(200_000));
    let _registrations = [
        register(&server, "Arith", "tcp@10.0.0.1:1?state=inactive&x=%zz").await,
        register(&server, "Arith", "tcp@10.0.0.2:1?weight=heavy&latitude=north").await,
        register(&server, "Arith", &large).await,
    ];
    let mut watch = watch(&client, "Arith");
    let snapshot = until(&mut watch, soon(subject), |s| s.instances().len() == 3).await;
    assert!(!snapshot.instances()[0].is_active());
    assert_eq!((snapshot.instances()[1].weight(), snapshot.instances()[1].position()), (1, None));
    assert_eq!(snapshot.instances()[2].to_string(), large);
}

pub(crate) async fn two_hundred_servers_at_once(subject: &impl Subject) {
    let client = subject.open();
    let mut watch = watch(&client, "Arith");
    let servers: Vec<Registry> = (0..200).map(|_| subject.open()).collect();
    let mut registrations: Vec<_> = servers
        .iter()
        .enumerate()
        .map(|(n, server)| {
            let instance = instance(&format!("tcp@10.0.{}.{}:1", n / 100, n % 100));
            server.registrar().unwrap().register("Arith", instance).unwrap()
        })
        .collect();
    until(&mut watch, late(subject), |s| s.instances().len() == 200).await;
    let staying = registrations.split_off(100);
    for leaving in registrations {
        leaving.close().await.unwrap();
    }
    until(&mut watch, late(subject), |s| s.instances().len() == 100).await;
    drop(staying);
}

pub(crate) async fn the_catalog_compares_before_it_swaps(subject: &impl Subject) {
    let (server, client) = (subject.open(), subject.open());
    let _registration = register(&server, "Arith", "tcp@10.0.0.1:1").await;
    let catalog = client.catalog().unwrap();
    let before = catalog.instances("Arith").await.unwrap().remove(0);
    let address = before.instance.address();
    edit(&client, "Arith", |attributes| attributes.set("weight", "2")).await;
    let edited = catalog.edit("Arith", address, &Attributes::parse("weight=3"), &before.version).await;
    assert_eq!(edited.unwrap(), Swap::Conflict);
    assert_eq!(catalog.remove("Arith", address, &before.version).await.unwrap(), Swap::Conflict);
    let after = catalog.instances("Arith").await.unwrap().remove(0);
    assert_eq!(after.instance.attributes().text(), "weight=2");
    assert_eq!(after.owner, before.owner, "an edit changes neither whose it is nor how long it lives");
    assert!(catalog.instances("Nobody").await.unwrap().is_empty());
}

pub(crate) async fn changes_from_the_first_moment_are_seen(subject: &impl Subject) {
    let server = subject.open();
    let _registration = register(&server, "Arith", "tcp@10.0.0.1:1").await;
    for round in 0..30 {
        // What changes while the list is being read is in the list or follows it.
        let client = subject.open();
        let mut watch = watch(&client, "Arith");
        let round = round.to_string();
        edit(&server, "Arith", |attributes| attributes.set("round", &*round)).await;
        until(&mut watch, soon(subject), |s| {
            s.instances().first().and_then(|i| i.attributes().get("round")) == Some(&round)
        })
        .await;
    }
}
