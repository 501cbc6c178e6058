use std::time::Duration;

use tokio::time::sleep;
use trunkline::{ErrorKind, Failure, SerializeType, Service};

use crate::pair::with_server;

#[tokio::test]
async fn services_come_and_go_while_serving() {
    let pair = with_server(|s| s.function("A", "N", |(): ()| async { Ok::<_, Failure>(1) })).await;
    let (client, handle) = (&pair.client, pair.server.handle());
    let call = |path: &'static str, method: &'static str| async move {
        client.service(path).call::<_, i64>(method, &()).await.map_err(|e| e.kind())
    };
    assert_eq!(call("A", "N").await, Ok(1));
    assert_eq!(call("B", "N").await, Err(ErrorKind::NotFound));

    handle.add(Service::new("B").function("N", |(): ()| async { Ok::<_, Failure>(2) }));
    assert_eq!((call("A", "N").await, call("B", "N").await), (Ok(1), Ok(2)));

    // A namesake replaces the method, others join it.
    handle.add(
        Service::new("A")
            .function("N", |(): ()| async { Ok::<_, Failure>(10) })
            .function("M", |(): ()| async { Ok::<_, Failure>(11) }),
    );
    assert_eq!((call("A", "N").await, call("A", "M").await), (Ok(10), Ok(11)));
    assert_eq!(handle.services(), ["A", "B"]);
    let methods: Vec<_> = handle.methods("A").into_iter().map(|m| m.name).collect();
    assert_eq!(methods, ["M", "N"]);

    assert!(handle.remove("A"));
    assert!(!handle.remove("A"));
    assert_eq!((call("A", "N").await, call("B", "N").await), (Err(ErrorKind::NotFound), Ok(2)));
    handle.add(Service::new("A").function("N", |(): ()| async { Ok::<_, Failure>(3) }));
    assert_eq!(call("A", "N").await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn a_call_under_way_ends_although_its_service_is_gone() {
    let pair = with_server(|s| {
        s.function("Slow", "Sleep", |(): ()| async {
            sleep(Duration::from_secs(5)).await;
            Ok::<_, Failure>("done".to_owned())
        })
    })
    .await;
    let client = pair.client.clone();
    let call = tokio::spawn(async move { client.service("Slow").call::<_, String>("Sleep", &()).await });
    while pair.server.handle().in_flight() == 0 {
        sleep(Duration::from_millis(1)).await;
    }
    assert!(pair.server.handle().remove("Slow"));
    assert_eq!(call.await.unwrap().unwrap(), "done");
}

#[tokio::test]
async fn a_raw_handler_sees_the_bytes_and_their_format() {
    let pair = with_server(|s| {
        s.raw("Proxy", "Pass", |ctx, body| async move {
            ctx.reply_metadata("format", ctx.format().to_string());
            assert_eq!((ctx.service(), ctx.method(), ctx.is_oneway()), ("Proxy", "Pass", false));
            Ok(body)
        })
    })
    .await;
    for format in
        [SerializeType::RAW, SerializeType::JSON, SerializeType::THRIFT, SerializeType::new(15).unwrap()]
    {
        let response = pair.client.raw("Proxy", "Pass", format, "bytes".into()).response().await.unwrap();
        assert_eq!(response.value, "bytes");
        assert_eq!(response.metadata.get("format"), Some(&*format.to_string()));
    }
}

#[tokio::test]
async fn a_name_with_dots_is_one_name() {
    let pair = with_server(|s| {
        s.raw("a.b", "c", |_, _| async { Ok("a.b c".into()) })
            .raw("a", "b.c", |_, _| async { Ok("a b.c".into()) })
    })
    .await;
    for (path, method) in [("a.b", "c"), ("a", "b.c")] {
        let answer = pair.client.raw(path, method, SerializeType::RAW, "".into()).await.unwrap();
        assert_eq!(answer, format!("{path} {method}"));
    }
}
