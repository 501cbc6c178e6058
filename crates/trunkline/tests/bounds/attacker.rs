//! A peer that means no good, and spends little of its own: what it sends is shared by all.

use std::io;

use tokio::net::{TcpSocket, TcpStream};
use trunkline::wire::{Header, Message};
use trunkline::{Metadata, SerializeType};

/// The kernel keeps this much for an attacker; the rest is the server's to hold.
const SEND_BUFFER: u32 = 64 * 1024;

static FILLING: [u8; 256 * 1024] = [0x5a; 256 * 1024];

pub(crate) async fn connect(address: &str) -> TcpStream {
    let address = address.strip_prefix("tcp@").unwrap().parse().unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(SEND_BUFFER).unwrap();
    socket.connect(address).await.unwrap()
}

/// A call of raw bytes, as a frame.
pub(crate) fn frame(service: &str, method: &str, payload: usize) -> Vec<u8> {
    let header = Header::request(SerializeType::RAW);
    let payload = vec![0x5a; payload].into();
    let message = Message::new(header, service, method, &Metadata::new(), payload).unwrap();
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bytes
}

/// A frame of which everything is there but the payload.
pub(crate) struct Begun {
    head: Vec<u8>,
}

impl Begun {
    /// `total`: how long the frame is, all of it.
    pub(crate) fn announcing(total: u32) -> Self {
        const TOTAL_AT: usize = 12;
        let mut head = frame("S", "Echo", 0);
        let payload = total - u32::try_from(head.len()).unwrap();
        let after_total = total - 16;
        head[TOTAL_AT..TOTAL_AT + 4].copy_from_slice(&after_total.to_be_bytes());
        let payload_at = head.len() - 4;
        head[payload_at..].copy_from_slice(&payload.to_be_bytes());
        Self { head }
    }

    /// What comes after the first `sent` bytes, or a piece of it.
    pub(crate) fn after(&self, sent: usize) -> &[u8] {
        self.head.get(sent..).filter(|rest| !rest.is_empty()).unwrap_or(&FILLING)
    }
}

/// Sends what the kernel takes; tells how much, or that the server has closed the connection.
pub(crate) fn send(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    match stream.try_write(bytes) {
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(0),
        result => result,
    }
}

/// Whether the server has closed the connection; what it sent is read and forgotten.
pub(crate) fn is_closed(stream: &TcpStream) -> bool {
    let mut sink = [0; 4096];
    loop {
        match stream.try_read(&mut sink) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(e) => return e.kind() != io::ErrorKind::WouldBlock,
        }
    }
}
