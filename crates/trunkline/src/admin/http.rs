//! As much of HTTP/1.1 as it takes to answer a GET: one request for each connection, with a bound
//! on its size, its time and the number of connections. No body is ever read as one.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::pages::Pages;

/// The longest request.
const MOST_BYTES: usize = 8 << 10;
/// The most connections at a time; one more is closed.
const MOST_CONNECTIONS: usize = 64;
/// The longest that a request may take to come, and an answer to go.
const LONGEST: Duration = Duration::from_secs(5);
/// After an error of the listener, a process without file descriptors say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// An answer.
pub(super) struct Answer {
    pub(super) status: Status,
    pub(super) kind: &'static str,
    pub(super) body: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Status {
    Ok,
    BadRequest,
    NotFound,
    MethodNotAllowed,
    TooLarge,
    Unavailable,
}

/// What was asked.
#[derive(PartialEq, Eq, Debug)]
enum Asked<'a> {
    Get(&'a str),
    Head(&'a str),
    Wrong(Status),
}

impl Answer {
    pub(super) fn text(status: Status, body: impl Into<String>) -> Self {
        Self { status, kind: "text/plain; charset=utf-8", body: body.into() }
    }
}

impl Status {
    fn line(self) -> &'static str {
        match self {
            Self::Ok => "200 OK",
            Self::BadRequest => "400 Bad Request",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::TooLarge => "431 Request Header Fields Too Large",
            Self::Unavailable => "503 Service Unavailable",
        }
    }
}

/// Answers for ever. Ending it ends the connections.
pub(super) async fn serve(listener: TcpListener, pages: Arc<Pages>) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(%error, "accepting a connection to the admin pages failed; trying again");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            continue;
        };
        let pages = pages.clone();
        connections.spawn(async move {
            // A peer that is slow or gone is no concern of ours.
            let _ = timeout(3 * LONGEST, answer(stream, &pages)).await;
            drop(place);
        });
    }
}

async fn answer(mut stream: TcpStream, pages: &Pages) -> io::Result<()> {
    let mut head = Vec::new();
    let whole = timeout(LONGEST, read_head(&mut stream, &mut head)).await.map_err(io::Error::from)??;
    let asked = if whole { asked(&head) } else { Asked::Wrong(Status::TooLarge) };
    let (answer, is_head) = match asked {
        Asked::Get(path) => (pages.page(path), false),
        Asked::Head(path) => (pages.page(path), true),
        Asked::Wrong(status) => (Answer::text(status, format!("{}\n", status.line())), false),
    };
    let mut text = format!(
        "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nConnection: close\r\n",
        answer.status.line(),
        answer.kind,
        answer.body.len()
    );
    if answer.status == Status::MethodNotAllowed {
        text.push_str("Allow: GET, HEAD\r\n");
    }
    text.push_str("\r\n");
    if !is_head {
        text.push_str(&answer.body);
    }
    timeout(LONGEST, stream.write_all(text.as_bytes())).await.map_err(io::Error::from)??;
    stream.shutdown().await?;
    // What was sent behind the request must not reset the answer on its way.
    let mut rest = [0; 1024];
    let discard = async {
        let mut most = 1024;
        while most > 0 && stream.read(&mut rest).await? > 0 {
            most -= 1;
        }
        Ok(())
    };
    timeout(LONGEST, discard).await.map_err(io::Error::from)?
}

/// Reads up to the empty line; false when there is none within the bound.
async fn read_head(stream: &mut TcpStream, head: &mut Vec<u8>) -> io::Result<bool> {
    let mut chunk = [0; 1024];
    loop {
        let read = stream.read(&mut chunk).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // The end may lie across two reads.
        let from = head.len().saturating_sub(3);
        head.extend_from_slice(&chunk[..read]);
        if head[from..].windows(4).any(|four| four == b"\r\n\r\n") {
            return Ok(true);
        }
        if head.len() >= MOST_BYTES {
            return Ok(false);
        }
    }
}

/// The first line of a request; what follows it makes no difference to these pages.
fn asked(head: &[u8]) -> Asked<'_> {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let Ok(line) = std::str::from_utf8(line) else {
        return Asked::Wrong(Status::BadRequest);
    };
    let words: Vec<_> = line.split(' ').collect();
    let [method, target, "HTTP/1.1" | "HTTP/1.0"] = words[..] else {
        return Asked::Wrong(Status::BadRequest);
    };
    let path = target.split('?').next().unwrap_or_default();
    match method {
        "GET" => Asked::Get(path),
        "HEAD" => Asked::Head(path),
        _ => Asked::Wrong(Status::MethodNotAllowed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_gets_are_answered() {
        for (head, expected) in [
            ("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n", Asked::Get("/livez")),
            ("GET /status?pretty=1 HTTP/1.0\r\n\r\n", Asked::Get("/status")),
            ("HEAD / HTTP/1.1\r\n\r\n", Asked::Head("/")),
            ("POST /livez HTTP/1.1\r\n\r\n", Asked::Wrong(Status::MethodNotAllowed)),
            ("get /livez HTTP/1.1\r\n\r\n", Asked::Wrong(Status::MethodNotAllowed)),
            ("GET /livez\r\n\r\n", Asked::Wrong(Status::BadRequest)),
            ("GET  /livez HTTP/1.1\r\n\r\n", Asked::Wrong(Status::BadRequest)),
            ("GET /livez HTTP/2\r\n\r\n", Asked::Wrong(Status::BadRequest)),
            ("\r\n\r\n", Asked::Wrong(Status::BadRequest)),
        ] {
            assert_eq!(asked(head.as_bytes()), expected, "{head:?}");
        }
        assert_eq!(asked(b"GET /\xff HTTP/1.1\r\n\r\n"), Asked::Wrong(Status::BadRequest));
    }
}
