//! `InteropFunc`: functions whose arguments and replies are no structs.

use std::collections::BTreeMap;

use trunkline::{Ctx, Failure, Service};

use super::answer::answer;

pub(super) fn service() -> Service {
    Service::new("InteropFunc")
        .function("Neg", |ctx: Ctx, n: i64| async move {
            answer(&ctx);
            Ok::<_, Failure>(n.wrapping_neg())
        })
        .function("Greet", |ctx: Ctx, name: String| async move {
            answer(&ctx);
            Ok::<_, Failure>(format!("hello, {name}"))
        })
        .function("Sum", |ctx: Ctx, numbers: Option<Vec<i64>>| async move {
            answer(&ctx);
            Ok::<_, Failure>(numbers.unwrap_or_default().into_iter().sum::<i64>())
        })
        .function("Lengths", |ctx: Ctx, texts: BTreeMap<String, String>| async move {
            answer(&ctx);
            let lengths = texts.into_iter().map(|(key, text)| (key, text.len()));
            Ok::<_, Failure>(lengths.collect::<BTreeMap<_, _>>())
        })
        .function("Refuse", |ctx: Ctx, _: i64| async move {
            answer(&ctx);
            Err::<i64, _>(Failure::new("interop: refused"))
        })
}
