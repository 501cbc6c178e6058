//! The file of last good lists: what a client has to go by while its registry is down.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::sleep;
use trunkline::registry::{MemoryRegistry, Registry, Settings, Trust};

use crate::suite::{register, texts, until, until_list, watch};

/// A folder of this test's own, which goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("trunkline-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn open(&self, registry: &MemoryRegistry) -> Registry {
        let mut settings = Settings::default();
        settings.last_good = Some(self.0.clone());
        registry.registry().settings(settings)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }

    /// Waits until nobody writes any more: time that is paused stands still while anybody does.
    async fn settle(&self) {
        sleep(Duration::from_secs(1)).await;
    }

    async fn until(&self, name: &str, content: &str) {
        for _ in 0..500 {
            if self.read(name) == content {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("{name} is still {:?}", self.read(name));
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A test that failed may be writing still.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_starts_with_the_last_good_list_while_the_registry_is_down() {
    let (registry, folder) = (MemoryRegistry::new(), Folder::new("starts"));
    let first = register(&registry.registry(), "Arith", "tcp@10.0.0.1:1?weight=3&group=a").await;
    {
        let mut watch = watch(&folder.open(&registry), "Arith");
        until(&mut watch, Duration::from_secs(5), |s| !s.instances().is_empty()).await;
        folder.until("Arith.json", r#"[{"Key":"tcp@10.0.0.1:1","Value":"weight=3\u0026group=a"}]"#).await;
        let _second = register(&registry.registry(), "Arith", "tcp@10.0.0.2:1").await;
        until(&mut watch, Duration::from_secs(5), |s| s.instances().len() == 2).await;
        let both = r#"[{"Key":"tcp@10.0.0.1:1","Value":"weight=3\u0026group=a"},{"Key":"tcp@10.0.0.2:1","Value":""}]"#;
        folder.until("Arith.json", both).await;
    }

    registry.faults().stop();
    let mut watch = watch(&folder.open(&registry), "Arith");
    let snapshot = until(&mut watch, Duration::from_secs(5), |s| !s.instances().is_empty()).await;
    assert_eq!(texts(&snapshot), ["tcp@10.0.0.1:1?weight=3&group=a", "tcp@10.0.0.2:1"]);
    assert!(matches!(snapshot.trust(), Trust::Stale { .. }), "{snapshot:?}");

    registry.faults().start();
    until(&mut watch, Duration::from_secs(120), |s| *s.trust() == Trust::Fresh && s.instances().len() == 1)
        .await;
    drop((first, watch));
    folder.settle().await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_list_is_never_written_over_a_good_one() {
    let (registry, folder) = (MemoryRegistry::new(), Folder::new("empty"));
    let registration = register(&registry.registry(), "Arith", "tcp@10.0.0.1:1").await;
    let mut watch = watch(&folder.open(&registry), "Arith");
    let written = r#"[{"Key":"tcp@10.0.0.1:1","Value":""}]"#;
    folder.until("Arith.json", written).await;
    registration.close().await.unwrap();
    until(&mut watch, Duration::from_secs(60), |s| s.instances().is_empty()).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(folder.read("Arith.json"), written);
    drop(watch);
    folder.settle().await;
}

#[tokio::test(start_paused = true)]
async fn a_file_of_gos_is_read_and_a_broken_one_is_not_an_error() {
    let (registry, folder) = (MemoryRegistry::new(), Folder::new("go"));
    registry.faults().stop();
    let go = r#"[{"Key":"tcp@h:1","Value":"weight=3\u0026group=a"},{"Key":"tcp@h:2","Value":""}]"#;
    std::fs::write(folder.0.join("Arith.json"), go).unwrap();
    std::fs::write(folder.0.join("Math.json"), "[{\"Key\":").unwrap();
    let client = folder.open(&registry);
    until_list(
        &mut watch(&client, "Arith"),
        Duration::from_secs(5),
        &["tcp@h:1?weight=3&group=a", "tcp@h:2"],
    )
    .await;
    let mut broken = watch(&client, "Math");
    let snapshot = until(&mut broken, Duration::from_secs(5), |s| *s.trust() != Trust::Waiting).await;
    assert!(snapshot.instances().is_empty());
}
