//! What servers and clients can be told by a file: plain structs, read by serde from whatever
//! format a program likes.
//!
//! Every key may be left out, and then what the builder has stays. A key that does not exist is
//! refused, so that a slip of the pen is no silent default, and every error names the key.
//! Durations are text with a unit, `"1.5s"`, `"200ms"`, `"1h30m"`; sizes are numbers of bytes.
//! What can be switched off, such as heartbeats, is a duration or `"off"`.
//!
//! ```
//! use trunkline::config::{ClientConfig, ServerConfig};
//! use trunkline::{Client, Server};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config: ServerConfig = serde_json::from_str(
//!     r#"{ "drain": "10s", "limits": { "in_flight": 1000, "idle": "5m" } }"#,
//! )?;
//! let server = Server::builder().config(&config).bind("tcp@127.0.0.1:0").await?;
//!
//! let config: ClientConfig = serde_json::from_str(
//!     r#"{ "timeout": "2s", "methods": { "Arith.Mul": { "timeout": "50ms", "idempotent": true } } }"#,
//! )?;
//! let client = Client::builder().config(&config).connect(server.address()).await?;
//! # drop(client);
//!
//! let error = serde_json::from_str::<ClientConfig>(r#"{ "timeout": "2 parsecs" }"#).unwrap_err();
//! assert!(error.to_string().starts_with("timeout: `2 parsecs` is no duration"), "{error}");
//! # Ok(()) }
//! ```
//!
//! In TOML, which reads the same:
//!
//! ```toml
//! timeout = "2s"
//! heartbeat = "off"
//!
//! [methods]
//! "Arith.Mul" = { timeout = "50ms", idempotent = true }
//! ```

pub(crate) mod check;
mod client;
mod duration;
mod keys;
mod server;
mod texts;
mod tls;

pub use client::{Backoff, BreakerConfig, ClientConfig, MethodConfig, RetriesConfig, RetryBudgetConfig};
pub use duration::{DurationError, format_duration, parse_duration};
pub use server::{LimitsConfig, ServerConfig};
pub use texts::Texts;
pub use tls::{ClientTlsConfig, ServerTlsConfig};

/// A thing that is on, with a value, or off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Switch<T> {
    /// Not at all; `"off"` in a file.
    Off,
    /// On, with this value.
    On(T),
}

impl<T> Switch<T> {
    /// The value, where it is on.
    pub fn on(self) -> Option<T> {
        match self {
            Self::Off => None,
            Self::On(value) => Some(value),
        }
    }
}

impl<T> From<T> for Switch<T> {
    fn from(value: T) -> Self {
        Self::On(value)
    }
}
