use trunkline::Client;
use trunkline::admin::Admin;
use trunkline::registry::MemoryRegistry;

use crate::get::{get, send};
use crate::program::{eventually, math, program};

#[tokio::test]
async fn ready_is_told_by_the_status_and_the_reasons_by_the_text() {
    let program = program(Client::builder()).await;
    program.memory.faults().stop();
    let admin = Admin::new().server(program.server.handle());
    let admin = admin.client("math", &program.client).requires("math", "Math");
    let admin = admin.requires("math", "Other").bind("127.0.0.1:0").await.unwrap();
    assert_eq!(get(&admin, "/livez").await.status, 200);

    program.memory.faults().start();
    let ready = async || {
        let answered = get(&admin, "/readyz").await;
        (answered.status, answered.body)
    };
    let only_other =
        (503, "the client `math` has no instance of `Other` to call: none is listed\n".to_owned());
    eventually("all but Other is there", async || ready().await == only_other).await;

    // Somebody serves it, and then does so no more.
    let other = trunkline::Service::new("Other")
        .function("F", |n: i64| async move { Ok::<_, trunkline::Failure>(n) });
    program.server.handle().add(other);
    eventually("all is there", async || ready().await == (200, "ok\n".to_owned())).await;

    program.server.handle().stop();
    eventually("the server stops", async || ready().await.1.contains("the server stops\n")).await;
    let (status, text) = ready().await;
    assert_eq!(status, 503);
    assert!(text.lines().count() >= 1, "{text}");
    assert_eq!(get(&admin, "/livez").await.status, 200, "a server that stops is alive");
    program.server.stop().await;
    assert_eq!(ready().await.0, 503);
}

#[tokio::test]
async fn a_registry_that_is_down_is_a_reason_until_it_was_there_once() {
    let memory = MemoryRegistry::new();
    memory.faults().stop();
    let server = math().register_with(memory.registry()).bind("tcp@127.0.0.1:0").await.unwrap();
    let handle = server.handle();
    let admin = Admin::new().server(&handle).bind("127.0.0.1:0").await.unwrap();
    let answered = get(&admin, "/readyz").await;
    assert_eq!((answered.status, &*answered.body), (503, "the server does not serve yet\n"));
    let server = server.spawn();
    eventually("it says why", async || {
        let answered = get(&admin, "/readyz").await;
        answered.status == 503 && answered.body.contains("is not in `memory` yet: ")
    })
    .await;
    memory.faults().start();
    eventually("it is ready", async || get(&admin, "/readyz").await.status == 200).await;
    server.stop().await;
}

#[tokio::test]
async fn only_pages_that_there_are_are_served() {
    let admin = Admin::new().bind("127.0.0.1:0").await.unwrap();
    assert_eq!(get(&admin, "/readyz?verbose").await.status, 200, "nothing is observed that is not ready");
    assert_eq!(get(&admin, "/").await.status, 200);
    assert_eq!(get(&admin, "/secrets").await.status, 404);
    let answered = send(&admin, b"POST /livez HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc").await;
    assert_eq!(answered.status, 405);
    assert!(answered.head.contains("Allow: GET, HEAD"), "{}", answered.head);
    let answered = send(&admin, b"HEAD /livez HTTP/1.1\r\n\r\n").await;
    assert_eq!((answered.status, &*answered.body), (200, ""));
    assert!(answered.head.contains("Content-Length: 3"), "{}", answered.head);
}

#[tokio::test]
async fn what_cannot_be_served_is_an_error_that_says_so() {
    let error = Admin::new().requires("nobody", "Math").bind("127.0.0.1:0").await.unwrap_err();
    assert!(error.to_string().contains("there is none of this name"), "{error}");
    let admin = Admin::new().bind("127.0.0.1:0").await.unwrap();
    let error = Admin::new().bind(admin.address()).await.unwrap_err();
    assert!(error.to_string().contains("cannot serve the admin pages on 127.0.0.1"), "{error}");
    let address = admin.address().to_owned();
    admin.close();
    eventually("the pages are gone", async || tokio::net::TcpStream::connect(&address).await.is_err()).await;
}
