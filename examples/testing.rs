//! How services are tested: without a network, and without waiting for the clock.
//!
//! In a project of your own these are functions under `#[tokio::test(start_paused = true)]`; here they are called one
//! after the other. `cargo run --example testing`

use std::time::Duration;

use trunkline::testing::{self, FrameListener};
use trunkline::transport::memory::Memory;
use trunkline::{Client, Ctx, Error, ErrorKind, Failure, Result, Sent, Server};

#[trunkline::service]
trait Batch {
    /// Takes an hour for each part.
    async fn run(&self, ctx: &Ctx, parts: u64) -> Result<u64>;
}

struct Machine;

impl Batch for Machine {
    async fn run(&self, ctx: &Ctx, parts: u64) -> Result<u64> {
        if parts == 0 {
            return Err(Failure::new("there is nothing to do").with_kind(ErrorKind::Invalid));
        }
        ctx.reply_metadata("machine", "7");
        tokio::time::sleep(Duration::from_secs(3600) * u32::try_from(parts)?).await;
        Ok(parts)
    }
}

/// The logic of a service: no transport and no frames, but its layers, formats and errors.
async fn nothing_to_do_is_an_error() -> Result<(), Error> {
    let batch = BatchClient::new(testing::direct(Server::builder().service(Machine.into_service())));
    let error = batch.run(0).await.expect_err("there is nothing to do");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    Ok(())
}

/// A server and a client in one process. On paused time three hours pass at once.
async fn a_long_batch_ends() -> Result<(), Error> {
    let server = Server::builder().service(Machine.into_service());
    let (client, running) = testing::connected(server).await?;
    let batch = BatchClient::new(client);

    let response = batch.run(3).timeout(Duration::from_secs(4 * 3600)).response().await?;
    assert_eq!((response.value, response.metadata.get("machine")), (3, Some("7")));

    let error =
        batch.run(3).timeout(Duration::from_secs(2 * 3600)).await.expect_err("two hours are not enough");
    assert_eq!(error.kind(), ErrorKind::Deadline);

    let report = running.stop().await;
    assert_eq!(report.cut, 0);
    Ok(())
}

/// A far end that misbehaves: a server, spoken frame by frame, that goes away in the middle of a call.
async fn a_lost_connection_may_have_run() -> Result<(), Box<dyn std::error::Error>> {
    let network = Memory::new();
    let mut listener = FrameListener::bind(&network, "flaky").await?;
    let client = Client::builder().heartbeat(None).transport(network).connect("memory@flaky").await?;
    let batch = BatchClient::new(client);

    let server = async {
        let mut peer = listener.accept().await?;
        peer.receive().await?;
        drop(peer);
        std::io::Result::Ok(())
    };
    let (result, served) = tokio::join!(batch.run(1).response(), server);
    served?;
    let error = result.expect_err("nobody answers");
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, Sent::Maybe));
    println!("  {error}");
    Ok(())
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let begun = std::time::Instant::now();
    nothing_to_do_is_an_error().await?;
    println!("nothing to do is an error: passed");
    a_long_batch_ends().await?;
    println!("a long batch ends: passed");
    a_lost_connection_may_have_run().await?;
    println!("a lost connection may have run: passed");
    println!("five hours took less than a second: {}", begun.elapsed() < Duration::from_secs(1));
    Ok(())
}
