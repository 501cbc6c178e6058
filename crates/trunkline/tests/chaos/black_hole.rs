use std::time::Duration;

use tokio::time::{Instant, sleep};
use trunkline::registry::List;

use crate::load::{Calls, Load, all_well, client, list};
use crate::process::Process;
use crate::proxy::Proxy;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_packets_are_lost_fails_no_idempotent_call() {
    let mut servers = Vec::new();
    for _ in 0..3 {
        servers.push(Process::start("127.0.0.1:0").await);
    }
    let proxy = Proxy::start(&servers[0].address).await;
    let addresses = [&*proxy.address, &*servers[1].address, &*servers[2].address];
    let instances = List::new(list(addresses));
    let client = client(&instances).await;
    let load = Load::start(&client, Calls::Who);
    load.until_answered_by(3).await;
    let lost = Instant::now();
    proxy.drop_all();
    sleep(Duration::from_secs(7)).await;
    let settled = Instant::now();
    sleep(Duration::from_secs(2)).await;
    assert_eq!(load.processes(settled).len(), 2);
    let after = Instant::now();
    proxy.let_through();
    load.until_answered_by(3).await;
    let seen = load.end().await;
    let p99 = all_well(&seen, lost, settled);
    let quiet = all_well(&seen, settled, after);
    println!("packets lost: p99 {p99:?} while it is found out, {quiet:?} then");
    assert!(quiet < Duration::from_secs(1), "{quiet:?}");
}
