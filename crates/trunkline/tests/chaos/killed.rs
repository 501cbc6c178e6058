use std::time::Duration;

use tokio::time::{Instant, sleep};
use trunkline::registry::List;

use crate::load::{Calls, Load, all_well, client, list};
use crate::process::Process;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_fails_no_idempotent_call_and_is_called_again_when_it_is_back() {
    let mut servers = Vec::new();
    for _ in 0..3 {
        servers.push(Process::start("127.0.0.1:0").await);
    }
    let instances = List::new(list(servers.iter().map(|s| &*s.address)));
    let client = client(&instances).await;
    let load = Load::start(&client, Calls::Who);
    load.until_answered_by(3).await;
    let killed = Instant::now();
    servers[0].kill().await;
    sleep(Duration::from_secs(2)).await;
    let settled = Instant::now();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(load.processes(settled).len(), 2);
    // Nobody tells the client: it goes on dialling.
    servers[0] = Process::start(&servers[0].address).await;
    load.until_answered_by(3).await;
    let seen = load.end().await;
    let p99 = all_well(&seen, killed, settled);
    println!("kill -9: p99 {p99:?} for two seconds after it");
}
