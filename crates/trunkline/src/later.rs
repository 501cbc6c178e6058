//! A moment so far after another, whatever a setting says: the one place where they are added.

use std::time::Duration;

use tokio::time::Instant;

/// A longer time is as good as this one, and this one can be added to any moment.
pub(crate) const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// The moment `wait` after `from`, or a year after it where that is sooner: [`Duration::MAX`] in a
/// setting means "for ever" and must not overflow.
#[inline]
pub(crate) fn after(from: Instant, wait: Duration) -> Instant {
    from + wait.min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_wait_is_too_long() {
        let now = Instant::now();
        assert_eq!(after(now, Duration::from_secs(1)) - now, Duration::from_secs(1));
        assert_eq!(after(after(now, Duration::MAX), Duration::MAX) - now, LONGEST * 2);
    }
}
