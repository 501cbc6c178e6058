//! `InteropRaw`: handlers of bytes.

use bytes::Bytes;
use trunkline::{Ctx, Failure, Service};

use super::answer::answer;
use crate::messages::content;

pub(super) fn service() -> Service {
    Service::new("InteropRaw")
        .raw("Blob", |ctx: Ctx, args: Bytes| async move {
            answer(&ctx);
            Ok(args)
        })
        .raw("Fail", |ctx: Ctx, args: Bytes| async move {
            answer(&ctx);
            Err(Failure::new(content::fail_text(args.len())).with_reply(args))
        })
        .raw("Generate", |ctx: Ctx, args: Bytes| async move {
            answer(&ctx);
            let len: [u8; 4] = args[..].try_into()?;
            Ok(content::bytes(u32::from_be_bytes(len) as usize).into())
        })
}
