use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use trunkline::middleware::{Auth, AuthRequest, Token};
use trunkline::server::ServerBuilder;
use trunkline::testing::FramePeer;
use trunkline::transport::memory::Memory;
use trunkline::wire::{Header, Message, Status};
use trunkline::{Client, Ctx, ErrorKind, Failure, Metadata, Sent, SerializeType, Server, testing};

use crate::sample;

#[derive(Clone, PartialEq, Debug)]
struct User(String);

async fn check(token: Token, call: AuthRequest) -> Result<User, Failure> {
    assert!(call.peer().is_some_and(|peer| peer.address.starts_with("memory@")));
    match &*token {
        "busy" => Err(Failure::new("the identity provider is away").with_kind(ErrorKind::Unavailable)),
        "" => Err(Failure::new("there is no token")),
        _ if !token.matches("s3cret") => Err(Failure::new("the token is not valid")),
        _ if call.service() == "Admin" => Err(Failure::new("not for you").with_kind(ErrorKind::Denied)),
        _ => Ok(User("ann".to_owned())),
    }
}

fn guarded() -> ServerBuilder {
    sample::server().layer(Auth::bearer(check)).function("Who", "Am", |ctx: Ctx, _: ()| async move {
        Ok::<_, Failure>(ctx.extension::<User>().map(|user| user.0.clone()))
    })
}

#[tokio::test(start_paused = true)]
async fn a_token_is_taken_with_and_without_bearer_and_its_owner_handed_on() {
    for token in ["s3cret", "Bearer s3cret", "bearer s3cret"] {
        let client = Client::builder().layer(Auth::token(token));
        let (client, running) = testing::connected_with(guarded(), client).await.unwrap();
        let user: Option<String> = client.service("Who").call("Am", &()).await.unwrap();
        assert_eq!(user.as_deref(), Some("ann"), "{token}");
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_why_and_that_nothing_was_started() {
    let (client, running) = testing::connected(guarded().layer(not_reached())).await.unwrap();
    let math = client.service("Math");
    for (service, token, kind, text) in [
        ("Math", None, ErrorKind::Unauthenticated, "there is no token"),
        ("Math", Some("wrong"), ErrorKind::Unauthenticated, "the token is not valid"),
        ("Admin", Some("s3cret"), ErrorKind::Denied, "not for you"),
        ("Math", Some("busy"), ErrorKind::Unavailable, "the identity provider is away"),
    ] {
        let admin = client.service(service);
        let request = if service == "Math" { math.call::<_, i64>("Neg", &5) } else { admin.call("Neg", &5) };
        let request = match token {
            Some(token) => request.metadata("__AUTH", token),
            None => request,
        };
        let error = request.await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (kind, text));
        assert_eq!(error.sent(), Sent::NotStarted, "{text}");
        until_connected_again().await;
    }
    running.stop().await;
}

/// A refusal closes the connection; what is called before the client has noticed is lost, unsent.
async fn until_connected_again() {
    tokio::time::sleep(Duration::from_secs(10)).await;
}

/// A layer inside that a refused call must not come to.
fn not_reached() -> impl trunkline::middleware::Middleware {
    trunkline::middleware::from_fn(|_, _| panic!("a refused call came through"))
}

#[tokio::test(start_paused = true)]
async fn a_closure_over_the_text_is_enough() {
    let server = sample::server().layer(Auth::bearer(|token: &str| token == "s3cret"));
    let (client, running) = testing::connected(server).await.unwrap();
    let math = client.service("Math");
    for (token, text) in [
        (Some(&b"no"[..]), "the token was not accepted"),
        (Some(b""), "the token was not accepted"),
        (Some(b"s3cret\xff"), "the token is not text; send one in UTF-8"),
        (None, "authentication is required: the call carries no token"),
    ] {
        let request = math.call::<_, i64>("Neg", &5);
        let request = match token {
            Some(token) => request.metadata("__AUTH", token),
            None => request,
        };
        let error = request.await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Unauthenticated, text));
        until_connected_again().await;
    }
    let answer: i64 = math.call("Neg", &5).metadata("__AUTH", "s3cret").await.unwrap();
    assert_eq!(answer, -5);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_carries_no_token_is_let_in_where_the_check_says_so() {
    let server = sample::server().layer(Auth::bearer(|token: &str| token.is_empty() || token == "s3cret"));
    let (client, running) = testing::connected(server).await.unwrap();
    assert_eq!(client.service("Math").call::<_, i64>("Neg", &5).await.unwrap(), -5);
    running.stop().await;
    let identify = |token: Token| async move {
        Ok::<_, Failure>(User(if token.is_empty() { "guest" } else { "ann" }.to_owned()))
    };
    let server =
        sample::server().layer(Auth::bearer(identify)).function("Who", "Am", |ctx: Ctx, _: ()| async move {
            Ok::<_, Failure>(ctx.extension::<User>().map(|user| user.0.clone()))
        });
    let (client, running) = testing::connected(server).await.unwrap();
    let user: Option<String> = client.service("Who").call("Am", &()).await.unwrap();
    assert_eq!(user.as_deref(), Some("guest"));
    running.stop().await;
}

