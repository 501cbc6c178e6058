//! A far end that is scripted frame by frame, or byte by byte.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSlice};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};
use trunkline_wire::{Decoder, Header, Limits, Message, Metadata, SerializeType, Status, keys};

use crate::transport::memory::Memory;
use crate::transport::{Listener, Sink, Stream, Transport};

/// One end of a connection, spoken by hand: a fake client for a real server, or a fake server for
/// a real client. It does nothing by itself.
///
/// ```
/// use trunkline::testing::FramePeer;
/// use trunkline::transport::memory::Memory;
/// use trunkline::wire::SerializeType;
/// use trunkline::{Failure, Server};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let network = Memory::new();
/// let server = Server::builder()
///     .function("Math", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) })
///     .transport(network.clone())
///     .bind("memory@math").await?
///     .spawn();
///
/// let mut client = FramePeer::dial(&network, "math").await?;
/// client.request(7, "Math", "Neg", SerializeType::JSON, "5").await?;
/// let answer = client.receive().await?.expect("an answer");
/// assert_eq!(answer.header().seq(), 7);
/// assert_eq!(&answer.payload()[..], b"-5");
///
/// // What is no frame ends the connection.
/// client.send_bytes(b"GET / HTTP/1.1\r\n").await?;
/// assert!(client.receive().await?.is_none());
/// # server.stop().await;
/// # Ok(()) }
/// ```
pub struct FramePeer {
    reader: Box<dyn AsyncRead + Send + Unpin>,
    sink: Box<dyn Sink>,
    decoder: Decoder,
    received: BytesMut,
}

impl FramePeer {
    /// The near end of this stream.
    pub fn new(stream: Stream) -> Self {
        Self {
            reader: stream.reader,
            sink: stream.sink,
            decoder: Decoder::new(Limits::default()),
            received: BytesMut::new(),
        }
    }

    /// Connects to `memory@name` of this network, as a client.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn dial(network: &Memory, name: &str) -> io::Result<Self> {
        network.dial(name).await.map(Self::new)
    }

    /// The next frame; `None` when the far end has closed.
    ///
    /// # Errors
    /// When the far end broke the protocol or ended inside a frame.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn receive(&mut self) -> io::Result<Option<Message>> {
        loop {
            match self.decoder.decode(&mut self.received) {
                Ok(Some(message)) => return Ok(Some(message)),
                Ok(None) => {}
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            }
            if self.reader.read_buf(&mut self.received).await? == 0 {
                return match self.received.len() {
                    0 => Ok(None),
                    _ => Err(io::ErrorKind::UnexpectedEof.into()),
                };
            }
        }
    }

    /// The next frame that is no heartbeat; heartbeats on the way are echoed as servers do it.
    ///
    /// # Errors
    /// As [`receive`](Self::receive), and when an echo could not be sent.
    pub async fn receive_call(&mut self) -> io::Result<Option<Message>> {
        loop {
            let Some(message) = self.receive().await? else { return Ok(None) };
            let header = message.header();
            if !header.is_heartbeat() {
                return Ok(Some(message));
            }
            if !header.is_response() {
                self.send(&message.with_header(header.echo())).await?;
            }
        }
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// When the far end is gone.
    pub async fn send(&mut self, message: &Message) -> io::Result<()> {
        let mut frame = Vec::with_capacity(message.wire_len());
        message.encode(&mut frame);
        self.send_bytes(&frame).await
    }

    /// Sends bytes, whatever they mean.
    ///
    /// # Errors
    /// When the far end is gone.
    pub async fn send_bytes(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.sink.try_write(&[IoSlice::new(bytes)]) {
                Ok(n) => bytes = &bytes[n..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    poll_fn(|cx| self.sink.poll_ready(cx)).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sends a request without metadata.
    ///
    /// # Errors
    /// When the far end is gone.
    pub async fn request(
        &mut self,
        seq: u64,
        service: &str,
        method: &str,
        format: SerializeType,
        payload: impl Into<Bytes>,
    ) -> io::Result<()> {
        let header = Header::request(format).with_seq(seq);
        let message = Message::new(header, service, method, &Metadata::new(), payload.into());
        self.send(&message.map_err(io::Error::other)?).await
    }

    /// Answers a request with a payload in the request's format.
    ///
    /// # Errors
    /// When the far end is gone.
    pub async fn answer(&mut self, request: &Message, payload: impl Into<Bytes>) -> io::Result<()> {
        self.respond(request, Status::Normal, &Metadata::new(), payload.into()).await
    }

    /// Answers a request with an error, as a stock Go server does: its text and nothing else.
    ///
    /// # Errors
    /// When the far end is gone.
    pub async fn fail(&mut self, request: &Message, text: &str) -> io::Result<()> {
        let mut metadata = Metadata::new();
        metadata.insert(keys::ERROR, text);
        self.respond(request, Status::Error, &metadata, Bytes::new()).await
    }

    async fn respond(
        &mut self,
        request: &Message,
        status: Status,
        metadata: &Metadata,
        payload: Bytes,
    ) -> io::Result<()> {
        let header = request.header().response_to().with_status(status);
        let service = String::from_utf8_lossy(request.service_path());
        let method = String::from_utf8_lossy(request.service_method());
        let message = Message::new(header, &service, &method, metadata, payload);
        self.send(&message.map_err(io::Error::other)?).await
    }

    /// Says that nothing more will come; receiving goes on.
    ///
    /// # Errors
    /// When the stream failed before.
    pub async fn finish(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.sink.poll_shutdown(cx)).await
    }
}

impl fmt::Debug for FramePeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FramePeer").field("unread", &self.received.len()).finish_non_exhaustive()
    }
}

/// Waits for clients and speaks to each by hand.
///
/// ```
/// use trunkline::testing::FrameListener;
/// use trunkline::transport::memory::Memory;
/// use trunkline::{Client, ErrorKind};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let network = Memory::new();
/// let mut listener = FrameListener::bind(&network, "fake").await?;
/// let client = Client::builder().transport(network).connect("memory@fake").await?;
///
/// let fake = async {
///     let mut server = listener.accept().await?;
///     let request = server.receive_call().await?.expect("a request");
///     server.fail(&request, "rpcx: can't find service Math").await?;
///     std::io::Result::Ok(server)
/// };
/// let math = client.service("Math");
/// let (result, _server) = tokio::join!(math.call::<_, i64>("Neg", &5).response(), fake);
/// assert_eq!(result.unwrap_err().kind(), ErrorKind::NotFound);
/// # Ok(()) }
/// ```
pub struct FrameListener(Box<dyn Listener>);

impl FrameListener {
    /// Listens on `memory@name` of this network.
    ///
    /// # Errors
    /// When the name is taken.
    pub async fn bind(network: &Memory, name: &str) -> io::Result<Self> {
        network.listen(name).await.map(Self)
    }

    /// The next client.
    ///
    /// # Errors
    /// When accepting failed; another call may succeed.
    pub async fn accept(&mut self) -> io::Result<FramePeer> {
        self.0.accept().await.map(FramePeer::new)
    }
}

impl fmt::Debug for FrameListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FrameListener").field(&self.0.local_address()).finish()
    }
}
