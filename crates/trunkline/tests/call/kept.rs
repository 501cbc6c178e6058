//! Context and memory stay from call to call; nothing else does.

use std::sync::{Arc, Mutex};

use trunkline::wire::{Header, Status};
use trunkline::{Ctx, Failure, SerializeType, Service};

use crate::pair::{Pair, with_server};
use crate::raw_peer::{RawPeer, message};

type Kept = Arc<Mutex<Vec<Ctx>>>;

fn who(ctx: &Ctx) -> String {
    ctx.metadata().get("who").unwrap_or("nobody").to_owned()
}

#[tokio::test]
async fn a_context_that_a_handler_keeps_stays_its_calls() {
    let kept = Kept::default();
    let keeping = kept.clone();
    let keep = move |ctx: Ctx, _: u32| {
        keeping.lock().unwrap().push(ctx);
        async { Ok::<_, Failure>(()) }
    };
    let Pair { server, client, .. } = with_server(|s| s.function("Desk", "Keep", keep)).await;
    for n in 0..3 {
        client
            .service("Desk")
            .call::<_, ()>("Keep", &n)
            .metadata("who", format!("caller {n}"))
            .await
            .unwrap();
    }
    let names: Vec<_> = kept.lock().unwrap().iter().map(who).collect();
    assert_eq!(names, ["caller 0", "caller 1", "caller 2"]);
    server.stop().await;
}

#[tokio::test]
async fn nothing_of_a_call_is_seen_by_the_next_one() {
    let tell = |ctx: Ctx, secret: bool| async move {
        if secret {
            ctx.reply_metadata("secret", "yes");
        }
        Ok::<_, Failure>((who(&ctx), ctx.remaining().is_some_and(|left| left.as_secs() < 60)))
    };
    let Pair { server, client, .. } = with_server(|s| s.function("Desk", "Tell", tell)).await;
    let desk = client.service("Desk");
    for n in 0..6 {
        let (named, hurried, secret) = (n % 2 == 0, n % 3 == 0, n % 4 == 0);
        let timeout = std::time::Duration::from_secs(if hurried { 30 } else { 300 });
        let mut call = desk.call::<_, (String, bool)>("Tell", &secret).timeout(timeout);
        if named {
            call = call.metadata("who", "Ada");
        }
        let response = call.response().await.unwrap();
        assert_eq!(response.value, (if named { "Ada" } else { "nobody" }.to_owned(), hurried));
        assert_eq!(response.metadata.get("secret"), secret.then_some("yes"));
    }
    server.stop().await;
}

#[tokio::test]
async fn who_is_late_makes_nobody_else_late() {
    let tell = |ctx: Ctx, _: ()| async move { Ok::<_, Failure>(ctx.remaining().is_none()) };
    let Pair { network, server, .. } = with_server(|s| s.function("Desk", "Tell", tell)).await;
    let mut peer = RawPeer::dial(&network).await;
    for (left, status) in [
        (None, Status::Normal),
        (Some("0"), Status::Error),
        (None, Status::Normal),
        (Some("-5"), Status::Error),
        (Some("60000"), Status::Normal),
        (Some("0"), Status::Error),
        (Some("60000"), Status::Normal),
    ] {
        let pairs: Vec<_> = left.iter().map(|left| ("__ServerTimeout", *left)).collect();
        let header = Header::request(SerializeType::MSGPACK);
        peer.send_message(&message(header, "Desk", "Tell", &pairs, b"\xc0")).await;
        let answer = peer.next().await.unwrap();
        assert_eq!(answer.header().status(), status, "{left:?}");
        if status == Status::Normal {
            let without_end = if left.is_none() { 0xc3 } else { 0xc2 };
            assert_eq!(answer.payload(), [without_end]);
        }
    }
    server.stop().await;
}

/// A reply that cannot be got rid of.
#[derive(serde::Serialize)]
struct Sticky(bool);

impl Drop for Sticky {
    fn drop(&mut self) {
        assert!(!self.0, "it sticks");
    }
}

#[tokio::test]
async fn a_reply_that_panics_as_it_is_dropped_is_answered_once() {
    let make = |sticky: bool| async move { Ok::<_, Failure>(Sticky(sticky)) };
    let Pair { network, server, .. } = with_server(|s| s.function("Desk", "Make", make)).await;
    let mut peer = RawPeer::dial(&network).await;
    for (seq, sticky) in [false, true, false].into_iter().enumerate() {
        let header = Header::request(SerializeType::MSGPACK).with_seq(seq as u64);
        let payload: &[u8] = if sticky { b"\xc3" } else { b"\xc2" };
        peer.send_message(&message(header, "Desk", "Make", &[], payload)).await;
        let answer = peer.next().await.unwrap();
        assert_eq!(answer.header().seq(), seq as u64);
        assert_eq!(answer.header().status(), if sticky { Status::Error } else { Status::Normal });
    }
    server.stop().await;
}

#[tokio::test]
async fn replies_of_all_sizes_and_ends_take_turns() {
    let make = |size: i64| async move {
        match size {
            -1 => Err(Failure::new("no such size")),
            -2 => panic!("the handler's own"),
            -3 => {
                tokio::task::yield_now().await;
                Ok(vec![3; 3])
            }
            size => Ok(vec![7_u32; size as usize]),
        }
    };
    let Pair { server, client, .. } = with_server(|s| s.function("Desk", "Make", make)).await;
    let desk = client.service("Desk");
    for size in [1, 100_000, 2, -1, 3, -2, 4, -3, 100_000, 100_000, 5, -3, 0] {
        let made = desk.call::<i64, Vec<u32>>("Make", &size).await;
        match size {
            -1 => assert_eq!(made.unwrap_err().message(), "no such size"),
            -2 => assert!(made.unwrap_err().message().contains("panicked")),
            -3 => assert_eq!(made.unwrap(), [3; 3]),
            size => assert_eq!(made.unwrap(), vec![7; size as usize]),
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn every_method_of_a_large_service_is_served() {
    let mut service = Service::new("Desk");
    for n in 0..40_u32 {
        service = service.function(format!("Add{n}"), move |to: u32| async move { Ok(to + n) });
    }
    let Pair { server, client, .. } = with_server(|s| s.service(service)).await;
    for round in 0..3 {
        for n in 0..40_u32 {
            let sum: u32 = client.service("Desk").call(&format!("Add{n}"), &round).await.unwrap();
            assert_eq!(sum, round + n);
        }
    }
    server.stop().await;
}
