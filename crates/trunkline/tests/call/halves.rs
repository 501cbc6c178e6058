//! A long read of the only busy connection is answered in two halves.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use trunkline::{Ctx, Server};

use crate::raw_peer::{bytes_of, request};

const CALLS: usize = 24;

/// The last call of each batch looks, from within the server, whether the first ones have been answered: what was
/// written to a loopback socket lies there to be read at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_half_leaves_while_the_second_is_worked_on() {
    let far = Arc::new(std::sync::OnceLock::<TcpStream>::new());
    let overlapped = Arc::new(AtomicBool::new(false));
    let (peek, seen) = (far.clone(), overlapped.clone());
    let server = Server::builder()
        .raw("S", "M", move |_: Ctx, args: Bytes| {
            if args[0] == CALLS as u8 {
                let answers = peek.get().unwrap().peek(&mut [0]);
                seen.fetch_or(answers.is_ok_and(|n| n > 0), Ordering::SeqCst);
            }
            async move { Ok(args) }
        })
        .bind("tcp@127.0.0.1:0")
        .await
        .unwrap()
        .spawn();
    let stream = TcpStream::connect(server.address().trim_start_matches("tcp@")).unwrap();
    stream.set_nonblocking(true).unwrap();
    far.set(stream.try_clone().unwrap()).unwrap();
    let one = bytes_of(&request(0, "S", "M", &[0; 500]));
    let batch: Vec<_> =
        (1..=CALLS).flat_map(|n| bytes_of(&request(n as u64, "S", "M", &[n as u8; 500]))).collect();
    // Reads become longer as they are filled.
    for round in 0..20 {
        if round < 10 {
            overlapped.store(false, Ordering::SeqCst);
        }
        let mut sent = 0;
        while sent < batch.len() {
            match (&stream).write(&batch[sent..]) {
                Ok(n) => sent += n,
                Err(_) => tokio::task::yield_now().await,
            }
        }
        let mut left = CALLS * one.len();
        while left > 0 {
            match (&stream).read(&mut vec![0; left]) {
                Ok(n) => left -= n,
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(1)).await,
            }
        }
    }
    assert!(overlapped.load(Ordering::SeqCst), "all answers of a batch left together");
    drop(stream);
    server.stop().await;
}
