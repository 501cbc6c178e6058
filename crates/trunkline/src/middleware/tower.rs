//! A tower layer as a middleware.
//!
//! A middleware borrows the call and the rest of its chain; a tower service owns what it is
//! given and may hand it to another task. So the innermost service of the stack does not run the
//! rest of the chain itself: it sends the call back to the task of the middleware, which runs
//! the rest, and waits for the reply.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tower::{Layer, Service};

use super::{Middleware, Next};
use crate::call::{Call, Reply};
use crate::error::{Error, ErrorKind};
use crate::transport::BoxFuture;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A tower layer, or a stack of them, around every call.
///
/// The stack is built once, so what its services share, such as a limit, counts for all calls;
/// each call runs on a clone. The layers see a [`Call`] of their own: what they change goes on
/// to the rest of the chain, not back to layers outside.
///
/// ```
/// use tower::layer::layer_fn;
/// use trunkline::middleware::Tower;
/// use trunkline::{Server, testing};
/// # use std::task::{Context, Poll};
/// # use trunkline::{Call, Error, Reply};
/// # #[derive(Clone)] struct Mark<S>(S);
/// # impl<S: tower::Service<Call>> tower::Service<Call> for Mark<S> {
/// #     type Response = S::Response; type Error = S::Error; type Future = S::Future;
/// #     fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> { self.0.poll_ready(cx) }
/// #     fn call(&mut self, mut call: Call) -> S::Future {
/// #         call.metadata_mut().insert("seen", "yes");
/// #         self.0.call(call)
/// #     }
/// # }
///
/// // `Mark` is a tower service that puts `seen` into the metadata.
/// let server = Server::builder().layer(Tower::new(layer_fn(Mark)));
/// # let client = testing::direct(server.function("Meta", "Get", |ctx: trunkline::Ctx, key: String| async move {
/// #     Ok::<_, trunkline::Failure>(ctx.metadata().get(&key).unwrap_or_default().to_owned())
/// # }));
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let seen: String = client.service("Meta").call("Get", "seen").await?;
/// assert_eq!(seen, "yes");
/// # Ok::<_, Error>(()) }).unwrap();
/// ```
pub struct Tower<S> {
    /// Locked only to clone it: a service need not be `Sync`.
    service: Mutex<S>,
    into_error: fn(BoxError) -> Error,
}

impl<S> Tower<S>
where
    S: Service<Call, Response = Reply> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
{
    /// A middleware of this layer.
    pub fn new<L>(layer: L) -> Self
    where
        L: Layer<Rest, Service = S>,
    {
        Self { service: Mutex::new(layer.layer(Rest(()))), into_error }
    }

    /// Sets what becomes of the layers' own errors. They are of kind [`ErrorKind::Internal`]
    /// otherwise; an [`Error`] stays what it is.
    #[must_use]
    pub fn map_err(mut self, map: fn(Box<dyn std::error::Error + Send + Sync>) -> Error) -> Self {
        self.into_error = map;
        self
    }
}

fn into_error(error: BoxError) -> Error {
    Error::new(ErrorKind::Internal, error.to_string()).with_source(error)
}

impl<S> Middleware for Tower<S>
where
    S: Service<Call, Response = Reply> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
{
    async fn handle(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Error> {
        let (sender, mut asked) = mpsc::channel::<Asked>(1);
        let mut inner = call.fork();
        inner.extensions_mut().insert(Way(sender));
        let mut service = self.service.lock().clone();
        let mut serving = pin!(async move {
            poll_fn(|cx| service.poll_ready(cx)).await?;
            service.call(inner).await
        });
        // A layer may run the rest several times at once, as hedging does.
        let mut running: Vec<BoxFuture<'_, ()>> = Vec::new();
        let result = poll_fn(|cx| {
            loop {
                if let Poll::Ready(result) = serving.as_mut().poll(cx) {
                    return Poll::Ready(result);
                }
                let mut moved = false;
                while let Poll::Ready(Some(asked)) = asked.poll_recv(cx) {
                    running.push(Box::pin(asked.run(next)));
                    moved = true;
                }
                running.retain_mut(|run| {
                    let ended = run.as_mut().poll(cx).is_ready();
                    moved |= ended;
                    !ended
                });
                if !moved {
                    return Poll::Pending;
                }
            }
        });
        result.await.map_err(|error| match error.into().downcast::<Error>() {
            Ok(error) => *error,
            Err(other) => (self.into_error)(other),
        })
    }
}

impl<S> fmt::Debug for Tower<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tower")
    }
}

/// The way from the innermost service back to the middleware, carried by the call itself.
struct Way(mpsc::Sender<Asked>);

/// A call that has come through the tower layers, to be run by the rest of the chain.
struct Asked {
    call: Call,
    answer: oneshot::Sender<Result<Reply, Error>>,
}

impl Asked {
    async fn run(mut self, next: Next<'_>) {
        let result = tokio::select! {
            result = next.run(&mut self.call) => result,
            // The layer that asked has given up.
            () = self.answer.closed() => return,
        };
        // Whoever asked may have gone in this moment; then nobody wants it.
        let _ = self.answer.send(result);
    }
}

/// The innermost service of a stack of tower layers: the rest of the chain.
#[derive(Clone)]
pub struct Rest(());

impl Service<Call> for Rest {
    type Response = Reply;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Reply, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let way = call.extensions().and_then(|e| e.get::<Way>()).map(|way| way.0.clone());
        Box::pin(async move {
            let Some(way) = way else {
                let text = "a tower layer passed on a call that did not come through its middleware";
                return Err(Error::new(ErrorKind::Internal, text));
            };
            let gone = || Error::new(ErrorKind::Cancelled, "the call was given up by its caller");
            let (answer, answered) = oneshot::channel();
            way.send(Asked { call, answer }).await.map_err(|_| gone())?;
            drop(way);
            answered.await.map_err(|_| gone())?
        })
    }
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rest")
    }
}
