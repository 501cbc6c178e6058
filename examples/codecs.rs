//! Formats: a service that speaks several, a format of one's own, and a compressor of one's own.
//!
//! `cargo run --example codecs`

use std::io::Write;

use trunkline::codec::{CodecError, Decode, Encode, Format, Json, MsgPack, Protobuf};
use trunkline::types::Bytes;
use trunkline::wire::{CompressError, Compressor};
use trunkline::{Client, CompressType, Error, Result, SerializeType, Server};

/// One type, three formats: the macro's attribute brings JSON and MessagePack, prost's derive protobuf.
#[trunkline::message]
#[derive(Clone, PartialEq, prost::Message)]
struct Point {
    #[prost(int64, tag = "1")]
    x: i64,
    #[prost(int64, tag = "2")]
    y: i64,
}

/// Lines of `name=number`. A format is a type without a value; which types travel in it is a trait bound.
struct Lines;

impl Format for Lines {
    // 0 to 4 are taken; 5 to 15 are free. Both ends have to agree.
    const TYPE: SerializeType = match SerializeType::new(9) {
        Some(free) => free,
        None => panic!("9 is below 16"),
    };
    const NAME: &'static str = "lines";
}

impl Encode<Point> for Lines {
    fn encode(point: &Point, out: &mut Vec<u8>) -> Result<(), CodecError> {
        writeln!(out, "x={}\ny={}", point.x, point.y)
            .map_err(|error| CodecError::encode::<Point>(Self::NAME, error.to_string()))
    }
}

impl Decode<Point> for Lines {
    fn decode(payload: &Bytes) -> Result<Point, CodecError> {
        let wrong = |text: &str| CodecError::decode::<Point>(Self::NAME, text.to_owned());
        let text = std::str::from_utf8(payload).map_err(|_| wrong("the payload is not UTF-8"))?;
        let number = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.and_then(|number| number.parse().ok()).ok_or_else(|| wrong("a line is missing or no number"))
        };
        Ok(Point { x: number("x")?, y: number("y")? })
    }
}

/// What the service speaks is checked by the compiler: take `PartialEq` from nobody, but `Encode<Point>` from
/// `Lines`, and this trait no longer compiles. The first one is what the client uses unless it is told otherwise.
#[trunkline::service(codecs(msgpack, json, protobuf, Lines))]
trait Plane {
    async fn mirror(&self, point: Point) -> Result<Point>;
}

struct Mirror;

impl Plane for Mirror {
    async fn mirror(&self, point: Point) -> Result<Point> {
        Ok(Point { x: -point.x, y: point.y })
    }
}

/// Writes how often each byte comes in a row. Good for nothing but an example.
struct RunLength;

impl Compressor for RunLength {
    fn name(&self) -> &'static str {
        "run-length"
    }

    fn compress(&self, input: &[u8], out: &mut Vec<u8>) -> Result<(), CompressError> {
        for run in input.chunk_by(|a, b| a == b) {
            for part in run.chunks(255) {
                out.extend([part.len() as u8, part[0]]);
            }
        }
        Ok(())
    }

    fn decompress(&self, input: &[u8], limit: usize) -> Result<Vec<u8>, CompressError> {
        let mut out = Vec::new();
        for pair in input.chunks_exact(2) {
            // Asked before growing: a few bytes may claim to be gigabytes.
            if out.len() + usize::from(pair[0]) > limit {
                return Err(CompressError::TooLarge { limit });
            }
            out.resize(out.len() + usize::from(pair[0]), pair[1]);
        }
        Ok(out)
    }
}

fn size<F: Encode<Point>>(point: &Point) -> Result<usize, CodecError> {
    let mut payload = Vec::new();
    F::encode(point, &mut payload)?;
    Ok(payload.len())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seven = CompressType::new(7).ok_or("types of compression are 0 to 7")?;
    let server = Server::builder()
        .service(Mirror.into_service())
        .function("Text", "Length", |text: String| async move { Ok::<_, trunkline::Failure>(text.len()) })
        .compressor(seven, RunLength)
        .bind("tcp@127.0.0.1:0")
        .await?
        .spawn();
    let client = Client::builder().compressor(seven, RunLength).connect(server.address()).await?;
    let plane = PlaneClient::new(client.clone());

    let point = Point { x: 3, y: 4 };
    let mirrored = Point { x: -3, y: 4 };
    assert_eq!(plane.mirror(point.clone()).await?, mirrored);
    println!("msgpack:  {} bytes there", size::<MsgPack>(&point)?);
    assert_eq!(plane.mirror(point.clone()).codec(Json).await?, mirrored);
    println!("json:     {} bytes there", size::<Json>(&point)?);
    assert_eq!(plane.mirror(point.clone()).codec(Protobuf).await?, mirrored);
    println!("protobuf: {} bytes there", size::<Protobuf>(&point)?);
    assert_eq!(plane.mirror(point.clone()).codec(Lines).await?, mirrored);
    println!("lines:    {} bytes there", size::<Lines>(&point)?);

    // The request's header names its format. One that the service does not speak is refused with Go's text.
    let unknown = SerializeType::new(12).ok_or("serialize types are 0 to 15")?;
    let refused: Result<Bytes, Error> = client.raw("Plane", "Mirror", unknown, Bytes::new()).await;
    println!("type 12:  {}\n", refused.expect_err("nobody speaks it"));

    // Payloads above 1,024 bytes are compressed, by the types that both ends know.
    let long = "z".repeat(100_000);
    for (name, kind) in [("gzip", CompressType::GZIP), ("run-length", seven)] {
        let length: u64 = client.service("Text").call("Length", &long).compress(kind).await?;
        println!("a text of {length} bytes arrived by {name}");
    }

    server.stop().await;
    Ok(())
}
