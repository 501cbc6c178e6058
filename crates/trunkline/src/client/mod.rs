//! Calling: a [`Client`] is a cheap handle that lives as long as the program.
//!
//! A call is a [`Request`]: options are set on it, then it is awaited. Every call has a limit in
//! time, every error says whether the call may have run, and a lost connection is dialled again
//! in the background.

mod attempt;
mod builder;
mod configure;
mod connection;
mod dialler;
mod endpoint;
mod exchange;
mod explanation;
mod fail;
mod fan_out;
mod fleet;
mod handle;
mod health;
mod heartbeat;
mod in_flight;
mod inbound;
mod live;
mod outcome;
mod pool;
mod request;
mod settings;
mod status;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "tower")]
mod tower;
mod wishes;

pub use builder::ClientBuilder;
pub use exchange::CallFuture;
pub use fail::{FailMode, Retries, RetryBudget};
pub use fan_out::Receipt;
pub use handle::{Client, RawResponse, ServiceClient};
pub use health::{Breaker, BreakerState, Ejection};
pub use inbound::{PushStream, Pushed};
pub use request::{Request, Response};
pub use status::{CalledService, ClientStatus, InstanceStatus};

/// More callers wait for a place on one connection than may.
#[derive(Debug)]
pub(crate) struct TooManyWaiting;
