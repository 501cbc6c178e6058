//! A request as it came: whom it is for, and how long its caller waits.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use trunkline_wire::{Header, Message, keys};

use super::router::Route;
use crate::budget::Charge;
use crate::call::Target;
use crate::later;

/// A request as it came, with what the reading side knows of it.
pub(crate) struct Arrived {
    pub(crate) message: Message,
    pub(crate) at: Instant,
    pub(crate) charge: Option<Charge>,
}

/// What is needed to answer a request.
pub(crate) struct Asked {
    pub(crate) header: Header,
    pub(crate) names: Names,
}

/// Whom a request was for: a method, or names that no method has.
#[derive(Clone)]
pub(crate) enum Names {
    Route(Arc<Route>),
    Unknown(Target),
}

impl Names {
    pub(super) fn target(&self) -> &Target {
        match self {
            Self::Route(route) => &route.target,
            Self::Unknown(target) => target,
        }
    }

    /// Whether the call goes on whatever becomes of its caller.
    pub(super) fn is_lasting(&self) -> bool {
        matches!(self, Self::Route(route) if route.lasting)
    }

    pub(super) fn unknown(message: &Message) -> Self {
        let path = String::from_utf8_lossy(message.service_path());
        let method = String::from_utf8_lossy(message.service_method());
        Self::Unknown(Target::shared(&path, &method))
    }
}

/// The bytes of a request that nobody has counted yet: a large one brings its charge along.
pub(super) fn uncharged(arrived: &Arrived) -> usize {
    if arrived.charge.is_some() { 0 } else { arrived.message.wire_len() }
}

/// When the caller gives up, by its metadata.
pub(super) fn deadline_of(arrived: &Arrived) -> Option<Instant> {
    time_left(arrived.message.metadata_block()).map(|left| later::after(arrived.at, left))
}

/// How long the caller goes on waiting, by its metadata: decimal milliseconds left when it was sent.
/// What does not parse is ignored, as in Go.
pub(super) fn time_left(metadata: &[u8]) -> Option<Duration> {
    let text = trunkline_wire::lookup(metadata, keys::SERVER_TIMEOUT.as_bytes())?;
    let ms: i64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
}