/// A client that speaks frames to the server.
async fn peer_of(server: ServerBuilder) -> (FramePeer, trunkline::server::RunningServer) {
    let network = Memory::new();
    let running = server.transport(network.clone()).bind("memory@auth").await.unwrap().spawn();
    (FramePeer::dial(&network, "auth").await.unwrap(), running)
}

/// The server closes without another word.
async fn closed(peer: &mut FramePeer) {
    let next = tokio::time::timeout(Duration::from_secs(60), peer.receive()).await;
    assert!(next.expect("the connection is closed").unwrap().is_none());
}

fn request(seq: u64, token: Option<&str>) -> Message {
    let mut metadata = Metadata::new();
    if let Some(token) = token {
        metadata.insert("__AUTH", token);
    }
    let header = Header::request(SerializeType::JSON).with_seq(seq);
    Message::new(header, "Math", "Neg", &metadata, "5".into()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_refusal_is_answered_and_then_the_connection_closed() {
    let (mut peer, running) = peer_of(guarded()).await;
    peer.send(&request(1, Some("Bearer s3cret"))).await.unwrap();
    let answer = peer.receive().await.unwrap().unwrap();
    assert_eq!((answer.header().status(), answer.payload()), (Status::Normal, &b"-5"[..]));
    peer.send(&request(2, Some("wrong"))).await.unwrap();
    let answer = peer.receive().await.unwrap().unwrap();
    assert_eq!((answer.header().seq(), answer.header().status()), (2, Status::Error));
    assert_eq!(answer.metadata().get("__rpcx_error__"), Some("the token is not valid"));
    closed(&mut peer).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_connection_stays_where_it_is_told_to() {
    let auth = Auth::bearer(|token: &str| token == "s3cret").keep_open();
    let (mut peer, running) = peer_of(sample::server().layer(auth)).await;
    for (seq, token, status) in [(1, "wrong", Status::Error), (2, "s3cret", Status::Normal)] {
        peer.send(&request(seq, Some(token))).await.unwrap();
        let answer = peer.receive().await.unwrap().unwrap();
        assert_eq!((answer.header().seq(), answer.header().status()), (seq, status));
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_needs_no_token() {
    let (mut peer, running) = peer_of(guarded()).await;
    let header = Header::heartbeat().with_seq(9);
    let beat = Message::new(header, "", "", &Metadata::new(), "beat".into()).unwrap();
    peer.send(&beat).await.unwrap();
    let echo = peer.receive().await.unwrap().unwrap();
    assert!(echo.header().is_heartbeat() && echo.header().is_response());
    assert_eq!((echo.header().seq(), echo.payload()), (9, &b"beat"[..]));
    // Nor does it count as one: the next call without a token is refused.
    peer.send(&request(10, None)).await.unwrap();
    assert_eq!(peer.receive().await.unwrap().unwrap().header().status(), Status::Error);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_oneway_call_without_a_token_is_dropped_and_closes_too() {
    let (mut peer, running) = peer_of(guarded()).await;
    let oneway = request(1, None);
    let header = oneway.header().with_oneway(true);
    peer.send(&oneway.with_header(header)).await.unwrap();
    closed(&mut peer).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_provider_is_asked_before_each_call_and_the_calls_own_token_counts_more() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let client = Client::builder().layer(Auth::token_from(move || {
        let n = counter.fetch_add(1, Ordering::Relaxed);
        async move {
            match n {
                2 => Err(Failure::new("the vault is sealed")),
                n => Ok(format!("token {n}")),
            }
        }
    }));
    let (client, running) = testing::connected_with(sample::server(), client).await.unwrap();
    let meta = client.service("Meta");
    let sent: Option<String> = meta.call("Get", "__AUTH").await.unwrap();
    assert_eq!(sent.as_deref(), Some("token 0"));
    let sent: Option<String> = meta.call("Get", "__AUTH").await.unwrap();
    assert_eq!(sent.as_deref(), Some("token 1"));
    let own: Option<String> = meta.call("Get", "__AUTH").metadata("__AUTH", "mine").await.unwrap();
    assert_eq!((own.as_deref(), asked.load(Ordering::Relaxed)), (Some("mine"), 2));
    let error = meta.call::<_, Option<String>>("Get", "__AUTH").await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unauthenticated, Sent::No));
    assert_eq!(error.message(), "there is no token for the call: the vault is sealed");
    running.stop().await;
}

#[test]
fn builders_with_a_token_do_not_show_it() {
    let shown = format!(
        "{:?} {:?} {:?}",
        Client::builder().layer(Auth::token("s3cret")),
        Server::builder().layer(Auth::bearer(|token: &str| token == "s3cret")),
        Auth::token_from(|| async { Ok::<_, Failure>("s3cret".to_owned()) }),
    );
    assert!(!shown.contains("s3cret"), "{shown}");
}
