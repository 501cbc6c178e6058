use std::collections::HashMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use trunkline::registry::List;

use crate::load::{Calls, Load, all_well, client, list};
use crate::process::Process;

/// Every server is shut down in order and another one takes its place, while calls go on that must
/// not be made twice. The first time the client learns of it from the server alone, then from the
/// list as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_come_and_go_in_order_and_no_work_is_lost_or_done_twice() {
    let mut servers = Vec::new();
    for _ in 0..3 {
        servers.push(Process::start("127.0.0.1:0").await);
    }
    let instances = List::new(list(servers.iter().map(|s| &*s.address)));
    let client = client(&instances).await;
    let begun = Instant::now();
    let load = Load::start(&client, Calls::Work);
    load.until_answered_by(3).await;
    let mut done: HashMap<u64, u64> = HashMap::new();
    for round in 0..3 {
        let leaving = servers.remove(0);
        if round > 0 {
            instances.set(list(servers.iter().map(|s| &*s.address)));
        }
        let more = leaving.stop().await;
        more.into_iter().for_each(|(id, times)| *done.entry(id).or_default() += times);
        sleep(Duration::from_secs(1)).await;
        servers.push(Process::start("127.0.0.1:0").await);
        instances.set(list(servers.iter().map(|s| &*s.address)));
        load.until_answered_by(3).await;
    }
    let asked = load.asked();
    let seen = load.end().await;
    let p99 = all_well(&seen, begun, Instant::now());
    println!("rolling: {} calls, p99 {p99:?}", seen.len());
    for server in servers {
        server.stop().await.into_iter().for_each(|(id, times)| *done.entry(id).or_default() += times);
    }
    let wrong: Vec<_> = (0..asked).filter(|id| done.get(id) != Some(&1)).collect();
    assert!(wrong.is_empty(), "done other than once: {wrong:?}");
}
