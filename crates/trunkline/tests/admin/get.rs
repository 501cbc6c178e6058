//! As much of an HTTP client as these tests need.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use trunkline::admin::RunningAdmin;

pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Sends these bytes and reads to the end.
pub(crate) async fn send(admin: &RunningAdmin, request: &[u8]) -> Answered {
    let mut stream = TcpStream::connect(admin.address()).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answered { status, head: head.to_owned(), body: body.to_owned() }
}

pub(crate) async fn get(admin: &RunningAdmin, path: &str) -> Answered {
    send(admin, format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes()).await
}

pub(crate) async fn json(admin: &RunningAdmin, path: &str) -> serde_json::Value {
    let answered = get(admin, path).await;
    assert_eq!(answered.status, 200);
    assert!(answered.head.contains("Content-Type: application/json"), "{}", answered.head);
    serde_json::from_str(&answered.body).unwrap()
}
