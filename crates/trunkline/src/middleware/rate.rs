//! How many calls begin in a stretch of time.

use std::fmt;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::{Middleware, Next, Side};
use crate::call::{Call, Reply};
use crate::error::{Error, ErrorKind};
use crate::later;

/// What Go's servers answer, and Go's clients look for.
const TEXT: &str = "request reached rate limit";

/// Lets in a burst of calls, then one each interval: a token bucket as Go's, which starts full.
///
/// A call that finds the bucket empty ends in [`ErrorKind::Overloaded`] with the text `request
/// reached rate limit`; it has not run, and the error says when the next token comes. Heartbeats
/// take no tokens. With [`max_wait`](Self::max_wait) calls wait for their token instead.
///
/// ```
/// use std::time::Duration;
/// use trunkline::Server;
/// use trunkline::middleware::RateLimit;
///
/// // A burst of 100, then 50 a second.
/// let server = Server::builder().layer(RateLimit::new(100, Duration::from_millis(20)));
/// # let _ = server;
/// ```
pub struct RateLimit {
    bucket: Mutex<Bucket>,
    max_wait: Duration,
}

impl RateLimit {
    /// A bucket of `capacity` tokens, at least one, that starts full and gains one each
    /// `interval`.
    pub fn new(capacity: u32, interval: Duration) -> Self {
        let bucket = Bucket {
            capacity: i64::from(capacity.max(1)),
            interval: interval.max(Duration::from_nanos(1)),
            tokens: i64::from(capacity.max(1)),
            begun: None,
            tick: 0,
        };
        Self { bucket: Mutex::new(bucket), max_wait: Duration::ZERO }
    }

    /// Lets a call wait this long for its token. It takes the token at once, so calls are served
    /// in turn and no more wait than tokens come in this time; a call that would wait longer, or
    /// longer than its caller does, is refused at once.
    #[must_use]
    pub fn max_wait(mut self, most: Duration) -> Self {
        self.max_wait = most;
        self
    }
}

impl Middleware for RateLimit {
    async fn handle(&self, call: &mut Call, next: Next<'_>) -> Result<Reply, Error> {
        let now = Instant::now();
        let most = match call.deadline {
            Some(at) => self.max_wait.min(at.saturating_duration_since(now)),
            None => self.max_wait,
        };
        let taken = self.bucket.lock().take(now, most);
        match taken {
            Ok(Duration::ZERO) => {}
            Ok(wait) => tokio::time::sleep_until(later::after(now, wait)).await,
            Err(wait) => {
                let error = Error::new(ErrorKind::Overloaded, TEXT).with_retry_after(wait);
                return Err(match next.side() {
                    Side::Server => error.not_started(),
                    Side::Client => error.of(call.service(), call.method()).not_sent(),
                });
            }
        }
        next.run(call).await
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bucket = self.bucket.lock();
        f.debug_struct("RateLimit")
            .field("capacity", &bucket.capacity)
            .field("interval", &bucket.interval)
            .field("tokens", &bucket.tokens)
            .finish()
    }
}

/// Tokens come at whole intervals since the first call, as Go counts them.
struct Bucket {
    capacity: i64,
    interval: Duration,
    /// Below zero while calls wait for tokens that are to come.
    tokens: i64,
    begun: Option<Instant>,
    /// The interval in which `tokens` was right.
    tick: i64,
}

impl Bucket {
    /// Takes a token and tells in how long it comes, or leaves it and tells in how long it would
    /// have come, because that is longer than `most`.
    fn take(&mut self, now: Instant, most: Duration) -> Result<Duration, Duration> {
        let since = now - *self.begun.get_or_insert(now);
        let tick = i64::try_from(since.as_nanos() / self.interval.as_nanos()).unwrap_or(i64::MAX);
        let gained = tick.saturating_sub(self.tick).max(0);
        self.tokens = self.tokens.saturating_add(gained).min(self.capacity);
        self.tick = tick;
        if self.tokens > 0 {
            self.tokens -= 1;
            return Ok(Duration::ZERO);
        }
        // Those who came before, and wait, have the next ones.
        let before = u32::try_from(-self.tokens).unwrap_or(u32::MAX);
        let into_tick = since.as_nanos() % self.interval.as_nanos();
        let into_tick = Duration::from_nanos(u64::try_from(into_tick).unwrap_or(u64::MAX));
        let wait = self.interval.saturating_mul(before.saturating_add(1)).saturating_sub(into_tick);
        if wait > most {
            return Err(wait);
        }
        self.tokens -= 1;
        Ok(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Duration = Duration::from_millis(10);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn bucket(limit: &RateLimit) -> impl FnMut(Instant, Duration) -> Result<Duration, Duration> {
        move |now, most| limit.bucket.lock().take(now, most)
    }

    #[test]
    fn the_bucket_starts_full_and_gains_one_each_interval() {
        let limit = RateLimit::new(2, TEN);
        let mut take = bucket(&limit);
        let start = Instant::now();
        assert_eq!(take(start, Duration::ZERO), Ok(Duration::ZERO));
        assert_eq!(take(start, Duration::ZERO), Ok(Duration::ZERO));
        assert_eq!(take(start + ms(3), Duration::ZERO), Err(ms(7)));
        assert_eq!(take(start + ms(10), Duration::ZERO), Ok(Duration::ZERO));
        assert_eq!(take(start + ms(19), Duration::ZERO), Err(ms(1)));
        // Never more than it holds, however long nobody came.
        for _ in 0..2 {
            assert_eq!(take(start + ms(1_000_000), Duration::ZERO), Ok(Duration::ZERO));
        }
        assert!(take(start + ms(1_000_000), Duration::ZERO).is_err());
    }

    #[test]
    fn who_waits_has_a_token_of_their_own() {
        let limit = RateLimit::new(1, TEN);
        let mut take = bucket(&limit);
        let start = Instant::now();
        assert_eq!(take(start, ms(25)), Ok(Duration::ZERO));
        assert_eq!(take(start, ms(25)), Ok(ms(10)));
        assert_eq!(take(start, ms(25)), Ok(ms(20)));
        assert_eq!(take(start, ms(25)), Err(ms(30)));
        assert_eq!(take(start + ms(12), ms(25)), Ok(ms(18)));
    }

    #[test]
    fn extreme_intervals_do_not_overflow() {
        let slow = RateLimit::new(1, Duration::MAX);
        let mut take = bucket(&slow);
        let start = Instant::now();
        assert!(take(start, Duration::ZERO).is_ok());
        assert!(take(start, Duration::ZERO).is_err());
        let fast = RateLimit::new(0, Duration::ZERO);
        let mut take = bucket(&fast);
        assert!(take(start, Duration::ZERO).is_ok());
        assert!(take(start + Duration::from_secs(1 << 32), Duration::ZERO).is_ok());
    }
}
