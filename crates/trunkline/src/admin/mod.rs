//! Looking into a running program by HTTP: is it alive, is it ready, how does it do.
//!
//! [`Admin`] serves four pages on a listener of its own: `/livez`, `/readyz`, `/metrics` and
//! `/status`. It shows nothing that is secret, and it lets nobody in particular in: bind it where
//! only operators and their tools come, a loopback address or an internal network.

mod http;
mod observed;
mod pages;

use std::fmt;
use std::sync::Arc;

use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use observed::Observed;
use pages::Pages;

use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::server::ServerHandle;

/// Serves pages about the servers and clients of a program.
///
/// | page | answers |
/// |---|---|
/// | `/livez` | 200 while the program runs |
/// | `/readyz` | 200 if every server is [ready](ServerHandle::is_ready) and every [required](Self::requires) service has an instance to call, else 503 and the reasons, a line each |
/// | `/metrics` | the metrics of [`Observed`], and of the registry that was [given](Self::metrics) |
/// | `/status` | servers and clients in full, as JSON |
///
/// Only GET and HEAD, one request for each connection, 64 connections at a time, 8 KiB and five
/// seconds for a request.
///
/// ```
/// use trunkline::admin::Admin;
/// use trunkline::{Client, Failure, Server};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), trunkline::Error> {
/// let server = Server::builder()
///     .function("Math", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) })
///     .bind("tcp@127.0.0.1:0")
///     .await?
///     .spawn();
/// let client = Client::connect(server.address()).await?;
///
/// let admin = Admin::new()
///     .server(server.handle())
///     .client("math", &client)
///     .requires("math", "Math")
///     .bind("127.0.0.1:0")
///     .await?;
/// println!("http://{}/readyz", admin.address());
/// # admin.close();
/// # server.stop().await;
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
#[must_use = "it serves nothing until `bind`"]
pub struct Admin {
    observed: Observed,
    required: Vec<(String, String)>,
    metrics: Option<Arc<Registry>>,
}

/// The pages while they are served. Dropping it ends them.
pub struct RunningAdmin {
    address: String,
    task: JoinHandle<()>,
}

impl Admin {
    /// Pages about nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows a server.
    pub fn server(mut self, server: &ServerHandle) -> Self {
        self.observed = self.observed.server(server);
        self
    }

    /// Shows a client under this name. The client lives for as long as the pages do.
    pub fn client(mut self, name: impl Into<String>, client: &Client) -> Self {
        self.observed = self.observed.client(name, client);
        self
    }

    /// The program is ready only while the client of this name has an instance of this service
    /// that would take a call. The service is watched from now on.
    pub fn requires(mut self, client: impl Into<String>, service: impl Into<String>) -> Self {
        self.required.push((client.into(), service.into()));
        self
    }

    /// Shows these metrics, too: those of [`Metrics`](crate::middleware::Metrics), and the
    /// program's own.
    pub fn metrics(mut self, registry: impl Into<Arc<Registry>>) -> Self {
        self.metrics = Some(registry.into());
        self
    }

    /// Serves the pages on an address such as `127.0.0.1:9090`, in a task of its own. It goes on
    /// while servers stop, so that a stop can be looked at.
    ///
    /// # Errors
    /// When the address cannot be bound, or a client that something is required of was not given.
    pub async fn bind(self, address: &str) -> Result<RunningAdmin, Error> {
        for (name, service) in &self.required {
            let Some(client) = self.observed.client_named(name) else {
                let text = format!(
                    "`{service}` is required of the client `{name}`, and there is none of this name: add it with `client`"
                );
                return Err(Error::new(ErrorKind::Invalid, text));
            };
            client.watch(service);
        }
        let cannot = |e: std::io::Error| {
            let text = format!("cannot serve the admin pages on {address}: {e}");
            Error::new(ErrorKind::Unavailable, text).with_source(e)
        };
        let listener = TcpListener::bind(address).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?.to_string();
        let pages = Arc::new(Pages::new(self.observed, self.required, self.metrics));
        tracing::info!(address, "serving the admin pages");
        let task = tokio::spawn(http::serve(listener, pages));
        Ok(RunningAdmin { address, task })
    }
}

impl RunningAdmin {
    /// The bound address, such as `127.0.0.1:9090`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Ends the pages, as dropping it does.
    pub fn close(self) {}
}

impl Drop for RunningAdmin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for RunningAdmin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningAdmin").field("address", &self.address).finish_non_exhaustive()
    }
}
