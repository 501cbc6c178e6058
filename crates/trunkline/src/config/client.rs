//! What a client can be told by a file.

use std::collections::BTreeMap;
use std::time::Duration;

use super::keys::keys;
use super::{ClientTlsConfig, Switch};

keys! {
    /// What a client can be told by a file: see [the module](super) for how keys are written, and
    /// [`ClientBuilder`](crate::client::ClientBuilder) for what each is by default.
    ///
    /// ```
    /// use trunkline::config::ClientConfig;
    ///
    /// let text = r#"{ "timeout": "2s", "heartbeat": "off", "backoff": { "most": "30s" } }"#;
    /// let config: ClientConfig = serde_json::from_str(text)?;
    /// assert!(config.timeout.is_some());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub struct ClientConfig {
        /// How long a call may take when neither it nor its method says.
        pub timeout: Option<Duration>,
        /// How long a connection may take to come up.
        pub connect_timeout: Option<Duration>,
        /// How often to ask a silent server whether it is there.
        pub heartbeat: Option<Switch<Duration>>,
        /// How long a heartbeat waits for its echo.
        pub heartbeat_timeout: Option<Duration>,
        /// How many connections to hold to a server.
        pub connections: Option<usize>,
        /// How many calls one connection carries at a time.
        pub in_flight: Option<usize>,
        /// How arguments above 1,024 bytes are compressed: `"none"`, `"gzip"`, or the number
        /// under which a compressor was added.
        pub compress: Option<String>,
        /// The pauses between failed dials.
        pub backoff: Option<Backoff>,
        /// How many bytes may be held for far ends. Of this client alone: a budget that is shared
        /// is given to the builder.
        pub budget: Option<usize>,
        /// The largest frame a server may send, in bytes.
        pub frame: Option<usize>,
        /// The largest metadata block a server may send, in bytes.
        pub metadata: Option<usize>,
        /// The largest reply after decompression, in bytes.
        pub inflated: Option<usize>,
        /// How the instance for a call is chosen: see [`by_name`](crate::balance::by_name).
        pub balancer: Option<String>,
        /// Calls only instances of this group.
        pub group: Option<String>,
        /// What to do when an attempt fails: `"failover"`, `"failfast"`, `"failtry"` or
        /// `"failbackup"`; names are read as rpcx writes them, too.
        pub fail_mode: Option<String>,
        /// How often and when to try again.
        pub retries: Option<RetriesConfig>,
        /// How much load retries may add.
        pub retry_budget: Option<RetryBudgetConfig>,
        /// When calls are kept from an instance on which they fail.
        pub breaker: Option<BreakerConfig>,
        /// Whether an instance that does much worse than the others is put aside.
        pub ejection: Option<bool>,
        /// What holds for one method, by `Service.Method`. A service may have dots in its path:
        /// the last one counts.
        pub methods: Option<BTreeMap<String, MethodConfig>>,
        /// TLS on `tcp`, `tcp4` and `tcp6`; needs the feature `tls`.
        pub tls: Option<ClientTlsConfig>,
    }
}

keys! {
    /// What holds for the calls of one method. What a call says for itself counts more; what the
    /// service declares counts less.
    ///
    /// ```
    /// use std::time::Duration;
    /// use trunkline::Client;
    /// use trunkline::config::MethodConfig;
    ///
    /// let mut quick = MethodConfig::default();
    /// quick.timeout = Some(Duration::from_millis(50));
    /// quick.idempotent = Some(true);
    /// let builder = Client::builder().method("Arith", "Mul", quick);
    /// # let _ = builder;
    /// ```
    pub struct MethodConfig {
        /// How long a call may take.
        pub timeout: Option<Duration>,
        /// Whether doing the work twice is the same as doing it once.
        pub idempotent: Option<bool>,
    }
}

keys! {
    /// The pauses between failed dials: the first, doubled each time up to the last.
    pub struct Backoff {
        /// The first pause.
        pub first: Option<Duration>,
        /// The longest pause.
        pub most: Option<Duration>,
    }
}

keys! {
    /// How often and when to try again.
    pub struct RetriesConfig {
        /// Up to so many attempts after the first.
        pub most: Option<usize>,
        /// The first pause before a retry that waits.
        pub first: Option<Duration>,
        /// The longest pause.
        pub longest: Option<Duration>,
        /// How long one attempt of an idempotent call may take.
        pub attempt_timeout: Option<Duration>,
        /// When `failbackup` sends its second copy.
        pub backup_after: Option<Duration>,
        /// Tries again what may have run, idempotent or not, as rpcx does.
        pub blind: Option<bool>,
    }
}

keys! {
    /// How much load retries may add.
    pub struct RetryBudgetConfig {
        /// Such a share of the calls, 0.2 say.
        pub share: Option<f64>,
        /// And so many a second besides.
        pub per_second: Option<f64>,
    }
}

keys! {
    /// When calls are kept from an instance on which they fail: after so many failures in a row
    /// where that is said, else by their share.
    pub struct BreakerConfig {
        /// False: never.
        pub on: Option<bool>,
        /// So many failures in a row.
        pub consecutive: Option<usize>,
        /// Such a share of the calls within the window.
        pub share: Option<f64>,
        /// Of at least so many calls.
        pub calls: Option<usize>,
        /// The window.
        pub window: Option<Duration>,
        /// How long it is open at first.
        pub pause: Option<Duration>,
        /// How long it is open at most.
        pub longest: Option<Duration>,
    }
}
