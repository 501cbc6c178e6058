use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use trunkline::admin::Admin;

use crate::get::{get, send};

#[tokio::test]
async fn a_request_without_end_is_refused() {
    let admin = Admin::new().bind("127.0.0.1:0").await.unwrap();
    let mut request = b"GET /livez HTTP/1.1\r\n".to_vec();
    request.extend(std::iter::repeat_n(b'x', 8 << 10));
    assert_eq!(send(&admin, &request).await.status, 431);
    for request in
        [&b"nonsense\r\n\r\n"[..], b"\r\n\r\n", b"GET \xff HTTP/1.1\r\n\r\n", b"\x16\x03\x01\r\n\r\n"]
    {
        assert_eq!(send(&admin, request).await.status, 400, "{request:?}");
    }
    assert_eq!(get(&admin, "/livez").await.status, 200);
}

#[tokio::test]
async fn a_request_in_pieces_is_understood() {
    let admin = Admin::new().bind("127.0.0.1:0").await.unwrap();
    let mut stream = TcpStream::connect(admin.address()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for byte in b"GET /livez HTTP/1.1\r\nA: b\r\n\r\n" {
        stream.write_all(&[*byte]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("ok\n"), "{answer}");
}

#[tokio::test]
async fn who_says_nothing_is_cut_and_holds_up_nobody_but_himself() {
    let admin = Admin::new().bind("127.0.0.1:0").await.unwrap();
    let begun = Instant::now();
    let mut silent = Vec::new();
    for _ in 0..60 {
        silent.push(TcpStream::connect(admin.address()).await.unwrap());
    }
    assert_eq!(get(&admin, "/livez").await.status, 200, "there is a place left");
    for _ in 0..20 {
        silent.push(TcpStream::connect(admin.address()).await.unwrap());
    }
    for mut stream in silent {
        let mut byte = [0];
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut byte)).await;
        assert!(matches!(read.expect("it is cut"), Ok(0) | Err(_)));
    }
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert_eq!(get(&admin, "/livez").await.status, 200, "the places are free again");
}
