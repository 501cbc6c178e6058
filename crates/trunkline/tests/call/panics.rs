use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use trunkline::server::{ConnectionFilter, MethodFlags, MethodInfo};
use trunkline::transport::{Peer, Stream};
use trunkline::wire::{CompressError, CompressType, Compressor, Header, Status, keys};
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
            tokio::time::sleep(Duration::from_millis(20)).await;
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

#[tokio::test]
async fn a_panic_in_what_words_errors_is_one_calls_answer() {
    let pair = with_server(|s| {
        s.error_text(|_| panic!("on purpose"))
            .raw("S", "Fails", |_, _| async { Err(Failure::new("secret")) })
            .raw("S", "FailsLater", |_, _| async {
                tokio::time::sleep(Duration::from_millis(5)).await;
                Err(Failure::new("secret"))
            })
            .raw("S", "Late", |_, _| std::future::pending())
            .raw("S", "Echo", |_, body| async { Ok(body) })
    })
    .await;
    let mut peer = RawPeer::dial(&pair.network).await;
    let header = Header::request(SerializeType::RAW);
    let late = message(header, "S", "Late", &[(keys::SERVER_TIMEOUT, "5")], b"");
    // The deadlines' timer, too, goes on afterwards.
    for request in [
        request(1, "S", "Fails", b""),
        request(1, "S", "FailsLater", b""),
        request(1, "S", "Nowhere", b""),
        late.clone(),
        late,
    ] {
        peer.send_message(&request).await;
        let answer = peer.next().await.expect("the connection lives");
        assert_eq!(answer.header().status(), Status::Error);
        let text = answer.metadata().get(keys::ERROR).unwrap().to_owned();
        assert_eq!(text, "the server could not word its error");
    }
    peer.send_message(&request(2, "S", "Echo", b"alive")).await;
    assert_eq!(peer.next().await.unwrap().payload(), b"alive");
}

struct Broken;

impl Compressor for Broken {
    fn name(&self) -> &str {
        "broken"
    }
    fn compress(&self, _: &[u8], _: &mut Vec<u8>) -> Result<(), CompressError> {
        panic!("on purpose")
    }
    fn decompress(&self, input: &[u8], _: usize) -> Result<Vec<u8>, CompressError> {
        assert!(input.starts_with(b"fine"), "on purpose");
        Ok(input.to_vec())
    }
}

#[tokio::test]
async fn a_panic_in_a_compressor_is_one_calls_answer() {
    let five = CompressType::new(5).unwrap();
    let pair =
        with_server(|s| s.compressor(five, Broken).raw("S", "Echo", |_, body| async { Ok(body) })).await;
    let mut peer = RawPeer::dial(&pair.network).await;
    let header = Header::request(SerializeType::RAW).with_compress(five);
    peer.send_message(&message(header, "S", "Echo", &[], b"bad")).await;
    let answer = peer.next().await.expect("the connection lives");
    assert_eq!(answer.metadata().get(keys::KIND), Some("internal"));
    // Of a reply that does not compress the plain one is sent.
    let long = [&b"fine"[..], &[0; 5_000]].concat();
    peer.send_message(&message(header, "S", "Echo", &[], &long)).await;
    let answer = peer.next().await.expect("the connection lives");
    assert_eq!((answer.header().compress(), &answer.payload()[..4]), (CompressType::NONE, &b"fine"[..]));
}

#[derive(Clone, Default)]
struct Gone(Arc<AtomicUsize>);

impl ConnectionFilter for Gone {
    fn closed(&self, _: &Peer) {
        if self.0.fetch_add(1, Ordering::SeqCst) == 0 {
            panic!("on purpose");
        }
    }
}

#[tokio::test]
async fn a_panic_in_a_filter_that_is_told_of_an_end_keeps_it_from_nobody() {
    let gone = Gone::default();
    let pair = with_server(|s| s.filter(gone.clone()).filter(gone.clone())).await;
    drop(RawPeer::dial(&pair.network).await);
    while gone.0.load(Ordering::SeqCst) < 2 || pair.server.handle().connections() > 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

struct PanicAt(Box<dyn AsyncRead + Send + Unpin>, u8);

impl AsyncRead for PanicAt {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let read = Pin::new(&mut self.0).poll_read(cx, buf);
        assert!(!buf.filled().contains(&self.1), "on purpose");
        read
    }
}

struct Wrap;

impl ConnectionFilter for Wrap {
    fn accept(&self, mut stream: Stream) -> Result<Stream, String> {
        stream.reader = Box::new(PanicAt(stream.reader, b'!'));
        Ok(stream)
    }
}

#[tokio::test]
async fn a_panic_in_a_stream_closes_its_connection() {
    let pair = with_server(|s| s.filter(Wrap).raw("S", "Slow", |_, _| std::future::pending())).await;
    let mut peer = RawPeer::dial(&pair.network).await;
    peer.send_message(&request(1, "S", "Slow", b"")).await;
    while pair.server.handle().in_flight() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    peer.send(b"!").await;
    assert!(peer.next().await.is_none(), "it is closed");
    while pair.server.handle().in_flight() > 0 || pair.server.handle().connections() > 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
