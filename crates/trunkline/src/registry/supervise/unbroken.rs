//! A task that panics is started again: a defect in a back end must not end its registry's
//! supervision without a word.

use std::time::Duration;

use super::backoff::chance;

const PAUSE: Duration = Duration::from_secs(1);

/// Runs what `make` makes until it ends without a panic.
pub(super) async fn unbroken<F>(registry: &str, make: impl Fn() -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        match tokio::spawn(make()).await {
            Err(error) if error.is_panic() => {
                tracing::error!(registry, "the registry's back end panicked, and is started again: {error}");
                tokio::time::sleep(PAUSE.mul_f64(chance())).await;
            }
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_runs_until_it_ends_without_a_panic() {
        let runs = Arc::new(AtomicUsize::new(0));
        unbroken("test", || {
            let runs = runs.clone();
            async move { assert_eq!(runs.fetch_add(1, Ordering::SeqCst), 2, "not yet") }
        })
        .await;
        assert_eq!(runs.load(Ordering::SeqCst), 3);
    }
}
