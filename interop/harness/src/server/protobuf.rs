//! `InteropPB`: the methods in protobuf.

use std::sync::Arc;

use trunkline::{Ctx, Failure, Result};

use super::answer::answer;
use super::interop::{generate, make};
use crate::messages::protobuf::*;
use crate::messages::{content, plain};
use crate::services::InteropProtobuf;
use crate::values::Values;

pub(super) struct Service(pub(super) Arc<Values>);

impl InteropProtobuf for Service {
    async fn echo(&self, ctx: &Ctx, args: Everything) -> Result<Everything> {
        answer(ctx);
        // Through the shape that the values are compared in, so that nothing passes that was not understood.
        Ok(crate::messages::Everything::from(args).into())
    }

    async fn make(&self, ctx: &Ctx, args: Pick) -> Result<Made> {
        answer(ctx);
        let (value, fields) = make(&self.0, args.variant, true)?;
        Ok(Made { value: Some(value.into()), fields: fields.collect() })
    }

    async fn check(&self, ctx: &Ctx, args: Everything) -> Result<Checked> {
        answer(ctx);
        let plain::Checked { differ, detail } = self.0.check(&args.into(), true)?;
        Ok(Checked { differ, detail })
    }

    async fn blob(&self, ctx: &Ctx, args: Blob) -> Result<Blob> {
        answer(ctx);
        Ok(args)
    }

    async fn fail(&self, ctx: &Ctx, args: Blob) -> Result<Blob> {
        answer(ctx);
        Err(Failure::new(content::fail_text(args.text.len())).with_reply(args))
    }

    async fn generate(&self, ctx: &Ctx, args: Generate) -> Result<Blob> {
        answer(ctx);
        let (text, data) = generate(args.text_len, args.data_len)?;
        Ok(Blob { text, data })
    }

    async fn floats(&self, ctx: &Ctx, args: Floats) -> Result<Floats> {
        answer(ctx);
        Ok(args)
    }
}
