use trunkline::server::{MethodFlags, MethodInfo};
use trunkline::wire::{Header, keys};
use trunkline::{DefaultFormats, ErrorKind, Failure, SerializeType, Service};

use crate::pair::with_server;
use crate::raw_peer::{RawPeer, message, request};

#[tokio::test]
async fn a_panic_is_a_fixed_text_and_an_id() {
    let run = |flags| MethodInfo::new("Flagged").flags(flags);
    let blocking = MethodFlags { blocking: true, ..Default::default() };
    let saved = MethodFlags { run_to_completion: true, ..Default::default() };
    let secret = |_: String| async { panic!("secret argument") as Result<(), Failure> };
    let pair = with_server(|s| {
        s.function("P", "AtOnce", secret)
            .function("P", "Later", |_: String| async {
                tokio::task::yield_now().await;
                panic!("secret argument") as Result<(), Failure>
            })
            .function("P", "NotEvenAFuture", |args: String| {
                assert!(args.is_empty(), "secret argument");
                async { Ok::<_, Failure>(()) }
            })
            .raw("P", "Raw", |_, _| async { panic!("secret argument") })
            .service(Service::new("Blocking").function_in::<DefaultFormats, _, _, _>(run(blocking), secret))
            .service(Service::new("Saved").function_in::<DefaultFormats, _, _, _>(run(saved), secret))
            .function("P", "Fine", |n: i64| async move { Ok::<_, Failure>(n) })
    })
    .await;
    let mut ids = std::collections::HashSet::new();
    for (service, method) in [
        ("P", "AtOnce"),
        ("P", "Later"),
        ("P", "NotEvenAFuture"),
        ("P", "Raw"),
        ("Blocking", "Flagged"),
        ("Saved", "Flagged"),
    ] {
        let service = pair.client.service(service);
        let error = service.call::<_, ()>(method, "secret").await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Internal, false), "{method}");
        assert!(!error.message().contains("secret"), "{error}");
        let id = error.message().strip_prefix("the handler panicked; the server's log has more under id ");
        assert_eq!(id.unwrap().len(), 16);
        assert!(ids.insert(id.unwrap().to_owned()));
        assert!(error.metadata().iter().all(|(_, v)| !String::from_utf8_lossy(v).contains("secret")));
        let fine: i64 = pair.client.service("P").call("Fine", &1).await.unwrap();
        assert_eq!(fine, 1, "the connection lives");
    }
    assert_eq!(pair.server.handle().connections(), 1, "it was never another one");
    assert_eq!(pair.server.handle().in_flight(), 0);
}

#[tokio::test]
async fn neighbours_of_a_panic_are_answered() {
    let pair = with_server(|s| {
        s.raw("S", "Slow", |_, body| async {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            Ok(body)
        })
        .raw("S", "Panic", |_, _| async { panic!("on purpose") })
        .raw("S", "Echo", |_, body| async { Ok(body) })
    })
    .await;
    let mut peer = RawPeer::dial(&pair.network).await;
    let mut bytes = Vec::new();
    for (seq, method) in ["Slow", "Panic", "Echo"].into_iter().enumerate() {
        request(seq as u64, "S", method, b"x").encode(&mut bytes);
    }
    peer.send(&bytes).await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        let answer = peer.next().await.unwrap();
        answers.push((answer.header().seq(), answer.metadata().get(keys::KIND) == Some("internal")));
    }
    assert_eq!(answers, [(1, true), (2, false), (0, false)]);
}

#[tokio::test]
async fn a_panic_while_a_handler_is_dropped_harms_nobody() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                panic!("on purpose");
            }
        }
    }
    let pair = with_server(|s| {
        s.raw("S", "Bomb", |_, _| async {
            let _bomb = Bomb;
            std::future::pending::<()>().await;
            Ok("".into())
        })
        .raw("S", "Echo", |_, body| async { Ok(body) })
    })
    .await;
    let mut peer = RawPeer::dial(&pair.network).await;
    let header = Header::request(SerializeType::RAW);
    peer.send_message(&message(header, "S", "Bomb", &[(keys::SERVER_TIMEOUT, "5")], b"")).await;
    assert_eq!(peer.next().await.unwrap().metadata().get(keys::KIND), Some("deadline"));
    peer.send_message(&request(2, "S", "Echo", b"alive")).await;
    assert_eq!(peer.next().await.unwrap().payload(), b"alive");
    while pair.server.handle().in_flight() > 0 {
        tokio::task::yield_now().await;
    }
}
