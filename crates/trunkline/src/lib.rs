//! A microservice RPC framework: services register, find and call one another, on the wire and
//! in the registries as Go's rpcx does it.
//!
//! What a reader finds where: [`Server`] serves, [`Client`] calls, [`codec`] holds the formats,
//! [`middleware`] goes around calls on both ends, [`transport`] carries the bytes.

pub mod budget;
pub mod call;
pub mod client;
pub mod codec;
pub mod config;
mod ctx;
mod error;
mod failure;
mod frame;
pub mod middleware;
pub mod server;
#[cfg(feature = "testing")]
pub mod testing;
pub mod transport;
pub mod types;

pub use budget::ByteBudget;
pub use call::{Body, Call, Extensions, Reply};
pub use client::Client;
pub use ctx::{Ctx, Pusher};
pub use error::{Error, ErrorKind, Fault, Sent};
pub use failure::{Failure, IntoFailure, Result};
pub use server::{Server, Service};
#[doc = include_str!("../docs/failure.md")]
#[cfg(feature = "macros")]
pub use trunkline_macros::Failure;
#[cfg(all(feature = "macros", feature = "thrift"))]
#[doc = include_str!("codec/thrift.md")]
pub use trunkline_macros::Thrift;
#[cfg(feature = "macros")]
#[doc = include_str!("codec/message.md")]
pub use trunkline_macros::message;
#[doc = include_str!("../docs/service.md")]
#[cfg(feature = "macros")]
pub use trunkline_macros::service;
pub use trunkline_wire as wire;
pub use trunkline_wire::{CompressType, Metadata, SerializeType};

/// The first of [`DefaultFormats`]: the one that clients use.
#[cfg(feature = "msgpack")]
pub type DefaultFormat = codec::MsgPack;
/// The first of [`DefaultFormats`]: the one that clients use.
#[cfg(all(not(feature = "msgpack"), feature = "json"))]
pub type DefaultFormat = codec::Json;

/// The formats that closures, and services that do not say, speak.
#[cfg(all(feature = "msgpack", feature = "json"))]
pub type DefaultFormats = (codec::MsgPack, codec::Json);
/// The formats that closures, and services that do not say, speak.
#[cfg(all(feature = "msgpack", not(feature = "json")))]
pub type DefaultFormats = (codec::MsgPack,);
/// The formats that closures, and services that do not say, speak.
#[cfg(all(not(feature = "msgpack"), feature = "json"))]
pub type DefaultFormats = (codec::Json,);

/// The guide: a page for each thing to know, in the order in which a newcomer may want them. Its examples are compiled
/// and run.
#[cfg(all(any(doc, doctest), feature = "macros", feature = "msgpack", feature = "json"))]
pub mod guide {
    #[doc = include_str!("../docs/guide/services.md")]
    pub mod services {}

    #[doc = include_str!("../docs/guide/messages.md")]
    pub mod messages {}

    #[doc = include_str!("../docs/guide/clients.md")]
    pub mod clients {}

    #[doc = include_str!("../docs/guide/errors.md")]
    pub mod errors {}

    #[doc = include_str!("../docs/guide/stopping.md")]
    pub mod stopping {}

    #[doc = include_str!("../docs/guide/limits.md")]
    pub mod limits {}

    #[doc = include_str!("../docs/guide/from-go.md")]
    pub mod from_go {}
}

/// The README's code is compiled and run with the documentation's.
#[cfg(all(doctest, feature = "macros", feature = "msgpack", feature = "json"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// For what the macros write; not for use by hand.
#[doc(hidden)]
pub mod __private {
    #[cfg(feature = "json")]
    pub use crate::failure::Detailed;
    pub use crate::failure::Worded;
}
