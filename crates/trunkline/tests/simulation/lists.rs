//! Whatever happens to a registry and to its events: the client never has nobody to call while
//! there is somebody, and in the end it has the registry's list.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use trunkline::Client;
use trunkline::client::FailMode;
use trunkline::registry::{Faults, MemoryRegistry, Settings};
use trunkline::testing::Network;

use crate::scene::{METHOD, SERVICE};

/// Always registered, but for the moment after the registry has lost everything.
const ANCHOR: &str = "memory@anchor";
const GRACE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
enum Step {
    Put(u8),
    Remove(u8),
    Cut,
    Lose(u8),
    Double(bool),
    Reverse(bool),
    Stop,
    Start,
    Freeze,
    /// Everything is gone, and the instances register again after so many milliseconds.
    Wipe(u16),
    Wait(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..6u8).prop_map(Step::Put),
        4 => (0..6u8).prop_map(Step::Remove),
        1 => Just(Step::Cut),
        1 => (1..4u8).prop_map(Step::Lose),
        1 => any::<bool>().prop_map(Step::Double),
        1 => any::<bool>().prop_map(Step::Reverse),
        1 => Just(Step::Stop),
        2 => Just(Step::Start),
        1 => Just(Step::Freeze),
        1 => (0..20_000u16).prop_map(Step::Wipe),
        6 => (0..8_000u16).prop_map(Step::Wait),
    ]
}

fn address(n: u8) -> String {
    format!("memory@i{n}")
}

/// All instances on the client's list: a call of somebody who is not there says who is.
async fn list(client: &Client) -> BTreeSet<String> {
    let error = client
        .service(SERVICE)
        .call::<i64, i64>(METHOD, &1)
        .to("memory@nobody")
        .fail_mode(FailMode::Failfast);
    let error = error.await.unwrap_err();
    let excluded = &error.explanation().expect("it is explained").excluded;
    excluded.iter().map(|excluded| excluded.address.to_string()).collect()
}

struct World {
    faults: Faults,
    client: Client,
    source: BTreeSet<String>,
    began: tokio::time::Instant,
}

impl World {
    async fn take(&mut self, step: &Step) {
        match step {
            Step::Put(n) => {
                self.source.insert(address(*n));
                self.faults.put(SERVICE, &address(*n), "");
            }
            Step::Remove(n) => {
                self.source.remove(&address(*n));
                self.faults.remove(SERVICE, &address(*n));
            }
            Step::Cut => self.faults.cut_streams(),
            Step::Lose(n) => self.faults.lose_events(usize::from(*n)),
            Step::Double(on) => self.faults.double_events(*on),
            Step::Reverse(on) => self.faults.reverse_events(*on),
            Step::Stop => self.faults.stop(),
            Step::Start => self.faults.start(),
            Step::Freeze => self.faults.freeze(),
            Step::Wipe(ms) => {
                self.faults.wipe();
                self.wait(*ms).await;
                for address in &self.source {
                    self.faults.put(SERVICE, address, "");
                }
                // The client may take its time to hear of it; who is gone again by then was never
                // there for it.
                self.wait(5_000).await;
            }
            Step::Wait(ms) => self.wait(*ms).await,
        }
    }

    /// Lets time pass and looks at the list meanwhile.
    async fn wait(&self, ms: u16) {
        for _ in 0..=ms / 500 {
            tokio::time::sleep(Duration::from_millis(u64::from(ms.min(500)))).await;
            let shown = list(&self.client).await;
            assert!(
                !shown.is_empty(),
                "{:?}: nobody is left, and {:?} are there",
                self.began.elapsed(),
                self.source
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_client_never_has_nobody_and_in_the_end_the_sources_list(
        seed in any::<u64>(),
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let registry = MemoryRegistry::new();
            let settings = Settings::default();
            assert_eq!(settings.grace, GRACE);
            let resolver = registry.registry().resolver().unwrap();
            let client = Client::builder().transport(Network::new()).seed(seed).connect_to(resolver).await.unwrap();
            let mut world = World { faults: registry.faults(), client, source: BTreeSet::from([ANCHOR.to_owned()]), began: tokio::time::Instant::now() };
            world.faults.put(SERVICE, ANCHOR, "");
            assert_eq!(list(&world.client).await, world.source);
            for step in &steps {
                world.take(step).await;
            }
            // All is well again: what was held back is let go within the grace time.
            world.faults.lose_events(0);
            world.faults.double_events(false);
            world.faults.reverse_events(false);
            world.faults.start();
            tokio::time::sleep(GRACE * 2 + Duration::from_secs(30)).await;
            assert_eq!(list(&world.client).await, world.source);
        });
    }
}
