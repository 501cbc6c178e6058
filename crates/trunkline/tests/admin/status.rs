use std::time::Duration;

use serde_json::json;
use trunkline::admin::Admin;
use trunkline::config::{ClientConfig, ServerConfig};
use trunkline::{Client, testing};

use crate::get::{get, json};
use crate::program::{eventually, math, program};

#[tokio::test]
async fn a_server_and_a_client_are_shown_in_full() {
    let program = program(Client::builder().timeout(Duration::from_secs(7))).await;
    let admin = Admin::new().server(program.server.handle()).client("math", &program.client);
    let admin = admin.requires("math", "Math").bind("127.0.0.1:0").await.unwrap();
    program.client.ready_for("Math").await;
    program.client.service("Math").call::<_, i64>("Neg", &1).await.unwrap();

    let page = json(&admin, "/status").await;
    assert_eq!((&page["ready"], &page["why_not_ready"]), (&json!(true), &json!([])));
    let (address, server) = (program.server.address(), &page["servers"][0]);
    assert_eq!((&server["addresses"], &server["advertised"]), (&json!([address]), &json!([address])));
    assert_eq!(server["services"][0]["service"], "Math");
    let methods = server["services"][0]["methods"].as_array().unwrap();
    let names: Vec<_> = methods.iter().map(|method| method["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Break", "Neg"]);
    assert_eq!(methods[1]["args"], "i64");
    let registration = &server["registrations"][0];
    assert_eq!((&registration["service"], &registration["state"]), (&json!("Math"), &json!("registered")));
    assert_eq!((&registration["registry"], &registration["address"]), (&json!("memory"), &json!(address)));
    assert_eq!(registration["attributes"], "weight=3&group=a");
    assert_eq!((&server["connections"], &server["stopping"]), (&json!(1), &json!(false)));
    for count in ["in_flight", "waiting", "held_bytes"] {
        assert_eq!(server[count], 0, "{count}");
    }

    let client = &page["clients"]["math"];
    assert_eq!((&client["source"], &client["balancer"]), (&json!("memory"), &json!("p2c")));
    let service = &client["services"][0];
    assert_eq!((&service["service"], &service["list"]["state"]), (&json!("Math"), &json!("fresh")));
    let instance = &service["instances"][0];
    for (key, expected) in [
        ("address", json!(address)),
        ("attributes", json!("weight=3&group=a")),
        ("weight", json!(3)),
        ("excluded", json!(null)),
        ("connections", json!(1)),
        ("in_flight", json!(0)),
        ("succeeded", json!(1)),
        ("failed", json!(0)),
        ("breaker", json!("closed")),
    ] {
        assert_eq!(instance[key], expected, "{key}");
    }

    // The configuration can be read as a file.
    let effective: ServerConfig = serde_json::from_value(server["config"].clone()).unwrap();
    assert_eq!(effective.grace, Some(Duration::from_millis(300)));
    assert_eq!(effective.limits.unwrap().connections, Some(10_000));
    assert_eq!(effective.attributes.as_deref(), Some("weight=3&group=a"));
    let effective: ClientConfig = serde_json::from_value(client["config"].clone()).unwrap();
    assert_eq!(effective.timeout, Some(Duration::from_secs(7)));
    let again = Client::builder().config(&effective).connect("tcp@127.0.0.1:1").await.unwrap();
    assert_eq!(again.status().unwrap().config, effective);
    program.server.stop().await;
}

#[tokio::test]
async fn instances_that_get_no_calls_say_why() {
    let list = "tcp@127.0.0.1:1?group=a,tcp@127.0.0.1:2?state=inactive,tcp@127.0.0.1:3?group=b";
    let client = Client::builder().group("a").connect(list).await.unwrap();
    let admin = Admin::new().client("list", &client).bind("127.0.0.1:0").await.unwrap();
    let page = json(&admin, "/status").await;
    let instances = page["clients"]["list"]["services"][0]["instances"].as_array().unwrap().clone();
    let excluded: Vec<_> = instances.iter().map(|i| i["excluded"].as_str().unwrap_or("none")).collect();
    assert_eq!(excluded[1..], ["inactive", "in another group"]);

    // One that cannot be reached.
    let client = Client::connect("tcp@127.0.0.1:1").await.unwrap();
    let admin =
        Admin::new().client("one", &client).requires("one", "Math").bind("127.0.0.1:0").await.unwrap();
    eventually("it is down", async || {
        let page = json(&admin, "/status").await;
        let why = page["clients"]["one"]["services"][0]["instances"][0]["excluded"].clone();
        why.as_str().is_some_and(|why| why.starts_with("down: "))
    })
    .await;
    let answered = get(&admin, "/readyz").await;
    assert!(answered.body.contains("`Math` to call: 1 listed, tcp@127.0.0.1:1 (down: "), "{}", answered.body);
}

/// With a registry that is not there: its errors are shown, too.
#[cfg(feature = "etcd")]
#[tokio::test]
async fn no_page_shows_a_password() {
    let url = "etcd://me:hush@127.0.0.1:1/base?loopback";
    let server = math().register(url).bind("tcp@127.0.0.1:0").await.unwrap().spawn();
    let client = Client::connect(url).await.unwrap();
    let admin = Admin::new().server(server.handle()).client("math", &client).requires("math", "Math");
    let admin = admin.bind("127.0.0.1:0").await.unwrap();
    eventually("the error is shown", async || {
        let page = json(&admin, "/status").await;
        page["servers"][0]["registrations"][0]["why"].is_string()
    })
    .await;
    for path in ["/status", "/metrics", "/readyz"] {
        let body = get(&admin, path).await.body;
        assert!(body.contains("etcd://me:***@127.0.0.1:1/base") || path == "/metrics", "{body}");
        assert!(!body.contains("hush"), "{path}: {body}");
    }
    assert!(!format!("{:?} {:?}", server.handle().status(), client.status()).contains("hush"));
    drop(server);
}

#[tokio::test]
async fn a_client_without_a_network_has_nothing_to_show() {
    let client = testing::direct(math());
    assert!(client.status().is_none());
    let admin = Admin::new().client("direct", &client).bind("127.0.0.1:0").await.unwrap();
    assert_eq!(json(&admin, "/status").await["clients"]["direct"], json!(null));
    assert_eq!(get(&admin, "/metrics").await.body, "# EOF\n");
}
