//! Messages that the server sends unasked.

use bytes::Bytes;
use trunkline_wire::{FrameEncoder, Header, Metadata};

use super::connection::Connection;
use crate::ctx::Origin;
use crate::error::{Error, ErrorKind};
use crate::frame::link::Reason;
use crate::frame::outgoing::{LARGE, Outgoing};
use crate::transport::{BoxFuture, Peer};

impl Origin for Connection {
    fn peer(&self) -> &Peer {
        &self.peer
    }

    fn push<'a>(
        &'a self,
        service: &'a str,
        method: &'a str,
        metadata: &'a Metadata,
        payload: Bytes,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let header = Header::push().with_seq(self.shared.next_push());
            let too_large =
                |e: trunkline_wire::EncodeError| Error::new(ErrorKind::Invalid, e.to_string()).not_sent();
            let encode = |out: &mut Vec<u8>, inline: Option<&[u8]>| {
                let mut frame = FrameEncoder::begin(out, header, service.as_bytes(), method.as_bytes());
                frame.block(metadata.encoded());
                match inline {
                    Some(payload) => frame.payload(payload),
                    None => frame.detached(payload.len()),
                }
            };
            let push = if payload.len() >= LARGE {
                let mut head = Vec::new();
                encode(&mut head, None).map_err(too_large)?;
                self.link.with(|s| {
                    self.takes_pushes(&s.out)?;
                    s.out.append_large(head, payload);
                    Ok::<_, Error>(s.out.pushed(true))
                })?
            } else {
                self.link.with(|s| {
                    self.takes_pushes(&s.out)?;
                    s.out.append(|out| encode(out, Some(&payload))).map_err(too_large)?;
                    Ok::<_, Error>(s.out.pushed(false))
                })?
            };
            self.link.carry_out(push);
            Ok(())
        })
    }

    fn closed(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.until_closed())
    }

    fn cut(&self, why: &'static str) {
        self.link.close(&Reason::new(why));
    }
}

impl Connection {
    fn takes_pushes(&self, out: &Outgoing) -> Result<(), Error> {
        let (kind, text) = if out.is_closed() {
            (ErrorKind::Unavailable, "the client is gone")
        } else if out.queued() > self.shared.limits.unwritten_per_connection {
            let text = "the client reads too slowly: its connection holds as many unread bytes as it may";
            (ErrorKind::Overloaded, text)
        } else {
            return Ok(());
        };
        Err(Error::new(kind, text).at(self.peer.address.clone()).not_sent())
    }
}
