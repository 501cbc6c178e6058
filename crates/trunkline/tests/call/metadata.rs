use std::time::Duration;

use trunkline::{Ctx, Failure};

use crate::pair::with_server;

#[tokio::test]
async fn metadata_travels_both_ways() {
    let pair = with_server(|s| {
        s.function("Meta", "Echo", |ctx: Ctx, key: String| async move {
            let value = ctx.metadata().get(&key).unwrap_or("absent").to_owned();
            ctx.reply_metadata("seen", &value);
            ctx.reply_metadata("", "");
            Ok::<_, Failure>(value)
        })
    })
    .await;
    let meta = pair.client.service("Meta");
    let response = meta
        .call::<_, String>("Echo", "k")
        .metadata("k", "first")
        .metadata("k", "v")
        .response()
        .await
        .unwrap();
    assert_eq!(response.value, "v");
    assert_eq!(response.metadata.get("seen"), Some("v"));
    assert_eq!(response.metadata.get(""), Some(""));
    assert_eq!(response.metadata.get("k"), None, "a request's metadata is not echoed");
    assert_eq!(response.address.as_deref(), Some("memory@server"));
}

#[tokio::test]
async fn metadata_of_the_reply_travels_with_errors_too() {
    let pair = with_server(|s| {
        s.function("Meta", "Fail", |ctx: Ctx, (): ()| async move {
            ctx.reply_metadata("trace", "t1");
            ctx.reply_metadata("__rpcx_error__", "not this");
            Err::<(), _>(Failure::new("broken"))
        })
        .raw("Meta", "RawFail", |ctx, _| async move {
            ctx.reply_metadata("trace", "t2");
            Err(Failure::new("broken"))
        })
    })
    .await;
    for (method, trace) in [("Fail", "t1"), ("RawFail", "t2")] {
        let error = pair.client.service("Meta").call::<_, ()>(method, &()).await.unwrap_err();
        assert_eq!(error.message(), "broken", "a handler's metadata never replaces the error's text");
        assert_eq!(error.metadata().get("trace"), Some(trace));
    }
}

#[tokio::test]
async fn metadata_of_any_size_and_bytes_arrives() {
    let pair = with_server(|s| {
        s.function("Meta", "Len", |ctx: Ctx, (): ()| async move {
            ctx.reply_metadata(b"\xff\x00", ctx.metadata().get_bytes(b"\xfe").unwrap_or_default());
            Ok::<_, Failure>(ctx.metadata().get("big").map_or(0, str::len))
        })
    })
    .await;
    let big = "x".repeat(100_000);
    let response = pair
        .client
        .service("Meta")
        .call::<_, usize>("Len", &())
        .metadata("big", &big)
        .metadata(b"\xfe", b"\x00\x80")
        .response()
        .await
        .unwrap();
    assert_eq!(response.value, big.len());
    assert_eq!(response.metadata.get_bytes(b"\xff\x00"), Some(&b"\x00\x80"[..]));
}

#[tokio::test]
async fn calls_made_side_by_side_within_one_handler_share_no_metadata() {
    let far = with_server(|s| {
        s.function("Far", "Sees", |ctx: Ctx, key: String| async move {
            let left = ctx.remaining().is_some_and(|left| left.as_secs() < 30);
            Ok::<_, Failure>((ctx.metadata().get("mine") == Some(&*key), left))
        })
    })
    .await;
    let nested = far.client.clone();
    let near = with_server(|s| {
        s.function("Near", "Many", move |ctx: Ctx, (): ()| {
            let far = nested.clone();
            async move {
                let mut calls = tokio::task::JoinSet::new();
                for n in 0..100_u64 {
                    let (far, ctx) = (far.clone(), ctx.clone());
                    calls.spawn(async move {
                        let mine = format!("{n}");
                        let far = far.service("Far");
                        let call = far.call::<_, (bool, bool)>("Sees", &mine).within(&ctx);
                        // Every other one is given less time than the rest.
                        let limit = Duration::from_secs(if n % 2 == 0 { 10 } else { 60 });
                        let (its_own, short) = call.metadata("mine", &mine).timeout(limit).await?;
                        Ok::<_, trunkline::Error>(its_own && short == (n % 2 == 0))
                    });
                }
                let all = calls.join_all().await.into_iter().collect::<Result<Vec<_>, _>>()?;
                let untouched = ctx.metadata().get("mine").is_none();
                Ok::<_, Failure>(untouched && all.into_iter().all(|good| good))
            }
        })
    })
    .await;
    let near = near.client.service("Near");
    let good: bool = near.call("Many", &()).timeout(Duration::from_secs(120)).await.unwrap();
    assert!(good);
}
