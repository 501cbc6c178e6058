//! Layers around calls: who calls, for how long, how often, and one of one's own on each end.
//!
//! `cargo run --example middleware`

use std::time::{Duration, Instant};

use trunkline::middleware::{Auth, AuthRequest, Middleware, Next, RateLimit, Timeout, Token, from_fn};
use trunkline::{Call, Client, Ctx, Error, ErrorKind, Failure, Reply, Result, Server};

/// Prints every call that passes, with its outcome.
struct Log(&'static str);

impl Middleware for Log {
    async fn handle(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Error> {
        let begun = Instant::now();
        let result = next.run(call).await;
        let outcome = result.as_ref().map_or_else(|error| error.kind().as_str(), |_| "ok");
        let tens = begun.elapsed().as_millis() / 10 * 10;
        println!("  {}: {}.{} {outcome}, {tens} ms", self.0, call.service(), call.method());
        result
    }
}

/// Tries again what is safe to try again. As an attempt layer it sees every attempt of a call.
struct Retry {
    most: usize,
}

impl Middleware for Retry {
    async fn handle(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Error> {
        for attempt in 1..self.most {
            match next.run(call).await {
                Err(error) if error.is_retryable() => {
                    let pause = error.retry_after().unwrap_or(Duration::from_millis(10));
                    println!("  retry: attempt {attempt} ended in {}; again in {pause:?}", error.kind());
                    tokio::time::sleep(pause).await;
                }
                done => return done,
            }
        }
        next.run(call).await
    }
}

/// Who calls. What a check returns is there for the handler.
struct User(String);

async fn check(token: Token, call: AuthRequest) -> Result<User> {
    let user = if token.matches("secret of ann") {
        User("ann".to_owned())
    } else if token.matches("secret of bob") {
        User("bob".to_owned())
    } else {
        return Err(Failure::new("the token is not known"));
    };
    if call.method() == "Shout" && user.0 != "ann" {
        return Err(Failure::new(format!("{} may not shout", user.0)).with_kind(ErrorKind::Denied));
    }
    Ok(user)
}

async fn say(ctx: Ctx, text: String) -> Result<String> {
    let user = ctx.extension::<User>().map_or("nobody", |user| &user.0);
    Ok(format!("{user} says {text}"))
}

async fn shout(ctx: Ctx, text: String) -> Result<String> {
    say(ctx, text.to_uppercase()).await
}

async fn dawdle(_: ()) -> Result<()> {
    tokio::time::sleep(Duration::from_secs(5)).await;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let server = Server::builder()
        .function("Room", "Say", say)
        .function("Room", "Shout", shout)
        .function("Room", "Dawdle", dawdle)
        // The first layer is the outermost: it sees what the others refuse.
        .layer(Log("server"))
        .layer(Auth::bearer(check).keep_open())
        .layer(RateLimit::new(3, Duration::from_millis(50)))
        .layer(Timeout::new(Duration::from_millis(100)))
        .bind("tcp@127.0.0.1:0")
        .await?
        .spawn();

    let ann = Client::builder()
        .layer(Auth::token("secret of ann"))
        .layer(from_fn(|call, next| {
            Box::pin(async move {
                call.metadata_mut().insert("program", "middleware");
                next.run(call).await
            })
        }))
        .attempt_layer(Retry { most: 5 })
        .connect(server.address())
        .await?;
    let bob = Client::builder().layer(Auth::token("secret of bob")).connect(server.address()).await?;
    let nobody = Client::connect(server.address()).await?;

    let text: String = ann.service("Room").call("Say", "hello").await?;
    println!("{text}\n");
    let text: String = ann.service("Room").call("Shout", "hello").await?;
    println!("{text}\n");

    for (who, client) in [("bob", &bob), ("nobody", &nobody)] {
        let refused: Result<String, Error> = client.service("Room").call("Shout", "hey").await;
        println!("{who}: {}\n", refused.expect_err("only ann may shout"));
    }

    let late: Result<(), Error> = bob.service("Room").call("Dawdle", &()).await;
    println!("{}\n", late.expect_err("it takes too long"));

    // The bucket holds three calls. What it refuses has not run, so the client's layer tries again.
    for n in 1..=5 {
        let text: String = ann.service("Room").call("Say", &n.to_string()).await?;
        println!("{text}");
    }

    server.stop().await;
    Ok(())
}
