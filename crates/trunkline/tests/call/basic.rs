use trunkline::transport::memory::Memory;
use trunkline::{Client, ErrorKind, Failure, Sent, Server};

#[tokio::test]
async fn a_call_is_answered_over_tcp() {
    let server = Server::builder()
        .function("Math", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) })
        .bind("tcp@127.0.0.1:0")
        .await
        .unwrap()
        .spawn();
    let client = Client::connect(server.address()).await.unwrap();
    let answer: i64 = client.service("Math").call("Neg", &5).await.unwrap();
    assert_eq!(answer, -5);
    let error = client.service("Math").call::<_, i64>("Nope", &5).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.message(), "rpcx: can't find method Nope");
    let report = server.stop().await;
    assert_eq!(report.cut, 0);
}

#[tokio::test]
async fn a_server_that_is_not_there_was_sent_nothing() {
    let client = Client::builder().transport(Memory::new()).connect("memory@nobody").await.unwrap();
    let error = client.service("Math").call::<_, i64>("Neg", &5).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, Sent::No));
    assert!(error.is_retryable());
}
