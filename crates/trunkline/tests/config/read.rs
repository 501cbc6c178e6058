use std::time::Duration;

use trunkline::config::{ClientConfig, ServerConfig, Switch};

#[test]
fn every_key_is_read_and_written() {
    let text = r#"{
        "timeout": "1.5s", "connect_timeout": "3s", "heartbeat": "off", "heartbeat_timeout": "200ms",
        "connections": 2, "in_flight": 64, "compress": "gzip",
        "backoff": { "first": "10ms", "most": "1m" },
        "budget": 1000000, "frame": 1024, "metadata": 512, "inflated": 4096,
        "methods": { "Arith.Mul": { "timeout": "50ms", "idempotent": true }, "a.b.C": {} },
        "tls": { "ca": "a", "certificate": "b", "key": "c", "server_name": "d", "insecure_skip_verify": false }
    }"#;
    let config: ClientConfig = serde_json::from_str(text).unwrap();
    assert_eq!(config.timeout, Some(Duration::from_millis(1500)));
    assert_eq!(config.heartbeat, Some(Switch::Off));
    let methods = config.methods.clone().unwrap();
    assert_eq!(methods["Arith.Mul"].timeout, Some(Duration::from_millis(50)));
    assert_eq!(methods["Arith.Mul"].idempotent, Some(true));
    let written = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<ClientConfig>(&written).unwrap(), config);
    let asked: serde_json::Value = serde_json::from_str(text).unwrap();
    let told: serde_json::Value = serde_json::from_str(&written).unwrap();
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&asked), keys(&told));
    assert_eq!(asked["tls"], told["tls"]);

    let text = r#"{
        "register": ["etcd://me:hush@h/base", "mdns://"], "advertise": "10.0.0.5", "advertise_from": "10.0.0.0/8",
        "attributes": "weight=3", "service_attributes": { "Math": "weight=7" }, "ready_when": "anywhere",
        "grace": "1s", "drain": "1m", "run_to_completion": true, "budget": 1000000,
        "limits": {
            "frame": 1024, "metadata": 512, "inflated": 4096, "connections": 10,
            "in_flight_per_connection": 20, "in_flight": 30, "queue_per_connection": 0,
            "queue_wait": "0", "unwritten_per_connection": 40, "idle": "5m",
            "read_stall": "6s", "write_stall": "7s"
        },
        "tls": { "certificate": "a", "key": "b", "client_ca": "c", "client_certificate_optional": true }
    }"#;
    let config: ServerConfig = serde_json::from_str(text).unwrap();
    let limits = config.limits.clone().unwrap();
    assert_eq!(limits.idle, Some(Switch::On(Duration::from_secs(300))));
    assert_eq!(limits.queue_wait, Some(Duration::ZERO));
    let written = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<ServerConfig>(&written).unwrap(), config);
    assert!(!format!("{config:?}").contains("hush"), "{config:?}");
    let told: serde_json::Value = serde_json::from_str(&written).unwrap();
    let asked: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(keys(&asked), keys(&told));
    assert_eq!((&told["register"], &told["advertise"]), (&asked["register"], &asked["advertise"]));
    assert_eq!(told["limits"].as_object().unwrap().len(), 12);
    assert_eq!(told["tls"].as_object().unwrap().len(), 4);
}

#[test]
fn what_is_not_there_is_not_set() {
    assert_eq!(serde_json::from_str::<ClientConfig>("{}").unwrap(), ClientConfig::default());
    assert_eq!(serde_json::from_str::<ServerConfig>(r#"{"limits":null}"#).unwrap(), ServerConfig::default());
    assert_eq!(serde_json::to_string(&ServerConfig::default()).unwrap(), "{}");
}

#[test]
fn errors_begin_with_the_key() {
    for (text, begins) in [
        (r#"{"timeot":"1s"}"#, "timeot: there is no such key; there are timeout, connect_timeout, "),
        (r#"{"timeout":"1s","timeout":"2s"}"#, "timeout: it is there twice"),
        (r#"{"timeout":"5 parsecs"}"#, "timeout: `5 parsecs` is no duration: the unit `parsecs` is unknown"),
        (r#"{"timeout":5}"#, "timeout: invalid type: integer `5`, expected a duration as text, such as"),
        (r#"{"timeout":"5"}"#, "timeout: `5` is no duration: `5` has no unit"),
        (r#"{"heartbeat":"never"}"#, "heartbeat: `never` is no duration: "),
        (r#"{"connections":-1}"#, "connections: invalid value: integer `-1`, expected usize"),
        (r#"{"backoff":{"first":true}}"#, "backoff.first: invalid type: boolean `true`"),
        (r#"{"tls":{"cert":"a"}}"#, "tls.cert: there is no such key; there are ca, certificate, key, "),
        (r#"{"backoff":{"last":"1s"}}"#, "backoff.last: there is no such key; there are first, most"),
        (r#"{"methods":{"Arith.Mul":{"timeout":"x"}}}"#, "methods.\"Arith.Mul\".timeout: `x` is no duration"),
        (r#"{"methods":{"Arith.Mul":{"retry":1}}}"#, "methods.\"Arith.Mul\".retry: there is no such key"),
        (r#"{"methods":{"A.B":{},"A.B":{}}}"#, "methods.\"A.B\": it is there twice"),
        (r#"{"methods":[]}"#, "methods: invalid type: sequence, expected a table of settings by name"),
        (r#"[]"#, "invalid type: sequence, expected a table of settings"),
    ] {
        let error = serde_json::from_str::<ClientConfig>(text).unwrap_err();
        assert!(error.to_string().starts_with(begins), "{text}: {error}");
        assert_ne!(error.line(), 0, "{error} has lost its place");
    }
}
