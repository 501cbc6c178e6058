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
