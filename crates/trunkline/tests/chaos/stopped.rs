use std::time::Duration;

use tokio::time::{Instant, sleep};
use trunkline::registry::List;

use crate::load::{Calls, Load, all_well, client, list};
use crate::process::Process;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_process_fails_no_idempotent_call_and_is_called_again_when_it_goes_on() {
    let mut servers = Vec::new();
    for _ in 0..3 {
        servers.push(Process::start("127.0.0.1:0").await);
    }
    let instances = List::new(list(servers.iter().map(|s| &*s.address)));
    let client = client(&instances).await;
    let load = Load::start(&client, Calls::Who);
    load.until_answered_by(3).await;
    let stopped = Instant::now();
    servers[0].signal("-STOP").await;
    // A second of silence, three for a heartbeat, and the calls that waited go elsewhere.
    sleep(Duration::from_secs(7)).await;
    let settled = Instant::now();
    sleep(Duration::from_secs(2)).await;
    assert_eq!(load.processes(settled).len(), 2);
    let after = Instant::now();
    servers[0].signal("-CONT").await;
    load.until_answered_by(3).await;
    let seen = load.end().await;
    let p99 = all_well(&seen, stopped, settled);
    let quiet = all_well(&seen, settled, after);
    println!("SIGSTOP: p99 {p99:?} while it is found out, {quiet:?} then");
    // Its kernel takes connections all the while: whoever does not ask it to speak waits again.
    assert!(quiet < Duration::from_secs(1), "{quiet:?}");
}
