use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use trunkline::middleware::{Alias, Auth, Metrics};
use trunkline::{Client, testing};

use crate::sample;

fn text(registry: &Registry) -> String {
    let mut text = String::new();
    encode(&mut text, registry).unwrap();
    text
}

/// The lines of one metric, but for buckets.
fn lines(registry: &Registry, name: &str) -> Vec<String> {
    let wanted = |line: &&str| line.starts_with(name) && !line.contains("_bucket");
    let mut lines: Vec<_> = text(registry).lines().filter(wanted).map(str::to_owned).collect();
    lines.sort();
    lines
}

#[tokio::test(start_paused = true)]
async fn names_types_and_labels_are_as_documented() {
    let mut registry = Registry::default();
    let metrics = Metrics::new(&mut registry);
    let (client, running) = testing::connected_with(
        sample::server().layer(metrics.clone()),
        Client::builder().layer(metrics.clone()),
    )
    .await
    .unwrap();
    client.service("Math").call::<_, u64>("Sleep", &1).await.unwrap();
    let text = text(&registry);
    for side in ["server", "client"] {
        let labels = r#"service="Math",method="Sleep""#;
        for line in [
            format!("# TYPE trunkline_{side}_calls counter"),
            format!("trunkline_{side}_calls_total{{{labels},kind=\"ok\"}} 1"),
            format!("# TYPE trunkline_{side}_call_duration_seconds histogram"),
            format!("# UNIT trunkline_{side}_call_duration_seconds seconds"),
            format!("trunkline_{side}_call_duration_seconds_count{{{labels}}} 1"),
            format!("trunkline_{side}_call_duration_seconds_bucket{{le=\"0.0001\",{labels}}} 0"),
            format!("trunkline_{side}_call_duration_seconds_bucket{{le=\"10.0\",{labels}}} 1"),
            format!("# TYPE trunkline_{side}_calls_in_flight gauge"),
            format!("trunkline_{side}_calls_in_flight 0"),
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
    let names: std::collections::BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(names.len(), 6, "a metric that is not documented: {names:?}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn calls_count_by_how_they_ended() {
    let mut registry = Registry::default();
    let (client, running) =
        testing::connected(sample::server().layer(Metrics::new(&mut registry))).await.unwrap();
    let math = client.service("Math");
    for _ in 0..3 {
        math.call::<_, i64>("Neg", &5).await.unwrap();
    }
    math.call::<_, ()>("Fail", "no").await.unwrap_err();
    math.call::<_, i64>("Neg", "no number").await.unwrap_err();
    assert_eq!(
        lines(&registry, "trunkline_server_calls_total"),
        [
            r#"trunkline_server_calls_total{service="Math",method="Fail",kind="application"} 1"#,
            r#"trunkline_server_calls_total{service="Math",method="Fail",kind="ok"} 0"#,
            r#"trunkline_server_calls_total{service="Math",method="Neg",kind="invalid"} 1"#,
            r#"trunkline_server_calls_total{service="Math",method="Neg",kind="ok"} 3"#,
        ]
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn calls_under_way_are_seen_and_those_given_up_are_counted() {
    let mut registry = Registry::default();
    let metrics = Metrics::new(&mut registry);
    let (client, running) = testing::connected_with(
        sample::server().layer(metrics.clone()),
        Client::builder().layer(metrics.clone()),
    )
    .await
    .unwrap();
    let math = client.service("Math");
    {
        let mut call = Box::pin(async { math.call::<_, u64>("Sleep", &60_000).await });
        assert!(tokio::time::timeout(Duration::from_secs(1), &mut call).await.is_err());
        assert_eq!(
            lines(&registry, "trunkline_server_calls_in_flight"),
            ["trunkline_server_calls_in_flight 1"]
        );
        assert_eq!(
            lines(&registry, "trunkline_client_calls_in_flight"),
            ["trunkline_client_calls_in_flight 1"]
        );
    }
    let ended = |side: &str, kind: &str, count: u64| {
        let line =
            format!(r#"trunkline_{side}_calls_total{{service="Math",method="Sleep",kind="{kind}"}} {count}"#);
        assert!(text(&registry).contains(&line), "{line} is not in\n{}", text(&registry));
    };
    ended("client", "cancelled", 1);
    // The server goes on until the caller's time is up, 10 s by default.
    tokio::time::sleep(Duration::from_secs(10)).await;
    ended("server", "deadline", 1);
    for side in ["server", "client"] {
        let name = format!("trunkline_{side}_calls_in_flight");
        assert_eq!(lines(&registry, &name), [format!("{name} 0")]);
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_cannot_make_labels_grow() {
    let mut registry = Registry::default();
    let metrics = Metrics::new(&mut registry);
    let server = sample::server()
        .layer(metrics.clone())
        .layer(Auth::bearer(|token: &str| token == "s3cret").keep_open());
    let client = Client::builder().layer(metrics);
    let (client, running) = testing::connected_with(server, client).await.unwrap();
    for n in 0..50 {
        let name = format!("Made{n}");
        let service = client.service(&name);
        // Refused before it is known that there is no such service, and after.
        service.call::<_, i64>("Up", &5).await.unwrap_err();
        service.call::<_, i64>("Up", &5).metadata("__AUTH", "s3cret").await.unwrap_err();
    }
    let seen = lines(&registry, "trunkline_server_calls_total");
    assert_eq!(
        seen,
        [
            r#"trunkline_server_calls_total{service="unknown",method="unknown",kind="not_found"} 50"#,
            r#"trunkline_server_calls_total{service="unknown",method="unknown",kind="ok"} 0"#,
            r#"trunkline_server_calls_total{service="unknown",method="unknown",kind="unauthenticated"} 50"#,
        ]
    );
    let seen = lines(&registry, "trunkline_client_calls_total");
    let unknown = r#"trunkline_client_calls_total{service="unknown",method="unknown",kind="not_found"} 50"#;
    assert!(seen.contains(&unknown.to_owned()), "{seen:?}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn further_methods_share_a_label_once_there_are_as_many_as_may_be() {
    let mut registry = Registry::default();
    let metrics = Metrics::new(&mut registry).most_methods(1);
    let client = testing::direct_with(sample::server(), Client::builder().layer(metrics));
    for _ in 0..2 {
        client.service("Math").call::<_, i64>("Neg", &5).await.unwrap();
        client.service("Math").call::<_, u64>("Sleep", &1).await.unwrap();
    }
    assert_eq!(
        lines(&registry, "trunkline_client_calls_total"),
        [
            r#"trunkline_client_calls_total{service="Math",method="Neg",kind="ok"} 2"#,
            r#"trunkline_client_calls_total{service="unknown",method="unknown",kind="ok"} 2"#,
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn behind_an_alias_the_real_names_count() {
    let mut registry = Registry::default();
    let alias = Alias::new().add(("Numbers", "Negate"), ("Math", "Neg"));
    let server = sample::server().layer(alias).layer(Metrics::new(&mut registry));
    let client = testing::direct(server);
    client.service("Numbers").call::<_, i64>("Negate", &5).await.unwrap();
    assert_eq!(
        lines(&registry, "trunkline_server_calls_total"),
        [r#"trunkline_server_calls_total{service="Math",method="Neg",kind="ok"} 1"#]
    );
}
