//! What the macros write works in any scope and adds no warning to it.

#![deny(warnings, unreachable_pub, unused_qualifications, missing_debug_implementations, clippy::all)]

/// Everything here has a name that the expansion uses too.
mod crowded {
    #![allow(dead_code, non_camel_case_types)]

    pub(crate) struct Client;
    pub(crate) struct Request;
    pub(crate) struct Service;
    pub(crate) struct Method;
    pub(crate) struct MethodInfo;
    pub(crate) struct Failure;
    pub(crate) struct Future;
    pub(crate) struct Send;
    pub(crate) struct Sync;
    pub(crate) struct Sized;
    pub(crate) struct Clone;
    pub(crate) struct Debug;
    pub(crate) struct Option;
    pub(crate) struct Arc;
    pub(crate) struct String;
    pub(crate) struct Error;
    pub(crate) struct Codec;
    pub(crate) struct MsgPack;
    pub(crate) struct S;
    pub(crate) struct a;
    pub(crate) mod core {}
    pub(crate) mod std {}
    pub(crate) mod trunkline {}
    pub(crate) type Result<T> = ::core::result::Result<T, ::trunkline::Failure>;

    pub(crate) type Ctx = ::trunkline::Ctx;

    #[::trunkline::service]
    pub(crate) trait Crowded {
        async fn client(&self, client: u8) -> Result<u8>;
        async fn service(&self, ctx: &Ctx, service: u8) -> Result<u8>;
        async fn path(&self, path: u8) -> ::core::result::Result<u8, Oops>;
        async fn s(&self, _: u8) -> Result<u8>;
        async fn implementation(&self, _unused: u8) -> Result<u8>;
        async fn args(&self) -> Result<()> {
            let _ = self;
            Ok(())
        }
    }

    #[derive(::core::fmt::Debug, ::trunkline::Failure)]
    pub(crate) enum Oops {
        #[failure("{text} {f} {failure} {self_}")]
        Named { text: u8, f: u8, failure: u8, self_: u8 },
    }

    #[derive(::core::fmt::Debug)]
    pub(crate) struct Room;

    impl Crowded for Room {
        async fn client(&self, client: u8) -> Result<u8> {
            Ok(client)
        }

        async fn service(&self, _: &Ctx, service: u8) -> Result<u8> {
            Ok(service)
        }

        async fn path(&self, path: u8) -> ::core::result::Result<u8, Oops> {
            Err(Oops::Named { text: path, f: 2, failure: 3, self_: 4 })
        }

        async fn s(&self, n: u8) -> Result<u8> {
            Ok(n)
        }

        async fn implementation(&self, n: u8) -> Result<u8> {
            Ok(n)
        }
    }
}

/// A program that is only the client, or only the server, or nothing yet.
mod unused {
    #[trunkline::service]
    trait Unused {
        async fn unused(&self, args: u8) -> trunkline::Result<u8>;
    }
}

use crowded::{Crowded as _, CrowdedClient, Room};

#[tokio::test]
async fn a_crowded_scope_changes_nothing() {
    let (_server, client) = crate::arith::serve([Room.into_service()]).await;
    let crowded = CrowdedClient::new(client);
    assert_eq!(crowded.client(1).await.unwrap(), 1);
    assert_eq!(crowded.service(2).await.unwrap(), 2);
    assert_eq!(crowded.s(3).await.unwrap(), 3);
    assert_eq!(crowded.implementation(4).await.unwrap(), 4);
    crowded.args().await.unwrap();
    assert_eq!(crowded.path(1).await.unwrap_err().message(), "1 2 3 4");
}
