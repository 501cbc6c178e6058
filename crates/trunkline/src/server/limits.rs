//! The bounds of a server, all on by default.

use std::time::Duration;

use trunkline_wire::Limits;

/// The bounds of a server. The defaults suit a process with a gigabyte to spend.
///
/// ```
/// use std::time::Duration;
/// use trunkline::server::ServerLimits;
///
/// let mut limits = ServerLimits::default();
/// limits.in_flight_per_connection = 100;
/// limits.idle = Some(Duration::from_secs(300));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerLimits {
    /// Frame, metadata and inflated size: 64 MiB, 1 MiB, 256 MiB.
    pub wire: Limits,
    /// Connections at the same time: 10,000. One more is closed at once.
    pub connections: usize,
    /// Calls under way on one connection: 4,096. Further ones wait in the queue. Calls that end at
    /// their first poll do not count: they are never under way together.
    pub in_flight_per_connection: usize,
    /// Calls under way on the whole server: 65,536.
    pub in_flight: usize,
    /// Requests of one connection that wait for a place: 1,024. One more is refused, "not
    /// started".
    pub queue_per_connection: usize,
    /// How long a request waits for a place: 10 s, or until its own deadline if that is sooner.
    pub queue_wait: Duration,
    /// Bytes of answers that a peer has not read; above this nothing more is read from it: 1 MiB.
    pub unwritten_per_connection: usize,
    /// A connection with no frame and no call for this long is closed. Off by default: clients
    /// send heartbeats when they wish to stay.
    pub idle: Option<Duration>,
    /// A frame that has begun and does not go on for this long ends its connection: 30 s. Less than
    /// 16 KiB in that time is not going on.
    pub read_stall: Duration,
    /// Answers that the peer does not take for this long end its connection: 30 s. Less than 16 KiB
    /// in that time is not taking them.
    pub write_stall: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            wire: Limits::default(),
            connections: 10_000,
            in_flight_per_connection: 4_096,
            in_flight: 65_536,
            queue_per_connection: 1_024,
            queue_wait: Duration::from_secs(10),
            unwritten_per_connection: 1 << 20,
            idle: None,
            read_stall: Duration::from_secs(30),
            write_stall: Duration::from_secs(30),
        }
    }
}
