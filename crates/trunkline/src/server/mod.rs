//! Serving: services and functions behind addresses.
//!
//! A [`Server`] is built, bound and run. Every bound in [`ServerLimits`] is on by default. See
//! [`Server::serve_until`] for the order of a stop.

mod admission;
mod answer;
mod arrived;
mod builder;
mod configure;
mod connection;
#[cfg(feature = "testing")]
mod direct;
mod dispatch;
mod endpoint;
mod filter;
mod first_calls;
mod handler;
mod inflate;
mod late;
mod leaving;
mod limits;
mod outcome;
mod pace;
mod permit;
mod push;
mod registration;
mod router;
mod running;
mod seat;
mod serve;
mod service;
mod shared;
mod status;
mod sweep;
#[cfg(feature = "tls")]
mod tls;
mod tracker;
mod unread;

pub use builder::ServerBuilder;
pub use filter::{ConnectionFilter, ConnectionRate, IpList};
pub use handler::{ArgsOnly, Function, Method, MethodFlags, WithCtx};
pub use limits::ServerLimits;
pub use registration::{LeftBehind, ReadyWhen, RegistrationStatus};
pub use serve::{RunningServer, Server, ServerHandle, StopReport};
pub use service::{MethodInfo, Service, ServiceInfo};
pub use status::{ServedService, ServerStatus};
