//! The registry in memory, and through it the supervisor: all stories, on paused time.

use trunkline::registry::{MemoryRegistry, Registry, Settings};

use crate::suite::Subject;

impl Subject for MemoryRegistry {
    fn settings(&self) -> Settings {
        Settings::default()
    }

    fn open_with(&self, settings: Settings) -> Registry {
        self.registry().settings(settings)
    }

    async fn stop(&self) {
        self.faults().stop();
    }

    async fn start(&self) {
        self.faults().start();
    }

    async fn wipe(&self) {
        self.faults().wipe();
    }

    async fn freeze(&self) {
        self.faults().freeze();
    }

    async fn thaw(&self) {
        self.faults().thaw();
    }

    async fn expire_sessions(&self) {
        self.faults().expire_sessions();
    }

    async fn cut_streams(&self) {
        self.faults().cut_streams();
    }

    async fn junk(&self, service: &str) {
        for (address, text) in [("", ""), ("tcp@", "weight=1"), ("a/b/c", "x"), ("tcp@h", "%zz")] {
            self.faults().put(service, address, text);
        }
    }

    fn disorder(&self) {
        self.faults().double_events(true);
        self.faults().reverse_events(true);
        self.faults().lose_events(3);
    }
}

every_back_end!(
    #[tokio::test(start_paused = true)]
    MemoryRegistry::new()
);
