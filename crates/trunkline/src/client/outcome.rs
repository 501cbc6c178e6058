//! How a wait for an answer ended.

use bytes::Bytes;
use trunkline_wire::{CompressType, Message, Status};

/// How a wait ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The payload of an answer that has nothing else to it: no metadata, no error, not compressed.
    Plain(Bytes),
    Reply(Box<Message>),
    /// A oneway's frame was taken by the kernel.
    Written,
    Lost {
        sent: bool,
    },
    /// Its time is up. The frame may be in the queue still, and go out: it is not called back.
    Late,
}

impl Outcome {
    #[inline]
    pub(crate) fn of(message: Message) -> Self {
        let header = message.header();
        let plain = header.status() == Status::Normal
            && header.compress() == CompressType::NONE
            && message.metadata_block().is_empty();
        if plain { Self::Plain(message.into_payload()) } else { Self::Reply(Box::new(message)) }
    }
}
