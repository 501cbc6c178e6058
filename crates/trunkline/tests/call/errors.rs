use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;
use trunkline::codec::MsgPack;
use trunkline::wire::{Header, Status, keys};
use trunkline::{Client, Error, ErrorKind, Failure, Fault, Sent, SerializeType, Server};

use crate::pair::{ADDRESS, connect, pair, with_server};
use crate::raw_peer::{RawPeer, RawServer, message, request};

#[tokio::test]
async fn unknown_names_are_answered_in_gos_words() {
    let pair = with_server(|s| s.raw("Known", "M", |_, b| async { Ok(b) })).await;
    let mut peer = RawPeer::dial(&pair.network).await;
    for (path, method, text) in [
        ("Nope", "M", "rpcx: can't find service Nope"),
        ("Known", "Nope", "rpcx: can't find method Nope"),
        ("", "", "rpcx: can't find service "),
    ] {
        peer.send_message(&request(3, path, method, b"x")).await;
        let answer = peer.next().await.unwrap();
        assert_eq!((answer.header().seq(), answer.header().status()), (3, Status::Error));
        assert_eq!(answer.service_path(), path.as_bytes());
        assert_eq!(answer.service_method(), method.as_bytes());
        assert_eq!(answer.metadata().get(keys::ERROR), Some(text));
        assert_eq!(answer.metadata().get(keys::KIND), Some("not_found"));
        assert!(answer.payload().is_empty());
    }
}

#[tokio::test]
async fn a_failure_arrives_with_all_it_says() {
    #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
    struct Limit {
        most: u32,
    }
    let pair = with_server(|s| {
        s.function("Shop", "Buy", |n: u32| async move {
            if n > 5 {
                sleep(Duration::from_millis(1)).await;
            }
            Err::<u32, _>(
                Failure::new("too many")
                    .with_kind(ErrorKind::Denied)
                    .with_code("limit")
                    .with_details(&Limit { most: 5 })
                    .with_retry_after(Duration::from_millis(1_500))
                    .with_reply(n - 1),
            )
        })
    })
    .await;
    // Answered at the first poll, and from a task.
    for n in [1_u32, 9] {
        let error = pair.client.service("Shop").call::<_, u32>("Buy", &n).await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Denied, "too many"));
        assert_eq!(error.code(), Some("limit"));
        assert_eq!(error.details::<Limit>(), Some(Limit { most: 5 }));
        assert_eq!(error.retry_after(), Some(Duration::from_millis(1_500)));
        assert_eq!(error.reply::<MsgPack, u32>().unwrap(), n - 1);
        assert_eq!((error.service(), error.method()), (Some("Shop"), Some("Buy")));
        assert_eq!(error.address(), Some("memory@server"));
        assert_eq!((error.fault(), error.sent()), (Fault::Caller, Sent::Maybe));
        assert!(error.is_remote() && !error.is_retryable());
    }
}

#[tokio::test]
async fn every_kind_arrives() {
    const KINDS: [ErrorKind; 10] = [
        ErrorKind::Invalid,
        ErrorKind::Unauthenticated,
        ErrorKind::Denied,
        ErrorKind::NotFound,
        ErrorKind::Application,
        ErrorKind::Overloaded,
        ErrorKind::Unavailable,
        ErrorKind::Deadline,
        ErrorKind::Cancelled,
        ErrorKind::Internal,
    ];
    let pair = with_server(|s| {
        s.function("E", "Fail", |n: usize| async move {
            Err::<(), _>(Failure::new("as asked").with_kind(KINDS[n]))
        })
    })
    .await;
    for (n, kind) in KINDS.into_iter().enumerate() {
        let error = pair.client.service("E").call::<_, ()>("Fail", &n).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(!error.is_retryable(), "it was started: {kind}");
    }
}

#[tokio::test]
async fn arguments_and_replies_that_do_not_fit_are_told_apart() {
    let pair = with_server(|s| {
        s.function("T", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) }).function(
            "T",
            "Nan",
            |(): ()| async { Ok::<_, Failure>(f64::NAN) },
        )
    })
    .await;
    let t = pair.client.service("T");
    let error = t.call::<_, i64>("Neg", "text").await.unwrap_err();
    assert_eq!((error.kind(), error.is_remote()), (ErrorKind::Invalid, true));

    let (bad, good) =
        tokio::join!(t.call::<_, String>("Neg", &1).into_future(), t.call::<_, i64>("Neg", &2).into_future());
    let bad = bad.unwrap_err();
    assert_eq!((bad.kind(), bad.is_remote()), (ErrorKind::Internal, false));
    assert!(std::error::Error::source(&bad).is_some());
    assert_eq!(good.unwrap(), -2, "the neighbour on the connection is untouched");

    let json = pair.client.service_in("T", trunkline::codec::Json);
    let error = json.call::<_, f64>("Nan", &()).await.unwrap_err();
    assert_eq!((error.kind(), error.is_remote()), (ErrorKind::Internal, true));
}

