//! The task behind one connection to a server: dials, and dials again after a loss with growing,
//! jittered pauses.

use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use tokio::sync::watch;
use tokio::time::Instant;

use super::connection::Connection;
use super::health::Health;
use super::inbound::Inbound;
use super::live::Live;
use super::settings::Settings;
use crate::chance::Random;
use crate::error::{Error, ErrorKind};
use crate::later::LONGEST;
use crate::transport::{Address, Transport};

pub(super) struct Dialler {
    pub(super) address: Address,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) settings: Arc<Settings>,
    pub(super) inbound: Inbound,
    pub(super) health: Arc<Health>,
    pub(super) random: Random,
    pub(super) status: watch::Sender<Status>,
    pub(super) live: Arc<Live>,
}

/// Where a connection stands.
#[derive(Clone)]
pub(super) enum Status {
    /// With what the connection before this one ended with.
    Dialling(Option<Arc<str>>),
    Live(Arc<Connection>),
    /// The last dial failed; the next one waits.
    Down(Down),
}

/// Why there is no connection.
#[derive(Clone)]
pub(super) struct Down {
    error: Arc<io::Error>,
    /// What the last connection ended with, where there was one.
    lost: Option<Arc<str>>,
}

/// A server that takes longer to connect to gets no calls meanwhile that others can take.
const SOON: Duration = Duration::from_millis(250);

impl Dialler {
    pub(super) async fn run(self) {
        let (first, most) = self.settings.backoff;
        let (first, most) = (first.min(LONGEST), most.min(LONGEST));
        let mut pause = first;
        let mut lost: Option<Arc<str>> = None;
        // What was last said of the server, so that a long outage is two lines and not thousands.
        let mut said_down = false;
        let mut silent = false;
        loop {
            let mut dialling = std::pin::pin!(self.dial(silent));
            let dialled = match tokio::time::timeout(SOON, &mut dialling).await {
                Ok(dialled) => dialled,
                Err(_) => {
                    self.health.is_not_connected();
                    dialling.await
                }
            };
            match dialled {
                Ok(connection) => {
                    let since = Instant::now();
                    if std::mem::take(&mut said_down) {
                        tracing::info!(address = %self.address, "connected again");
                    }
                    self.live.set(&connection);
                    self.health.connected();
                    self.status.send_replace(Status::Live(connection.clone()));
                    connection.unusable().await;
                    self.live.take();
                    silent = connection.was_silent();
                    self.health.disconnected(connection.is_draining());
                    lost = Some(connection.reason().text.into());
                    self.status.send_replace(Status::Dialling(lost.clone()));
                    // A server that takes connections and drops them is not to be hammered.
                    pause = if since.elapsed() > most { first } else { (pause * 2).min(most) };
                    if since.elapsed() < first {
                        tokio::time::sleep(self.jittered(pause)).await;
                    }
                }
                Err(error) => {
                    let again = self.jittered(pause);
                    if std::mem::replace(&mut said_down, true) {
                        tracing::debug!(address = %self.address, %error, ?again, "still cannot connect");
                    } else {
                        tracing::warn!(address = %self.address, %error, lost = lost.as_deref(), "cannot connect; trying again");
                    }
                    self.health.cannot_connect(&error);
                    let down = Down { error: Arc::new(error), lost: lost.clone() };
                    self.status.send_replace(Status::Down(down));
                    tokio::time::sleep(again).await;
                    pause = (pause * 2).min(most);
                    // The last error stays visible until this dial ends: a call that comes now
                    // should not wait for a server that has just been seen down.
                }
            }
        }
    }

    /// Connects. A server that fell silent has to say something first: a process that was
    /// stopped still has its connections accepted, by its kernel.
    async fn dial(&self, was_silent: bool) -> io::Result<Arc<Connection>> {
        let late = |text: String| Err(io::Error::new(io::ErrorKind::TimedOut, text));
        let limit = self.settings.connect_timeout;
        let begun = Instant::now();
        let Ok(dialled) = tokio::time::timeout(limit, self.transport.dial(self.address.target())).await
        else {
            return late(format!("no connection within {limit:?}"));
        };
        let stream = dialled?;
        self.health.stats.connected_in(begun.elapsed());
        let connection = Connection::start(stream, &self.settings, self.inbound.clone(), self.health.clone());
        let wait = self.settings.heartbeat_timeout;
        if was_silent && !connection.answers(wait).await {
            connection.close("the server answered no heartbeat");
            return late(format!("it accepts connections and answered no heartbeat within {wait:?}"));
        }
        Ok(connection)
    }

    /// Between half and the whole of it, so that clients of one lost server do not come back in
    /// step.
    fn jittered(&self, pause: Duration) -> Duration {
        pause.mul_f64(0.5 + 0.5 * self.random.fraction())
    }
}

impl Drop for Dialler {
    /// The task was ended, maybe in the very moment in which its dial succeeded: after whoever
    /// ended it had looked for a connection to close.
    fn drop(&mut self) {
        let Some(connection) = self.live.take() else { return };
        match tokio::runtime::Handle::try_current() {
            Ok(_) => connection.drain(),
            Err(_) => connection.close("the runtime was shut down"),
        }
    }
}

impl Down {
    pub(super) fn to_error(&self) -> Error {
        let mut text = format!("cannot connect: {}", self.error);
        append_lost(&mut text, self.lost.as_deref());
        text.push_str(match self.error.kind() {
            // Somebody is there and was not understood: what TLS says of it stands on its own.
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => "; it is dialled again meanwhile",
            _ => "; see that a server listens there, which is dialled again meanwhile",
        });
        // One dial fails many calls, and each error has its own source.
        let source = match self.error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(self.error.kind(), Shared(self.error.clone())),
        };
        Error::new(ErrorKind::Unavailable, text).with_source(source).not_sent()
    }
}

pub(super) fn append_lost(text: &mut String, lost: Option<&str>) {
    if let Some(lost) = lost {
        text.push_str("; the last connection ended: ");
        text.push_str(lost);
    }
}

/// An error that several own.
#[derive(Debug)]
struct Shared(Arc<io::Error>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Shared {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
