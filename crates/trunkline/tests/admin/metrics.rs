use std::collections::BTreeSet;
use std::time::Duration;

use prometheus_client::registry::Registry;
use trunkline::Client;
use trunkline::admin::{Admin, RunningAdmin};
use trunkline::client::{Breaker, Retries};
use trunkline::middleware::Metrics;

use crate::get::get;
use crate::program::{eventually, program};

/// The samples of the page.
async fn samples(admin: &RunningAdmin) -> Vec<String> {
    let answered = get(admin, "/metrics").await;
    assert_eq!(answered.status, 200);
    assert!(answered.head.contains("application/openmetrics-text; version=1.0.0"), "{}", answered.head);
    assert!(answered.body.ends_with("# EOF\n"), "{}", answered.body);
    answered.body.lines().map(str::to_owned).collect()
}

async fn until_sample(admin: &RunningAdmin, wanted: &str) {
    eventually(wanted, async || {
        let found = samples(admin).await;
        found.iter().any(|line| line == wanted)
    })
    .await;
}

#[tokio::test]
async fn names_types_and_labels_are_as_documented() {
    let mut registry = Registry::default();
    let metrics = Metrics::new(&mut registry);
    let program = program(Client::builder().layer(metrics)).await;
    let admin = Admin::new().server(program.server.handle()).client("math", &program.client);
    let admin = admin.metrics(registry).bind("127.0.0.1:0").await.unwrap();
    program.client.service("Math").call::<_, i64>("Neg", &1).await.unwrap();

    let address = program.server.address();
    let registered = |n: u8| {
        format!(r#"trunkline_server_registered{{service="Math",address="{address}",registry="memory"}} {n}"#)
    };
    for line in [
        "# TYPE trunkline_server_registered gauge",
        &registered(1),
        "# TYPE trunkline_client_instances gauge",
        r#"trunkline_client_instances{client="math",service="Math",state="ok"} 1"#,
        "# TYPE trunkline_client_registry_stale_seconds gauge",
        "# UNIT trunkline_client_registry_stale_seconds seconds",
        r#"trunkline_client_registry_stale_seconds{client="math",service="Math"} 0.0"#,
        "# TYPE trunkline_client_retries counter",
        r#"trunkline_client_retries_total{client="math",service="Math"} 0"#,
        "# TYPE trunkline_client_breaker_changes counter",
        r#"trunkline_client_breaker_changes_total{client="math",to="open"} 0"#,
        r#"trunkline_client_breaker_changes_total{client="math",to="closed"} 0"#,
        // Those of the middleware beside them.
        r#"trunkline_client_calls_total{service="Math",method="Neg",kind="ok"} 1"#,
    ] {
        until_sample(&admin, line).await;
    }
    let types = |line: &String| Some(line.strip_prefix("# TYPE ")?.split(' ').next()?.to_owned());
    let names: BTreeSet<_> = samples(&admin).await.iter().filter_map(types).collect();
    let own: Vec<_> = names.iter().filter(|name| !name.contains("_call")).collect();
    assert_eq!(own.len(), 5, "a metric that is not documented: {own:?}");

    // What an operator says is another state.
    let catalog = program.registry.catalog().unwrap();
    let entry = catalog.instances("Math").await.unwrap().remove(0);
    let mut attributes = entry.instance.attributes().clone();
    attributes.set("state", "inactive");
    catalog.edit("Math", entry.instance.address(), &attributes, &entry.version).await.unwrap();
    until_sample(&admin, r#"trunkline_client_instances{client="math",service="Math",state="inactive"} 1"#)
        .await;
    until_sample(&admin, r#"trunkline_client_instances{client="math",service="Math",state="ok"} 0"#).await;

    // The registry is gone.
    program.memory.faults().stop();
    eventually("the list grows old", async || {
        let samples = samples(&admin).await;
        let name = r#"trunkline_client_registry_stale_seconds{client="math",service="Math"} "#;
        let value = samples.iter().find_map(|line| line.strip_prefix(name)?.parse::<f64>().ok());
        value.unwrap() > 0.0
    })
    .await;
    program.server.handle().stop();
    until_sample(&admin, &registered(0)).await;
}

#[tokio::test]
async fn breakers_and_retries_are_counted() {
    let builder = Client::builder()
        .breaker(Breaker::consecutive(3).pause(Duration::from_millis(20)))
        .retries(Retries::new(2).pause(Duration::from_millis(1), Duration::from_millis(1)));
    let program = program(builder).await;
    let admin = Admin::new().client("math", &program.client).bind("127.0.0.1:0").await.unwrap();
    let math = program.client.service("Math");
    math.call::<_, ()>("Break", &()).idempotent(true).await.unwrap_err();
    until_sample(&admin, r#"trunkline_client_retries_total{client="math",service="Math"} 2"#).await;
    until_sample(&admin, r#"trunkline_client_breaker_changes_total{client="math",to="open"} 1"#).await;
    eventually("the breaker is closed again", async || math.call::<_, i64>("Neg", &1).await.is_ok()).await;
    until_sample(&admin, r#"trunkline_client_breaker_changes_total{client="math",to="closed"} 1"#).await;
    program.server.stop().await;
}

#[tokio::test]
async fn services_without_number_make_no_labels_without_number() {
    let program = program(Client::builder()).await;
    for service in 0..520 {
        program.client.watch(&format!("S{service:03}"));
    }
    let admin = Admin::new().client("proxy", &program.client).bind("127.0.0.1:0").await.unwrap();
    let samples = samples(&admin).await;
    let of = |name: &str| samples.iter().filter(|line| line.starts_with(name)).count();
    assert_eq!(of("trunkline_client_retries_total{"), 501);
    assert_eq!(of(r#"trunkline_client_retries_total{client="proxy",service="unknown"}"#), 1);
    program.server.stop().await;
}
