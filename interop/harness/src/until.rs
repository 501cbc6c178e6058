//! Waiting for something to become true.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Asks again and again until it is so; says whether it became so in time.
pub(crate) async fn until(limit: Duration, mut condition: impl AsyncFnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if condition().await {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        sleep(Duration::from_millis(10)).await;
    }
}
