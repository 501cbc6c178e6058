//! Heartbeats: our client's own, and frames of every other sort.

use std::collections::BTreeMap;
use std::time::Duration;

use trunkline::wire::{Compressor, Compressors, Gzip, Header, Limits, Message};
use trunkline::{CompressType, Metadata, SerializeType};

use super::frames::{Wire, bytes_of, frame, pairs};
use super::{Env, Pieces};
use crate::check::{Check, equal, expect};
use crate::until::until;

/// Our client's own every 50 ms, and one with metadata.
pub(super) async fn heartbeat(env: Env<'_>) -> Check {
    let often = Some(Duration::from_millis(50));
    let line = env.connect_with(&env.go.address, Pieces::Whole, |builder| builder.heartbeat(often)).await?;
    let beats = until(Duration::from_secs(3), async || line.tap.beats() >= 5).await;
    expect(beats, || format!("got {} echoes of heartbeats, expected 5 or more", line.tap.beats()))?;
    line.alive_in(env.step.codec).await?;

    let mut wire = Wire::connect(&env.go.address).await?;
    let metadata = pairs(&[("beat", "Grüße"), ("empty", "")]);
    let payload = &b"\xd3\x01\x02\x03\x04\x05\x06\x07\x08"[..];
    let echo = wire.exchange(&frame(Header::heartbeat(), ("", ""), &metadata, payload)?).await?;
    equal("payload of the echo", echo.payload(), payload)?;
    equal("metadata of the echo", sorted(&echo.metadata()), sorted(&metadata))
}

/// Whatever is in a heartbeat comes back as it went, only the response bit is set.
pub(super) async fn heartbeat_frame(env: Env<'_>) -> Check {
    let mut wire = Wire::connect(&env.go.address).await?;
    let header = Header::heartbeat().with_seq((1 << 63) + 5);
    let odd = &b"no MessagePack \xff"[..];
    let names = ("any path", "any method");
    byte_for_byte(&mut wire, &frame(header, names, &pairs(&[("trace", "Grüße")]), odd)?).await?;

    let json = Header::heartbeat().with_seq(2).with_oneway(true).with_serialize(SerializeType::JSON);
    let mut bytes = json.to_bytes();
    bytes[1] = 3; // the version
    bytes[3] |= 0x0f; // the reserved bits
    let strange = frame(Header::from_bytes(bytes)?, ("", ""), &Metadata::new(), &b""[..])?;
    byte_for_byte(&mut wire, &strange).await?;

    let mut packed = Vec::new();
    Gzip::default().compress(&b"beat".repeat(500), &mut packed)?;
    let header = Header::heartbeat().with_seq(4).with_compress(CompressType::GZIP);
    let sent = frame(header, ("p", "m"), &pairs(&[("a", "1"), ("b", ""), ("", "c")]), packed)?;
    let echo = wire.exchange(&sent).await?;
    equal("header of the echo", echo.header(), header.echo())?;
    equal("names of the echo", (echo.service_path(), echo.service_method()), (&b"p"[..], &b"m"[..]))?;
    equal("metadata of the echo", sorted(&echo.metadata()), sorted(&sent.metadata()))?;
    let limit = Limits::default().inflated;
    let payload = Compressors::default().decompress(echo.header().compress(), &echo.into_payload(), limit)?;
    equal("payload of the echo", &payload[..], &b"beat".repeat(500)[..])
}

async fn byte_for_byte(wire: &mut Wire, message: &Message) -> Check {
    let mut expected = bytes_of(message);
    expected[2] |= 0x80;
    let echo = wire.exchange(message).await?;
    equal("echo of a heartbeat", bytes_of(&echo), expected)
}

/// Go's pairs come in no order.
fn sorted(metadata: &Metadata) -> BTreeMap<Vec<u8>, Vec<u8>> {
    metadata.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}
