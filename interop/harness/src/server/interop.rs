//! `Interop`: the methods in JSON and MessagePack.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use trunkline::wire::keys;
use trunkline::{Ctx, ErrorKind, Failure, Metadata, Result};

use super::answer::answer;
use super::counters::Counters;
use crate::check::Problem;
use crate::messages::plain::*;
use crate::messages::{Everything, canonical, content};
use crate::services::Interop;
use crate::values::Values;

/// What the method that was asked to panic says.
pub(crate) const ASKED_TO_PANIC: &str = "interop: asked to panic";

pub(super) struct Service {
    pub(super) values: Arc<Values>,
    pub(super) counters: Counters,
}

impl Interop for Service {
    async fn echo(&self, ctx: &Ctx, args: Everything) -> Result<Everything> {
        answer(ctx);
        Ok(args)
    }

    async fn make(&self, ctx: &Ctx, args: Pick) -> Result<Made> {
        answer(ctx);
        let (value, fields) = make(&self.values, args.variant, false)?;
        Ok(Made { value, fields: fields.collect() })
    }

    async fn check(&self, ctx: &Ctx, args: Everything) -> Result<Checked> {
        answer(ctx);
        Ok(self.values.check(&args, false)?)
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
        Ok(Blob { text, data: data.into() })
    }

    async fn floats(&self, ctx: &Ctx, args: Floats) -> Result<Floats> {
        answer(ctx);
        Ok(args)
    }

    async fn sleep(&self, ctx: &Ctx, args: Sleep) -> Result<Slept> {
        answer(ctx);
        sleep(millis(args.millis)).await;
        Ok(Slept { id: args.id })
    }

    async fn hit(&self, ctx: &Ctx, args: Hit) -> Result<Total> {
        answer(ctx);
        Ok(Total { total: self.counters.add(args.key, args.add) })
    }

    async fn linger(&self, ctx: &Ctx, args: Linger) -> Result<Nothing> {
        answer(ctx);
        let visit = self.counters.visit(&args.key);
        sleep(millis(args.millis)).await;
        visit.finish();
        Ok(Nothing {})
    }

    async fn push(&self, ctx: &Ctx, args: Push) -> Result<Pushed> {
        answer(ctx);
        let pusher = ctx.pusher().ok_or_else(|| Failure::new("interop: the handler has no connection"))?;
        for index in 0..args.times {
            let mut metadata = Metadata::new();
            metadata.insert("index", index.to_string());
            metadata.insert("text", &args.text);
            pusher.push("InteropPush", "Pushed", &metadata, args.text.clone()).await?;
        }
        Ok(Pushed { sent: args.times })
    }

    async fn deadline(&self, ctx: &Ctx, _: Nothing) -> Result<DeadlineSeen> {
        answer(ctx);
        let left = ctx.remaining();
        Ok(DeadlineSeen {
            present: left.is_some(),
            millis: i64::try_from(left.unwrap_or_default().as_millis())?,
            raw: ctx.metadata().get(keys::SERVER_TIMEOUT).unwrap_or_default().to_owned(),
        })
    }

    async fn rich(&self, ctx: &Ctx, args: Rich) -> Result<Nothing> {
        answer(ctx);
        let kind = ErrorKind::parse(&args.kind)
            .ok_or_else(|| Failure::new(format!("interop: unknown kind {:?}", args.kind)))?;
        let mut failure = Failure::new(args.text).with_kind(kind);
        if !args.code.is_empty() {
            failure = failure.with_code(args.code);
        }
        if !args.details.is_empty() {
            failure = failure.with_details(&serde_json::from_str::<serde_json::Value>(&args.details)?);
        }
        if args.has_retry_after {
            failure = failure.with_retry_after(millis(args.retry_after_millis));
        }
        if args.not_started {
            failure = failure.not_started();
        }
        Err(failure)
    }

    async fn panic(&self, _: Nothing) -> Result<Nothing> {
        panic!("{ASKED_TO_PANIC}")
    }
}

/// A variant, and canonical JSON of each of its fields.
pub(super) fn make(
    values: &Values,
    variant: i32,
    loose: bool,
) -> Result<(Everything, impl Iterator<Item = (String, String)> + use<>)> {
    let value = values.variant(usize::try_from(variant)?)?.clone();
    let fields = canonical::fields(&value, loose);
    Ok((value, fields.into_iter().map(|(name, field)| (name, field.to_string()))))
}

pub(super) fn generate(text_len: i32, data_len: i32) -> Result<(String, Vec<u8>)> {
    const MOST: usize = 64 << 20;
    let (text_len, data_len) = (usize::try_from(text_len)?, usize::try_from(data_len)?);
    if text_len + data_len > MOST {
        return Err(Failure::new(format!("interop: cannot generate more than {MOST} bytes")));
    }
    Ok((content::text(text_len), content::bytes(data_len)))
}

fn millis(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or_default())
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::new(problem.0)
    }
}
