//! Calls of a typed client: the reply, the options, no answer at all.

use std::time::Duration;

use tokio::sync::mpsc;
use trunkline::{Client, Ctx, ErrorKind, Result, SerializeType};

use crate::arith::{Args, Arith, ArithClient, Calculator, Reply, serve};

#[tokio::test]
async fn a_method_answers() {
    let (_server, client) = serve([Calculator.into_service()]).await;
    let arith = ArithClient::new(client);
    assert_eq!(arith.mul(Args { a: 6, b: 7 }).await.unwrap(), Reply { c: 42 });
    assert_eq!(arith.div(Args { a: 42, b: 7 }).await.unwrap(), Reply { c: 6 });
    let too = arith.clone();
    assert_eq!(too.mul(Args { a: 2, b: 2 }).await.unwrap(), Reply { c: 4 });
    assert!(format!("{too:?}").contains("Arith"), "{too:?}");
}

#[tokio::test]
async fn an_argument_may_be_borrowed() {
    let (_server, client) = serve([Calculator.into_service()]).await;
    let arith = ArithClient::new(client);
    let args = Args { a: 6, b: 7 };
    assert_eq!(arith.mul(&args).await.unwrap(), arith.mul(args).await.unwrap());
}

#[tokio::test]
async fn the_same_call_is_made_without_the_trait() {
    let (_server, client) = serve([Calculator.into_service()]).await;
    let reply: Reply = client.service("Arith").call("Mul", &Args { a: 6, b: 7 }).await.unwrap();
    assert_eq!(reply, Reply { c: 42 });
}

/// Tells what it sees of its calls.
#[trunkline::service]
trait Mirror {
    async fn look(&self, ctx: &Ctx, key: String) -> Result<String>;
    async fn wait(&self, ctx: &Ctx) -> Result<()>;
    async fn tell(&self, word: String) -> Result<()>;
}

struct Glass(mpsc::Sender<String>);

impl Mirror for Glass {
    async fn look(&self, ctx: &Ctx, key: String) -> Result<String> {
        ctx.reply_metadata("format", ctx.format().to_string());
        Ok(ctx.metadata().get(&key).unwrap_or("nothing").to_owned())
    }

    async fn wait(&self, ctx: &Ctx) -> Result<()> {
        self.0.send(format!("{:?}", ctx.remaining())).await?;
        std::future::pending().await
    }

    async fn tell(&self, word: String) -> Result<()> {
        self.0.send(word).await?;
        Ok(())
    }
}

async fn mirror() -> (impl Sized, MirrorClient, mpsc::Receiver<String>) {
    let (seen, told) = mpsc::channel(8);
    let (server, client) = serve([Glass(seen).into_service()]).await;
    (server, MirrorClient::new(client), told)
}

#[tokio::test]
async fn the_context_shows_the_metadata_of_the_call() {
    let (_server, mirror, _told) = mirror().await;
    assert_eq!(mirror.look("tenant".to_owned()).metadata("tenant", "7").await.unwrap(), "7");
    assert_eq!(mirror.look("tenant".to_owned()).await.unwrap(), "nothing");
}

#[tokio::test]
async fn a_call_is_sent_in_the_first_format_or_the_one_it_is_told() {
    let (_server, mirror, _told) = mirror().await;
    for (request, format) in [
        (mirror.look(String::new()), SerializeType::MSGPACK),
        (mirror.look(String::new()).codec(trunkline::codec::Json), SerializeType::JSON),
    ] {
        let response = request.response().await.unwrap();
        assert_eq!(response.value, "nothing");
        assert_eq!(response.metadata.get("format"), Some(format.to_string().as_str()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_ends_the_call_and_is_known_to_the_method() {
    let (_server, mirror, mut told) = mirror().await;
    let begin = tokio::time::Instant::now();
    let error = mirror.wait().timeout(Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    assert_eq!(told.recv().await.unwrap(), "Some(50ms)");
}

#[tokio::test]
async fn a_notice_runs_the_method_and_waits_for_nothing() {
    let (_server, mirror, mut told) = mirror().await;
    mirror.tell("a word".to_owned()).notify().await.unwrap();
    assert_eq!(told.recv().await.unwrap(), "a word");
    // No answer to it was taken for that of the next call.
    assert_eq!(mirror.look(String::new()).await.unwrap(), "nothing");
}

#[tokio::test]
async fn a_client_calls_the_path_it_is_told() {
    let other = Calculator.into_service().named("Other.Arith");
    let (_server, client): (_, Client) = serve([other]).await;
    let error = ArithClient::new(client.clone()).mul(Args { a: 1, b: 1 }).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    for arith in [
        ArithClient::named(client.clone(), "Other.Arith"),
        ArithClient::named(client, format!("Other.{}", "Arith")),
    ] {
        assert_eq!(arith.mul(Args { a: 2, b: 3 }).await.unwrap(), Reply { c: 6 });
    }
}
