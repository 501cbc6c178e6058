//! What a server can be told by a file.

use std::collections::BTreeMap;
use std::time::Duration;

use super::keys::keys;
use super::{ServerTlsConfig, Switch, Texts};

keys! {
    /// What a server can be told by a file: see [the module](super) for how keys are written.
    ///
    /// ```
    /// use trunkline::config::ServerConfig;
    ///
    /// let text = r#"{ "grace": "3s", "limits": { "connections": 500, "frame": 1048576 } }"#;
    /// let config: ServerConfig = serde_json::from_str(text)?;
    /// assert_eq!(config.limits.unwrap_or_default().connections, Some(500));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub struct ServerConfig {
        /// The registries to register all services in: a URL, or a list of them.
        pub register: Option<Texts>,
        /// The address that registries shall hold, or a part of it: `"tcp@10.0.0.5:8972"`,
        /// `"10.0.0.5"`, `":30000"`.
        pub advertise: Option<Texts>,
        /// From which block of addresses to take the machine's own, `"10.0.0.0/8"` say.
        pub advertise_from: Option<Texts>,
        /// What registries shall say of the server: `"weight=3&group=a"`.
        pub attributes: Option<String>,
        /// The same for single services, by their path.
        pub service_attributes: Option<BTreeMap<String, String>>,
        /// When the server counts as ready: `"everywhere"`, `"anywhere"` or `"serving"`.
        pub ready_when: Option<String>,
        /// How long to go on serving between withdrawing from the registries and refusing
        /// connections.
        pub grace: Option<Duration>,
        /// How long a stop waits for calls under way before it cuts them.
        pub drain: Option<Duration>,
        /// Lets every call run to its end although its caller is gone or out of time.
        pub run_to_completion: Option<bool>,
        /// How many bytes may be held for far ends. Of this server alone: a budget that is
        /// shared is given to the builder.
        pub budget: Option<usize>,
        /// The bounds.
        pub limits: Option<LimitsConfig>,
        /// TLS on `tcp`, `tcp4` and `tcp6`; needs the feature `tls`.
        pub tls: Option<ServerTlsConfig>,
    }
}

keys! {
    /// The bounds of a server; see [`ServerLimits`](crate::server::ServerLimits) for what each
    /// means and is by default.
    pub struct LimitsConfig {
        /// The largest frame, in bytes.
        pub frame: Option<usize>,
        /// The largest metadata block, in bytes.
        pub metadata: Option<usize>,
        /// The largest payload after decompression, in bytes.
        pub inflated: Option<usize>,
        /// Connections at the same time.
        pub connections: Option<usize>,
        /// Calls under way on one connection.
        pub in_flight_per_connection: Option<usize>,
        /// Calls under way on the whole server.
        pub in_flight: Option<usize>,
        /// Requests of one connection that wait for a place.
        pub queue_per_connection: Option<usize>,
        /// How long a request without a deadline waits for a place.
        pub queue_wait: Option<Duration>,
        /// Bytes of answers that a peer has not read before nothing more is read from it.
        pub unwritten_per_connection: Option<usize>,
        /// How long a connection may be silent and idle.
        pub idle: Option<Switch<Duration>>,
        /// How long a frame that has begun may stand still.
        pub read_stall: Option<Duration>,
        /// How long a peer may take none of its answers.
        pub write_stall: Option<Duration>,
    }
}
