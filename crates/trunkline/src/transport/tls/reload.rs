//! Things made from files that change while a program runs, such as certificates that are renewed.
//!
//! Nothing watches: who needs the thing looks, at most once in a while, whether the files' contents
//! are new. New contents that cannot be used leave the old thing in place and are reported once.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::pem::Pem;
use crate::later::after;

type Build<T> = dyn Fn(&[Vec<u8>]) -> io::Result<T> + Send + Sync;

/// How often files are looked at unless told otherwise.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

pub(super) struct Reloading<T> {
    sources: Vec<Pem>,
    build: Box<Build<T>>,
    current: ArcSwap<T>,
    interval: Duration,
    state: Mutex<State>,
}

struct State {
    /// When to look again. Nothing at first: what is made before a runtime runs has no clock.
    next: Option<Instant>,
    /// Somebody looks: a disk that hangs must not gather threads that wait for it.
    looking: bool,
    /// The contents that were looked at last, whether they could be used or not.
    seen: Vec<Vec<u8>>,
    /// Why what the files hold now is not used.
    fault: Option<String>,
}

impl<T: Send + Sync + 'static> Reloading<T> {
    /// Reads the files for the first time; then what is wrong with them is an error.
    pub(super) fn load(
        sources: Vec<Pem>,
        interval: Duration,
        build: impl Fn(&[Vec<u8>]) -> io::Result<T> + Send + Sync + 'static,
    ) -> io::Result<Arc<Self>> {
        let seen = read(&sources)?;
        let current = ArcSwap::from_pointee(build(&seen)?);
        let state = Mutex::new(State { next: None, looking: false, seen, fault: None });
        Ok(Arc::new(Self { sources, build: Box::new(build), current, interval, state }))
    }

    /// The thing, made anew if it is time to look and the files have changed. Others who ask
    /// meanwhile get the one there is.
    pub(super) async fn current(self: &Arc<Self>) -> Arc<T> {
        if self.is_time() {
            let this = self.clone();
            // Reading may take long, from a network's disk say.
            match tokio::task::spawn_blocking(move || this.look()).await {
                Ok(Some(News::Used)) => {
                    tracing::info!(
                        files = self.files(),
                        "the TLS files have changed; new connections use them"
                    );
                }
                Ok(Some(News::Useless(why))) => {
                    tracing::warn!(
                        files = self.files(),
                        why,
                        "the TLS files have changed and cannot be used; what was there before stays"
                    );
                }
                Ok(None) | Err(_) => {}
            }
        }
        self.current.load_full()
    }

    /// Whether it is the asker's turn to look.
    fn is_time(&self) -> bool {
        if !self.sources.iter().any(Pem::is_file) {
            return false;
        }
        let now = Instant::now();
        let mut state = self.state.lock();
        let due = !state.looking && state.next.is_none_or(|next| next <= now);
        if due {
            state.next = Some(after(now, self.interval));
            state.looking = true;
        }
        due
    }

    fn look(&self) -> Option<News> {
        let found = read(&self.sources);
        if found.as_ref().is_ok_and(|found| *found == self.state.lock().seen) {
            self.state.lock().looking = false;
            return None;
        }
        let (seen, built) = match found {
            Ok(found) => {
                let built = (self.build)(&found);
                (found, built)
            }
            // Should the old contents come back, they are new.
            Err(error) => (Vec::new(), Err(error)),
        };
        let mut state = self.state.lock();
        state.looking = false;
        state.seen = seen;
        match built {
            Ok(built) => {
                self.current.store(Arc::new(built));
                state.fault = None;
                Some(News::Used)
            }
            Err(error) => {
                let why = error.to_string();
                let known = state.fault.replace(why.clone());
                (known.as_ref() != Some(&why)).then_some(News::Useless(why))
            }
        }
    }

    fn files(&self) -> String {
        self.sources
            .iter()
            .filter(|source| source.is_file())
            .map(Pem::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// What a look brought that is worth a line in the log.
enum News {
    Used,
    Useless(String),
}

fn read(sources: &[Pem]) -> io::Result<Vec<Vec<u8>>> {
    sources.iter().map(Pem::read).collect()
}
