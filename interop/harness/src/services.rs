//! The services as traits: our server implements them, our client calls them by the clients made of them.

use trunkline::{Ctx, Result};

use crate::messages::plain::*;
use crate::messages::{Everything, protobuf, thrift};

/// The service for JSON and MessagePack.
#[trunkline::service]
pub(crate) trait Interop {
    async fn echo(&self, ctx: &Ctx, args: Everything) -> Result<Everything>;
    async fn make(&self, ctx: &Ctx, args: Pick) -> Result<Made>;
    async fn check(&self, ctx: &Ctx, args: Everything) -> Result<Checked>;
    async fn blob(&self, ctx: &Ctx, args: Blob) -> Result<Blob>;
    async fn fail(&self, ctx: &Ctx, args: Blob) -> Result<Blob>;
    async fn generate(&self, ctx: &Ctx, args: Generate) -> Result<Blob>;
    async fn floats(&self, ctx: &Ctx, args: Floats) -> Result<Floats>;
    async fn sleep(&self, ctx: &Ctx, args: Sleep) -> Result<Slept>;
    async fn hit(&self, ctx: &Ctx, args: Hit) -> Result<Total>;
    async fn linger(&self, ctx: &Ctx, args: Linger) -> Result<Nothing>;
    async fn push(&self, ctx: &Ctx, args: Push) -> Result<Pushed>;
    async fn deadline(&self, ctx: &Ctx, args: Nothing) -> Result<DeadlineSeen>;
    async fn rich(&self, ctx: &Ctx, args: Rich) -> Result<Nothing>;
    async fn panic(&self, args: Nothing) -> Result<Nothing>;
}

/// The service for protobuf.
#[trunkline::service(name = "InteropPB", codecs(protobuf))]
pub(crate) trait InteropProtobuf {
    async fn echo(&self, ctx: &Ctx, args: protobuf::Everything) -> Result<protobuf::Everything>;
    async fn make(&self, ctx: &Ctx, args: protobuf::Pick) -> Result<protobuf::Made>;
    async fn check(&self, ctx: &Ctx, args: protobuf::Everything) -> Result<protobuf::Checked>;
    async fn blob(&self, ctx: &Ctx, args: protobuf::Blob) -> Result<protobuf::Blob>;
    async fn fail(&self, ctx: &Ctx, args: protobuf::Blob) -> Result<protobuf::Blob>;
    async fn generate(&self, ctx: &Ctx, args: protobuf::Generate) -> Result<protobuf::Blob>;
    async fn floats(&self, ctx: &Ctx, args: protobuf::Floats) -> Result<protobuf::Floats>;
}

/// The service for Thrift.
#[trunkline::service(codecs(thrift))]
pub(crate) trait InteropThrift {
    async fn echo(&self, ctx: &Ctx, args: thrift::Everything) -> Result<thrift::Everything>;
    async fn make(&self, ctx: &Ctx, args: thrift::Pick) -> Result<thrift::Made>;
    async fn check(&self, ctx: &Ctx, args: thrift::Everything) -> Result<thrift::Checked>;
    async fn blob(&self, ctx: &Ctx, args: thrift::Blob) -> Result<thrift::Blob>;
    async fn fail(&self, ctx: &Ctx, args: thrift::Blob) -> Result<thrift::Blob>;
    async fn generate(&self, ctx: &Ctx, args: thrift::Generate) -> Result<thrift::Blob>;
    async fn floats(&self, ctx: &Ctx, args: thrift::Floats) -> Result<thrift::Floats>;
}
