//! Stopping in order: what is under way is finished, what takes too long is cut, and the report counts both.
//!
//! `cargo run --example stopping`

use std::time::Duration;

use trunkline::{Client, Error, Result, Server};

#[trunkline::service]
trait Work {
    /// Takes so many milliseconds.
    async fn work(&self, millis: u64) -> Result<u64>;
    /// The same, and goes on when its caller or its server cannot wait.
    #[method(run_to_completion)]
    async fn finish(&self, millis: u64) -> Result<u64>;
}

struct Worker;

impl Work for Worker {
    async fn work(&self, millis: u64) -> Result<u64> {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        Ok(millis)
    }

    async fn finish(&self, millis: u64) -> Result<u64> {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        println!("  (server: the {millis} ms that run to completion are over)");
        Ok(millis)
    }
}

async fn stop_while_calls_run(drain: Duration) -> Result<(), Error> {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = Server::builder()
        .service(Worker.into_service())
        // The first thing that happens: tell whoever sends calls here.
        .on_stop(|| async { println!("  (server: stopping)") })
        // Then everything is served for a while as before.
        .grace(Duration::from_millis(50))
        // And what is under way gets this long.
        .drain(drain)
        .bind("tcp@127.0.0.1:0")
        .await?;
    let client = Client::connect(server.address()).await?;
    // In a program of your own the signal is `tokio::signal::ctrl_c()` or the like.
    let serving = tokio::spawn(server.serve_until(async { stopped.await.unwrap_or_default() }));

    let calls = [100, 600].map(|millis| {
        let work = WorkClient::new(client.clone());
        tokio::spawn(async move {
            match work.work(millis).await {
                Ok(millis) => println!("work of {millis} ms: answered"),
                Err(error) => println!("work of {millis} ms: {error}"),
            }
        })
    });
    let work = WorkClient::new(client.clone());
    let finish = tokio::spawn(async move { work.finish(500).await.map(drop).map_err(|e| e.kind()) });
    tokio::time::sleep(Duration::from_millis(30)).await;

    let _ = stop.send(());
    let report = serving.await.expect("the server does not panic");
    println!(
        "stopped: {} calls were under way, {} were cut, {} connection, {:.1} s\n",
        report.under_way,
        report.cut,
        report.connections,
        report.took.as_secs_f64()
    );
    for call in calls {
        call.await.expect("the call does not panic");
    }
    println!("the call that runs to completion: {:?}\n", finish.await.expect("the call does not panic"));
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    println!("--- with two seconds for what is under way");
    stop_while_calls_run(Duration::from_secs(2)).await?;
    println!("--- with 200 milliseconds");
    stop_while_calls_run(Duration::from_millis(200)).await?;
    // The method that runs to completion is not dropped with its call.
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(())
}
