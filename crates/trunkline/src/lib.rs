//! A microservice RPC framework: services and their callers, on the wire as Go's rpcx has it, so that Go and Rust
//! programs call each other as they are.
//!
//! ```
//! # #[cfg(all(feature = "macros", feature = "msgpack", feature = "json"))] mod doc {
//! use trunkline::{Client, Error, Result, Server};
//!
//! #[trunkline::message]
//! pub struct Args { pub a: i64, pub b: i64 }
//!
//! #[trunkline::service]                       // the service `Arith`, with the method `Mul`
//! pub trait Arith {
//!     async fn mul(&self, args: Args) -> Result<i64>;
//! }
//!
//! struct Calculator;
//!
//! impl Arith for Calculator {
//!     async fn mul(&self, args: Args) -> Result<i64> {
//!         Ok(args.a * args.b)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] pub
//! async fn main() -> Result<(), Error> {
//!     let server = Server::builder().service(Calculator.into_service()).bind("tcp@127.0.0.1:0").await?.spawn();
//!
//!     let arith = ArithClient::new(Client::connect(server.address()).await?);
//!     assert_eq!(arith.mul(Args { a: 6, b: 7 }).await?, 42);
//!
//!     server.stop().await;
//!     Ok(())
//! }
//! # }
//! # #[cfg(all(feature = "macros", feature = "msgpack", feature = "json"))] doc::main().unwrap();
//! ```
//!
//! # Where to look
//!
//! | for | see |
//! |---|---|
//! | explanations, page by page | the module `guide`, in this documentation and in `docs/guide` |
//! | serving | [`Server`], [`ServerBuilder`](server::ServerBuilder), [`Service`], [`server`] |
//! | calling | [`Client`], [`ClientBuilder`](client::ClientBuilder), [`Request`](client::Request), [`client`] |
//! | services from traits, messages with Go's names | `#[trunkline::service]`, `#[trunkline::message]` |
//! | what a handler knows | [`Ctx`] |
//! | what a handler and a call end in | [`Failure`](struct@Failure), [`Error`], [`ErrorKind`] |
//! | formats, and one of your own | [`codec`]; types that cross to Go: [`types`] |
//! | what goes around calls | [`middleware`] |
//! | which instance gets a call | [`balance`] |
//! | bounds | [`ServerLimits`](server::ServerLimits), [`ByteBudget`] |
//! | registries: where servers are, and how they say so | [`registry`] |
//! | settings from files | [`config`] |
//! | networks, and one of your own | [`transport`] |
//! | the bytes themselves | [`wire`] |
//!
//! # Features
//!
//! | feature | brings |
//! |---|---|
//! | `macros` (default) | the two attributes, `#[derive(Failure)]` |
//! | `msgpack` (default) | MessagePack, the format of Go clients that do not say otherwise |
//! | `json` (default) | JSON, and typed details of errors |
//! | `gzip` (default) | gzip for payloads above 1,024 bytes |
//! | `protobuf` | protobuf, over prost |
//! | `thrift` | Thrift's binary protocol; with `macros`, `#[derive(Thrift)]` |
//! | `dns` | the registry `dns://`, over hickory-resolver |
//! | `admin` | pages about a running program: alive, ready, metrics, status |
//! | `metrics` | the metrics middleware, for Prometheus |
//! | `etcd` | registries in etcd (v3): `etcd://host:2379/base` |
//! | `tls` | TLS on TCP, both ways, with rustls and ring: see `transport::tls` |
//! | `tower` | tower's layers as middleware, and a client as a tower service |
//! | `testing` | clients without a network, scripted servers, simulations of fleets, far ends spoken frame by frame |
//!
//! Features add names and never change behaviour. There is no unsafe code, nothing global, and nothing here prints or
//! reads the environment.

#[cfg(feature = "admin")]
pub mod admin;
pub mod balance;
pub mod budget;
pub mod call;
mod chance;
pub mod client;
pub mod codec;
pub mod config;
mod ctx;
mod error;
pub mod explain;
mod failure;
mod frame;
mod later;
pub mod middleware;
pub mod registry;
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

    #[doc = include_str!("../docs/guide/discovery.md")]
    pub mod discovery {}

    #[doc = include_str!("../docs/guide/balancing.md")]
    pub mod balancing {}

    #[doc = include_str!("../docs/guide/explaining.md")]
    pub mod explaining {}

    #[doc = include_str!("../docs/guide/errors.md")]
    pub mod errors {}

    #[doc = include_str!("../docs/guide/failure.md")]
    pub mod failure {}

    #[doc = include_str!("../docs/guide/middleware.md")]
    pub mod middleware {}

    #[doc = include_str!("../docs/guide/registration.md")]
    pub mod registration {}

    #[doc = include_str!("../docs/guide/stopping.md")]
    pub mod stopping {}

    #[cfg(feature = "admin")]
    #[doc = include_str!("../docs/guide/operating.md")]
    pub mod operating {}

    #[doc = include_str!("../docs/guide/limits.md")]
    pub mod limits {}

    #[doc = include_str!("../docs/guide/tls.md")]
    pub mod tls {}

    #[doc = include_str!("../docs/guide/etcd.md")]
    pub mod etcd {}

    #[doc = include_str!("../docs/guide/configuration.md")]
    pub mod configuration {}

    #[doc = include_str!("../docs/guide/testing.md")]
    pub mod testing {}

    #[doc = include_str!("../docs/guide/simulation.md")]
    pub mod simulation {}

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
