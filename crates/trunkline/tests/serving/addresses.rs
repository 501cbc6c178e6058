use trunkline::registry::{MemoryRegistry, Registry};
use trunkline::server::ServerBuilder;
use trunkline::{Client, ErrorKind};

use crate::fleet::{eventually, held, math, until};

fn registering(registry: &Registry) -> ServerBuilder {
    math().register_with(registry.clone())
}

#[tokio::test]
async fn a_server_on_all_addresses_registers_one_that_clients_can_dial() {
    for bound in ["tcp@0.0.0.0:0", "tcp@:0", "tcp4@0.0.0.0:0"] {
        let registry = MemoryRegistry::new().registry();
        let server = registering(&registry).bind(bound).await.unwrap();
        let port = server.address().rsplit_once(':').unwrap().1.to_owned();
        let [advertised] = server.advertised() else { panic!("{:?}", server.advertised()) };
        let text = advertised.as_str().to_owned();
        assert!(text.starts_with("tcp@") && text.ends_with(&format!(":{port}")), "{text}");
        assert!(port != "0" && !text.contains("0.0.0.0") && !text.contains("[::]"), "{text}");

        let server = server.spawn();
        until(&registry, "Math", &[&text]).await;
        let client = Client::builder().connect_to(registry.resolver().unwrap()).await.unwrap();
        assert_eq!(client.service("Math").call::<_, i64>("Neg", &1).await.unwrap(), -1);
        drop(client);
        server.handle().stop();
        until(&registry, "Math", &[]).await;
    }
}

#[tokio::test]
async fn what_is_advertised_takes_the_place_of_what_is_bound() {
    for (advertise, expected) in [
        (&["tcp@192.0.2.7:30000"][..], &["tcp@192.0.2.7:30000"][..]),
        (&["192.0.2.7"], &["tcp@192.0.2.7:PORT"]),
        (&[":30000"], &["tcp@127.0.0.1:30000"]),
        (&["http@"], &["http@127.0.0.1:PORT"]),
        (&["fd00::7"], &["tcp@[fd00::7]:PORT"]),
        (&["192.0.2.7:1", "192.0.2.8:1"], &["tcp@192.0.2.7:1", "tcp@192.0.2.8:1"]),
    ] {
        let registry = MemoryRegistry::new().registry();
        let server = advertise.iter().fold(registering(&registry), |server, text| server.advertise(text));
        let server = server.bind("tcp@127.0.0.1:0").await.unwrap();
        let port = server.address().rsplit_once(':').unwrap().1.to_owned();
        let expected: Vec<_> = expected.iter().map(|text| text.replace("PORT", &port)).collect();
        let server = server.spawn();
        let is_there = async || held(&registry, "Math").await == expected;
        eventually(&format!("{expected:?}"), is_there).await;
        server.handle().stop();
        until(&registry, "Math", &[]).await;
    }
}

#[tokio::test]
async fn what_nobody_else_can_dial_is_an_error_of_bind() {
    let memory = || MemoryRegistry::new().registry();
    for (server, why) in [
        (registering(&memory()).advertise("tcp@0.0.0.0:8972"), "names none"),
        (registering(&memory()).advertise("tcp@h:0"), "port is 0"),
        (registering(&memory()).advertise_from("10.0.0.0"), ""),
        (registering(&memory()).advertise_from("eth0"), "no block of addresses"),
        (registering(&memory()).attributes("weight=%zz"), "do not parse"),
        (registering(&memory()).service_attributes("Math", "a;b"), "do not parse"),
        (registering(&memory().local(false)), "only programs on this machine can dial it"),
        (registering(&memory().local(false)).advertise("localhost"), "`loopback`"),
        (math().register("gopher://h/base"), "no registry has the scheme `gopher`"),
        (math().register("tcp@127.0.0.1:1"), "is no URL"),
        (math().register("etcd:me:hush@h/base"), "is no URL"),
    ] {
        match server.bind("tcp@127.0.0.1:0").await {
            Ok(_) => assert_eq!(why, ""),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
                assert!(error.to_string().contains(why), "{error}");
                assert!(!error.to_string().contains("hush"), "{error}");
            }
        }
    }
    let nowhere = registering(&memory()).advertise_from("203.0.113.0/24").bind("tcp@0.0.0.0:0").await;
    let error = nowhere.unwrap_err().to_string();
    assert!(error.contains("no interface has an address in 203.0.113.0/24"), "{error}");
}
