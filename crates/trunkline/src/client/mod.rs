//! Calling: a [`Client`] is a cheap handle that lives as long as the program.
//!
//! A call is a [`Request`]: options are set on it, then it is awaited. Every call has a limit in
//! time, every error says whether the call may have run, and a lost connection is dialled again
//! in the background.

mod attempt;
mod builder;
mod configure;
mod connection;
mod endpoint;
mod handle;
mod in_flight;
mod inbound;
mod request;
mod settings;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "tower")]
mod tower;

pub use builder::ClientBuilder;
pub use handle::{Client, RawResponse, ServiceClient};
pub use inbound::{PushStream, Pushed};
pub use request::{CallFuture, Request, Response};

/// More callers wait for a place on one connection than may.
#[derive(Debug)]
pub(crate) struct TooManyWaiting;
