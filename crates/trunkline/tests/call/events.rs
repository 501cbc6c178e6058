//! What happened inside handlers, in order, for a test to wait for.

use tokio::sync::mpsc;

/// Handlers write here.
#[derive(Clone)]
pub(crate) struct Events(mpsc::Sender<&'static str>);

/// The test reads here.
pub(crate) struct Seen(mpsc::Receiver<&'static str>);

pub(crate) fn events() -> (Events, Seen) {
    let (sender, receiver) = mpsc::channel(10_000);
    (Events(sender), Seen(receiver))
}

impl Events {
    pub(crate) fn note(&self, what: &'static str) {
        self.0.try_send(what).expect("a test has fewer events than this");
    }

    /// Notes `what` when the value is dropped.
    pub(crate) fn on_drop(&self, what: &'static str) -> OnDrop {
        OnDrop(self.clone(), what)
    }
}

pub(crate) struct OnDrop(Events, &'static str);

impl Drop for OnDrop {
    fn drop(&mut self) {
        // The test may have ended before the runtime's last tasks.
        let _ = self.0.0.try_send(self.1);
    }
}

impl Seen {
    /// The next event, waited for.
    pub(crate) async fn next(&mut self) -> &'static str {
        self.0.recv().await.expect("somebody still holds the other end")
    }

    /// What has been noted and not been read.
    pub(crate) fn rest(&mut self) -> Vec<&'static str> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }
}
