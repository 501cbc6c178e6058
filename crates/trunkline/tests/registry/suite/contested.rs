//! More than one process and one address: a restart in place, and a mistake.

use tokio::time::sleep;

use super::{Subject, Witness, edit, register, soon, until, until_held, until_list, watch};

pub(crate) async fn two_processes_with_one_address(subject: &impl Subject) {
    for (first_says, second_says) in [("weight=3", "weight=3"), ("weight=3", "weight=4")] {
        let (first, second, client) = (subject.open(), subject.open(), subject.open());
        let older = register(&first, "Arith", &format!("tcp@10.0.0.1:1?{first_says}")).await;
        let mut watch = watch(&client, "Arith");
        until(&mut watch, soon(subject), |s| s.instances().len() == 1).await;
        let witness = Witness::of(&client, "Arith");
        let newer = register(&second, "Arith", &format!("tcp@10.0.0.1:1?{second_says}")).await;

        // They come to terms, and then nobody writes any more.
        let check = subject.settings().check;
        sleep(check * 4).await;
        let catalog = client.catalog().unwrap();
        let settled = catalog.instances("Arith").await.unwrap();
        sleep(check * 6).await;
        assert_eq!(catalog.instances("Arith").await.unwrap(), settled, "they fight for the entry");

        // The older one goes, and the newer one is still there.
        older.close().await.unwrap();
        until_held(&*catalog, "Arith", soon(subject), |held| held.len() == 1).await;
        sleep(subject.settings().ttl * 2).await;
        assert_eq!(catalog.instances("Arith").await.unwrap().len(), 1);
        assert_eq!(watch.current().instances().len(), 1);
        newer.close().await.unwrap();
        until_held(&*catalog, "Arith", soon(subject), |held| held.is_empty()).await;
        drop(witness);
    }
}

pub(crate) async fn an_operators_state_outlives_a_restart_and_not_a_stop(subject: &impl Subject) {
    let client = subject.open();
    let before = subject.open();
    let killed = register(&before, "Arith", "tcp@10.0.0.1:1?weight=3&version=1").await;
    edit(&client, "Arith", |attributes| {
        attributes.set("state", "inactive");
        attributes.set("weight", "9");
    })
    .await;

    // The process is killed and started again while its entry stands there still.
    let after = subject.open();
    let registration = register(&after, "Arith", "tcp@10.0.0.1:1?weight=3&version=2").await;
    let mut watch = watch(&client, "Arith");
    let kept = "tcp@10.0.0.1:1?state=inactive&version=2&weight=3";
    until_list(&mut watch, soon(subject), &[kept]).await;
    drop(killed);
    sleep(subject.settings().check * 3).await;
    let catalog = client.catalog().unwrap();
    let held = catalog.instances("Arith").await.unwrap();
    assert_eq!(held[0].instance.to_string(), kept);

    // It is stopped in order: its entry goes, and with it the state.
    registration.close().await.unwrap();
    until_held(&*catalog, "Arith", soon(subject), |held| held.is_empty()).await;
    let _again = register(&after, "Arith", "tcp@10.0.0.1:1?weight=3&version=3").await;
    let held = catalog.instances("Arith").await.unwrap();
    assert_eq!(held[0].instance.to_string(), "tcp@10.0.0.1:1?weight=3&version=3");
}