#[tokio::test]
async fn an_empty_argument_is_gos_eof() {
    let pair = with_server(|s| s.function("T", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) })).await;
    for format in [SerializeType::JSON, SerializeType::MSGPACK] {
        let error = pair.client.raw("T", "Neg", format, Bytes::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Invalid, "EOF"));
    }
}

#[tokio::test]
async fn texts_are_mapped_on_both_ends() {
    let server = Server::builder()
        .function("E", "Fail", |(): ()| async { Err::<(), _>(Failure::new("secret").with_code("c")) })
        .error_text(|error| format!("public: {}", error.message().len()));
    let client = Client::builder().map_error(|error: Error| {
        let text = format!("mapped: {}", error.message());
        error.with_message(text)
    });
    let pair = pair(server, client).await;
    let e = pair.client.service("E");
    let error = e.call::<_, ()>("Fail", &()).await.unwrap_err();
    assert_eq!((error.message(), error.code()), ("mapped: public: 6", Some("c")));
    // Once, whichever way the call went.
    let error = e.call::<_, ()>("Fail", &()).response().await.unwrap_err();
    assert_eq!(error.message(), "mapped: public: 6");
    let error = pair.client.service_in("E", trunkline::codec::Json).notify("Fail", &f64::NAN).await;
    let error = error.unwrap_err();
    assert_eq!(error.message().matches("mapped: ").count(), 1, "{error}");
}

#[tokio::test]
async fn a_reply_that_does_not_decode_is_mapped_once_and_says_whose_it_was() {
    let server = Server::builder().function("E", "Seven", |(): ()| async { Ok::<_, Failure>(7) });
    let client = Client::builder().map_error(|error: Error| {
        let text = format!("mapped: {}", error.message());
        error.with_message(text)
    });
    let pair = pair(server, client).await;
    let e = pair.client.service("E");
    for error in [
        e.call::<_, String>("Seven", &()).await.unwrap_err(),
        e.call::<_, String>("Seven", &()).response().await.unwrap_err(),
        e.call::<_, String>("Seven", &()).broadcast().await.unwrap_err(),
    ] {
        assert!(error.message().starts_with("mapped: the reply does not decode"), "{error}");
        assert_eq!(
            (error.service(), error.method(), error.address()),
            (Some("E"), Some("Seven"), Some(ADDRESS))
        );
        assert!(std::error::Error::source(&error).is_some());
    }
}

#[tokio::test]
async fn an_error_without_metadata_is_an_error() {
    let network = trunkline::transport::memory::Memory::new();
    let mut server = RawServer::listen(&network).await;
    let client = connect(&network, Client::builder()).await;
    let mut peer = server.accept().await;
    for (pairs, payload, text) in [
        (&[][..], &b""[..], "the server answered with an error and no text"),
        (&[("other", "x")], b"\x01", "the server answered with an error and no text"),
        (&[(keys::ERROR, "")], b"", "the server answered with an error and no text"),
        // A Java server: a number and the text.
        (&[(keys::ERROR, "1301"), (keys::JAVA_ERROR_MESSAGE, "no such user")], b"", "1301: no such user"),
    ] {
        let call = client.raw("S", "M", SerializeType::RAW, Bytes::new());
        let answer = async {
            let request = peer.next_call().await.unwrap();
            let header = request.header().response_to().with_status(Status::Error);
            peer.send_message(&message(header, "", "", pairs, payload)).await;
        };
        let (result, ()) = tokio::join!(call.into_future(), answer);
        let error = result.unwrap_err();
        assert_eq!((error.message(), error.kind()), (text, ErrorKind::Application));
        assert_eq!(error.raw_reply().is_some(), !payload.is_empty());
    }
}

#[tokio::test]
async fn a_nested_error_is_the_handlers_own() {
    let far = with_server(|s| s).await;
    let client = far.client.clone();
    let near = with_server(|s| {
        s.function("Near", "Ask", move |(): ()| {
            let client = client.clone();
            async move { Ok::<(), Failure>(client.service("Nope").call("M", &()).await?) }
        })
    })
    .await;
    let error = near.client.service("Near").call::<_, ()>("Ask", &()).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Application, Sent::Maybe));
    assert!(error.message().contains("can't find service Nope"), "{error}");
}

#[tokio::test]
async fn then_close_answers_first() {
    let pair = with_server(|s| {
        s.raw("Auth", "Now", |_, _| async {
            Err(Failure::new("who are you").with_kind(ErrorKind::Unauthenticated).then_close())
        })
        .raw("Auth", "Later", |_, _| async {
            tokio::task::yield_now().await;
            Err(Failure::new("who are you").then_close())
        })
    })
    .await;
    for method in ["Now", "Later"] {
        let mut peer = RawPeer::dial(&pair.network).await;
        peer.send_message(&request(5, "Auth", method, b"")).await;
        let answer = peer.next().await.unwrap();
        assert_eq!(answer.metadata().get(keys::ERROR), Some("who are you"));
        assert!(peer.next().await.is_none(), "closed after the answer");
    }
    let header = Header::heartbeat();
    let mut other = RawPeer::dial(&pair.network).await;
    other.send_message(&message(header, "", "", &[], b"")).await;
    assert!(other.next().await.is_some(), "other connections stay");
}
