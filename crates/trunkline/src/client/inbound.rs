//! Messages that a server sends unasked.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;
use trunkline_wire::{Message, Metadata};

/// How many messages, and how many bytes, wait for a subscriber that does not read.
/// A message counts with all that it keeps: names, metadata, payload, and itself.
const MOST: usize = 1024;
const MOST_BYTES: usize = 16 << 20;

/// A message that a server sent unasked.
#[derive(Clone, Debug)]
pub struct Pushed {
    /// The service path it came under.
    pub service: String,
    /// The method it came under.
    pub method: String,
    /// Its metadata.
    pub metadata: Metadata,
    /// Its payload: raw bytes.
    pub payload: Bytes,
    /// The server's address.
    pub address: Arc<str>,
}

/// The messages that servers push to this client from the moment of subscription on.
///
/// Up to 1,024 messages and 16 MiB wait to be read. When they are full the newest message is
/// dropped, as in Go, and counted: [`missed`](Self::missed).
pub struct PushStream(Arc<Queue>);

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Default)]
struct State {
    messages: VecDeque<Pushed>,
    bytes: usize,
    missed: u64,
    ended: bool,
}

/// Where a client's connections put what is pushed.
#[derive(Clone, Default)]
pub(crate) struct Inbound(Arc<Mutex<Subscribers>>);

#[derive(Default)]
struct Subscribers {
    queues: Vec<Weak<Queue>>,
    /// The client is gone: nothing will come any more.
    ended: bool,
}

impl PushStream {
    /// The next message; none when the client is gone.
    ///
    /// # Cancel safety
    /// No message is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Pushed> {
        loop {
            let arrived = self.0.arrived.notified();
            {
                let mut state = self.0.state.lock();
                if let Some(message) = state.messages.pop_front() {
                    state.bytes -= message.held();
                    return Some(message);
                }
                if state.ended {
                    return None;
                }
            }
            arrived.await;
        }
    }

    /// How many messages were dropped because they were not read in time.
    pub fn missed(&self) -> u64 {
        self.0.state.lock().missed
    }
}

impl fmt::Debug for PushStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushStream").field("missed", &self.missed()).finish_non_exhaustive()
    }
}

impl Pushed {
    /// All of it copied: a message that waits must not pin the buffer it was read into.
    fn copied(message: &Message, address: &Arc<str>) -> Self {
        let metadata = Metadata::from_encoded(Bytes::copy_from_slice(message.metadata_block()));
        Self {
            service: String::from_utf8_lossy(message.service_path()).into_owned(),
            method: String::from_utf8_lossy(message.service_method()).into_owned(),
            metadata: metadata.expect("a message's metadata was checked when it was decoded"),
            payload: Bytes::copy_from_slice(message.payload()),
            address: address.clone(),
        }
    }

    /// How many bytes it keeps.
    fn held(&self) -> usize {
        let metadata = self.metadata.encoded_len();
        size_of::<Self>() + self.service.len() + self.method.len() + metadata + self.payload.len()
    }
}

impl Inbound {
    pub(crate) fn subscribe(&self) -> PushStream {
        let queue = Arc::new(Queue::default());
        let mut subscribers = self.0.lock();
        queue.state.lock().ended = subscribers.ended;
        subscribers.queues.push(Arc::downgrade(&queue));
        PushStream(queue)
    }

    pub(crate) fn deliver(&self, message: &Message, address: &Arc<str>) {
        let mut subscribers = self.0.lock();
        subscribers.queues.retain(|weak| {
            let Some(queue) = weak.upgrade() else { return false };
            let mut state = queue.state.lock();
            // What does not fit as it came on the wire is not even copied.
            let fits = state.messages.len() < MOST && state.bytes + message.wire_len() <= MOST_BYTES;
            let kept = fits.then(|| Pushed::copied(message, address));
            match kept.filter(|pushed| state.bytes + pushed.held() <= MOST_BYTES) {
                Some(pushed) => {
                    state.bytes += pushed.held();
                    state.messages.push_back(pushed);
                }
                None => state.missed += 1,
            }
            drop(state);
            queue.arrived.notify_one();
            true
        });
    }

    pub(crate) fn end(&self) {
        let mut subscribers = self.0.lock();
        subscribers.ended = true;
        for queue in subscribers.queues.drain(..).filter_map(|weak| weak.upgrade()) {
            queue.state.lock().ended = true;
            queue.arrived.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trunkline_wire::Header;

    #[tokio::test]
    async fn a_full_queue_drops_the_newest_and_counts() {
        let inbound = Inbound::default();
        let mut stream = inbound.subscribe();
        let address: Arc<str> = Arc::from("memory@x");
        for n in 0..MOST + 3 {
            let message =
                Message::new(Header::push(), "S", "M", &Metadata::new(), Bytes::from(n.to_string())).unwrap();
            inbound.deliver(&message, &address);
        }
        assert_eq!(stream.missed(), 3);
        assert_eq!(&stream.next().await.unwrap().payload[..], b"0");
        inbound.end();
        for _ in 1..MOST {
            assert!(stream.next().await.is_some());
        }
        assert!(stream.next().await.is_none());
    }

    #[test]
    fn names_and_metadata_count_and_pin_no_buffer() {
        let inbound = Inbound::default();
        let stream = inbound.subscribe();
        let address: Arc<str> = Arc::from("memory@x");
        let metadata: Metadata = [("k", "v".repeat(1 << 20))].into_iter().collect();
        let long = "S".repeat(1 << 20);
        for (name, metadata) in [("S", &metadata), (&long, &Metadata::new())] {
            let message = Message::new(Header::push(), name, "M", metadata, "x".into()).unwrap();
            for _ in 0..10 {
                inbound.deliver(&message, &address);
            }
            assert!(message.into_payload().is_unique(), "the frame is not kept by what waits");
        }
        assert_eq!(stream.missed(), 5, "20 MiB for a queue of 16");
    }
}
