//! Writing: sessions that renew themselves, and entries under them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout_at};

use super::store::{Key, Lease, Store};
use crate::error::{Error, ErrorKind};
use crate::registry::{Attributes, Expect, Held, Instance, Session, Sessions, Swap, Version};
use crate::transport::{Address, BoxFuture};

struct MemorySession {
    store: Arc<Store>,
    id: Arc<str>,
    /// Why it is lost.
    lost: watch::Receiver<Option<&'static str>>,
    renewals: AbortHandle,
}

impl Sessions for Arc<Store> {
    fn open(&self, ttl: Duration) -> BoxFuture<'_, Result<Arc<dyn Session>, Error>> {
        Box::pin(async move {
            // Readers wait for the next session to expire, which may be this one now.
            let opened = self.ask_for(|state| {
                state.opened += 1;
                let id: Arc<str> = format!("session {}", state.opened).into();
                state.sessions.insert(id.clone(), Lease { ttl, until: Instant::now() + ttl });
                id
            });
            let id = opened.await?;
            let (sender, lost) = watch::channel(None);
            let renewing = renew(self.clone(), id.clone(), ttl, sender);
            let renewals = tokio::spawn(renewing).abort_handle();
            let session: Arc<dyn Session> =
                Arc::new(MemorySession { store: self.clone(), id, lost, renewals });
            Ok(session)
        })
    }

    fn shortest_ttl(&self) -> Duration {
        Duration::from_millis(10)
    }
}

/// Keeps a session alive until it is lost.
async fn renew(store: Arc<Store>, id: Arc<str>, ttl: Duration, lost: watch::Sender<Option<&'static str>>) {
    let mut give_up = Instant::now() + ttl * 2 / 3;
    loop {
        sleep(ttl / 6).await;
        let renewed = store.ask(|state| {
            let lease = state.sessions.get_mut(&id);
            lease.map(|lease| lease.until = Instant::now() + lease.ttl).is_some()
        });
        match timeout_at(give_up, renewed).await {
            Ok(Ok(true)) => give_up = Instant::now() + ttl * 2 / 3,
            Ok(Ok(false)) => {
                lost.send_replace(Some("the registry in memory does not know the session any more"));
                return;
            }
            _ if Instant::now() >= give_up => {
                lost.send_replace(Some("the registry in memory did not renew the session in time"));
                return;
            }
            _ => {}
        }
    }
}

impl MemorySession {
    fn key(service: &str, address: &Address) -> Key {
        (service.to_owned(), address.as_str().to_owned())
    }
}

impl Session for MemorySession {
    fn id(&self) -> &str {
        &self.id
    }

    fn read<'a>(
        &'a self,
        service: &'a str,
        address: &'a Address,
    ) -> BoxFuture<'a, Result<Option<Held>, Error>> {
        Box::pin(async move {
            let key = Self::key(service, address);
            let found = self.store.ask(|state| state.entries.get(&key).cloned()).await?;
            Ok(found.map(|value| Held {
                attributes: Attributes::parse(&value.text),
                owner: value.owner,
                version: value.revision.into(),
            }))
        })
    }

    fn put<'a>(
        &'a self,
        service: &'a str,
        instance: &'a Instance,
        expected: &'a Expect,
    ) -> BoxFuture<'a, Result<Swap, Error>> {
        Box::pin(async move {
            let key = Self::key(service, instance.address());
            let put = self.store.ask_for(|state| {
                if !state.sessions.contains_key(&self.id) {
                    let text = format!("the registry in memory does not know {}", self.id);
                    return Err(Error::new(ErrorKind::Unavailable, text));
                }
                let text = instance.attributes().text();
                let owner = Some(self.id.clone());
                Ok(state.swap(&key, expected, |state| state.put(key.clone(), text, owner)))
            });
            put.await?
        })
    }

    fn delete<'a>(
        &'a self,
        service: &'a str,
        address: &'a Address,
        version: &'a Version,
    ) -> BoxFuture<'a, Result<Swap, Error>> {
        Box::pin(async move {
            let key = Self::key(service, address);
            let expected = Expect::Version(version.clone());
            let delete = self.store.ask_for(|state| {
                if !state.entries.contains_key(&key) {
                    return Swap::Done;
                }
                state.swap(&key, &expected, |state| state.remove(&key, true))
            });
            delete.await
        })
    }

    fn lost(&self) -> BoxFuture<'_, Error> {
        let mut lost = self.lost.clone();
        Box::pin(async move {
            let why = match lost.wait_for(Option::is_some).await {
                Ok(why) => why.unwrap_or_default(),
                Err(_) => "nobody renews the session any more",
            };
            Error::new(ErrorKind::Unavailable, why)
        })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.renewals.abort();
            self.store.ask_for(|state| state.end_session(&self.id)).await
        })
    }
}

impl Drop for MemorySession {
    fn drop(&mut self) {
        self.renewals.abort();
    }
}
