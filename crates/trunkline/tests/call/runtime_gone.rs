use std::time::Duration;

use tokio::time::sleep;
use trunkline::Server;
use trunkline::transport::memory::Memory;

use crate::pair::serve;
use crate::raw_peer::{RawPeer, request};

#[test]
fn a_runtime_can_be_dropped_while_calls_run_and_wait() {
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for threads in [1, 2] {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(threads)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let network = Memory::new();
                let server = Server::builder()
                    .raw("Slow", "Sleep", |_, _| async {
                        sleep(Duration::from_secs(3600)).await;
                        Ok("".into())
                    })
                    .limit(|l| l.in_flight_per_connection = 4);
                let server = serve(&network, server).await;
                let peer = RawPeer::dial(&network).await;
                for seq in 0..1_000 {
                    peer.send_message(&request(seq, "Slow", "Sleep", b"")).await;
                }
                while server.handle().in_flight() < 4 {
                    sleep(Duration::from_millis(1)).await;
                }
            });
            drop(runtime);
        }
        done.send(()).unwrap();
    });
    ended.recv_timeout(Duration::from_secs(60)).expect("the runtime's end does not hang");
}
