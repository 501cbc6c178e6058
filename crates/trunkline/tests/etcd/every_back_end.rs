//! The suite for all back ends, over etcd behind a proxy.

use std::sync::Mutex;
use std::time::Duration;

use trunkline::registry::{Registry, Settings};

use crate::proxy::Proxy;
use crate::server::Etcd;
use crate::suite::Subject;

struct Proxied {
    etcd: Mutex<Etcd>,
    proxy: Proxy,
}

impl Proxied {
    async fn start() -> Option<Self> {
        let etcd = Etcd::start()?;
        let proxy = Proxy::to(etcd.client).await;
        Some(Self { etcd: Mutex::new(etcd), proxy })
    }

    fn with(&self, act: impl FnOnce(&mut Etcd)) {
        act(&mut self.etcd.lock().unwrap());
    }
}

impl Subject for Proxied {
    fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.ttl = Duration::from_secs(5);
        settings.check = Duration::from_secs(1);
        settings.grace = Duration::from_secs(6);
        settings
    }

    fn open_with(&self, settings: Settings) -> Registry {
        let url = format!("etcd://127.0.0.1:{}/rpcx_test", self.proxy.port);
        Registry::open(&url).unwrap().settings(settings)
    }

    async fn stop(&self) {
        self.with(Etcd::kill);
    }

    async fn start(&self) {
        self.with(|etcd| {
            if !etcd.is_running() {
                etcd.restart();
            }
        });
    }

    async fn wipe(&self) {
        self.with(|etcd| {
            etcd.kill();
            etcd.wipe();
            etcd.restart();
        });
    }

    async fn freeze(&self) {
        self.with(|etcd| etcd.freeze());
    }

    async fn thaw(&self) {
        self.with(|etcd| etcd.thaw());
    }

    async fn expire_sessions(&self) {
        self.with(|etcd| {
            for lease in etcd.leases() {
                etcd.ctl(&["lease", "revoke", &lease]);
            }
        });
    }

    async fn cut_streams(&self) {
        self.proxy.cut();
    }

    async fn junk(&self, service: &str) {
        self.with(|etcd| {
            for child in ["", "junk", "tcp@", "tcp@h", "tcp@10.0.0.1:1/deeper", "a/b/c"] {
                etcd.ctl(&["put", &format!("/rpcx_test/{service}/{child}"), "%zz"]);
            }
        });
    }
}

every_back_end!(
    #[tokio::test(flavor = "multi_thread")]
    match Proxied::start().await {
        Some(subject) => subject,
        None => return,
    }
);
