//! A bare connection, for frames that our client never sends.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use trunkline::Metadata;
use trunkline::wire::{Decoder, Header, Limits, Message};

use crate::check::{Check, During, Problem};

pub(super) struct Wire {
    stream: TcpStream,
    decoder: Decoder,
    received: BytesMut,
}

impl Wire {
    pub(super) async fn connect(address: &str) -> Check<Self> {
        let stream = TcpStream::connect(address).await.during("connecting")?;
        Ok(Self { stream, decoder: Decoder::new(Limits::default()), received: BytesMut::new() })
    }

    /// Sends a frame and waits for the next one.
    pub(super) async fn exchange(&mut self, message: &Message) -> Check<Message> {
        self.stream.write_all(&bytes_of(message)).await.during("sending")?;
        timeout(std::time::Duration::from_secs(5), self.receive()).await.during("waiting for the answer")?
    }

    async fn receive(&mut self) -> Check<Message> {
        loop {
            if let Some(message) = self.decoder.decode(&mut self.received)? {
                return Ok(message);
            }
            if self.stream.read_buf(&mut self.received).await.during("receiving")? == 0 {
                return Err(Problem("the server closed the connection".to_owned()));
            }
        }
    }
}

pub(super) fn bytes_of(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bytes
}

pub(super) fn pairs(pairs: &[(&str, &str)]) -> Metadata {
    let mut metadata = Metadata::new();
    for (name, value) in pairs {
        metadata.insert(name, value);
    }
    metadata
}

pub(super) fn frame(
    header: Header,
    (service, method): (&str, &str),
    metadata: &Metadata,
    payload: impl Into<Bytes>,
) -> Check<Message> {
    Ok(Message::new(header, service, method, metadata, payload.into())?)
}
