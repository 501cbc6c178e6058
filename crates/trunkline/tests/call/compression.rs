use bytes::Bytes;
use trunkline::codec::{CodecError, Decode, Encode, Format};
use trunkline::server::MethodInfo;
use trunkline::transport::memory::Memory;
use trunkline::wire::{
    COMPRESS_THRESHOLD, CompressError, CompressType, Compressor, Compressors, Header, Limits, Message,
    Status, keys,
};
use trunkline::{Client, ErrorKind, Failure, SerializeType, Server, Service};

use crate::pair::{connect, pair, with_server};
use crate::raw_peer::{RawPeer, RawServer, message, request};

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Compressors::default().get(CompressType::GZIP).unwrap().compress(plain, &mut out).unwrap();
    out
}

/// The payload as its sender meant it.
fn plain(frame: &Message) -> Bytes {
    let payload = Bytes::copy_from_slice(frame.payload());
    Compressors::default().decompress(frame.header().compress(), &payload, 1 << 30).unwrap()
}

#[tokio::test]
async fn arguments_above_the_threshold_are_compressed() {
    let network = Memory::new();
    let mut server = RawServer::listen(&network).await;
    let client = connect(&network, Client::builder().compress(CompressType::GZIP)).await;
    let mut peer = server.accept().await;
    for (len, compressed) in [(0, false), (COMPRESS_THRESHOLD, false), (COMPRESS_THRESHOLD + 1, true)] {
        let payload = Bytes::from(vec![b'a'; len]);
        client.raw("S", "M", SerializeType::RAW, payload.clone()).notify().await.unwrap();
        let frame = peer.next_call().await.unwrap();
        let kind = if compressed { CompressType::GZIP } else { CompressType::NONE };
        assert_eq!(frame.header().compress(), kind, "{len}");
        assert_eq!(plain(&frame), payload);
    }
    let plain =
        client.raw("S", "M", SerializeType::RAW, vec![b'a'; 5_000].into()).compress(CompressType::NONE);
    plain.notify().await.unwrap();
    assert_eq!(
        peer.next_call().await.unwrap().header().compress(),
        CompressType::NONE,
        "the call's own word"
    );
}

#[tokio::test]
async fn replies_above_the_threshold_are_compressed_as_their_request_was() {
    let pair = with_server(|s| {
        s.raw("S", "Reply", |_, body| async move {
            let len: usize = std::str::from_utf8(&body).unwrap().parse().unwrap();
            Ok(vec![b'r'; len].into())
        })
    })
    .await;
    let mut peer = RawPeer::dial(&pair.network).await;
    for (asked, len, compressed) in [
        (CompressType::GZIP, 1_024, false),
        (CompressType::GZIP, 1_025, true),
        (CompressType::GZIP, 100_000, true),
        (CompressType::NONE, 100_000, false),
    ] {
        let header = Header::request(SerializeType::RAW).with_compress(asked);
        let text = len.to_string();
        let payload = if asked == CompressType::GZIP { gzip(text.as_bytes()) } else { text.into() };
        peer.send_message(&message(header, "S", "Reply", &[], &payload)).await;
        let answer = peer.next().await.unwrap();
        let kind = if compressed { CompressType::GZIP } else { CompressType::NONE };
        assert_eq!(answer.header().compress(), kind, "{len}");
        assert_eq!(plain(&answer), vec![b'r'; len]);
    }
}

#[tokio::test]
async fn both_ends_together() {
    let server = Server::builder().raw("S", "Echo", |_, body| async move { Ok(body) });
    let pair = pair(server, Client::builder().compress(CompressType::GZIP)).await;
    for len in [10, 1_024, 1_025, 20_000, 3 << 20] {
        let payload = Bytes::from_iter((0..len).map(|n| (n / 7) as u8));
        let call = pair.client.raw("S", "Echo", SerializeType::RAW, payload.clone());
        assert_eq!(call.await.unwrap(), payload);
    }
}

#[tokio::test]
async fn what_does_not_inflate_is_answered_and_the_connection_lives() {
    let pair = with_server(|s| s.raw("S", "Echo", |_, body| async move { Ok(body) })).await;
    let mut peer = RawPeer::dial(&pair.network).await;
    let gzip_header = Header::request(SerializeType::RAW).with_compress(CompressType::GZIP);
    let unknown = gzip_header.with_compress(CompressType::new(5).unwrap());
    let mut cut = gzip(&[b'x'; 5_000]);
    cut.truncate(cut.len() - 9);
    let long = vec![b'x'; 100_000];
    let cases = [
        (unknown, &b"anything"[..]),
        (gzip_header, b"no gzip at all"),
        (gzip_header, &cut),
        (gzip_header, &long),
        (gzip_header, b""),
    ];
    for (seq, (header, payload)) in cases.into_iter().enumerate() {
        peer.send_message(&message(header.with_seq(seq as u64), "S", "Echo", &[], payload)).await;
        let answer = peer.next().await.unwrap();
        assert_eq!((answer.header().seq(), answer.header().status()), (seq as u64, Status::Error));
        assert_eq!(answer.metadata().get(keys::KIND), Some("invalid"));
        assert_eq!(answer.header().compress(), CompressType::NONE);
    }
    peer.send_message(&request(99, "S", "Echo", b"alive")).await;
    assert_eq!(peer.next().await.unwrap().payload(), b"alive");
}

#[tokio::test]
async fn a_reply_that_does_not_inflate_fails_its_call_only() {
    let network = Memory::new();
    let mut server = RawServer::listen(&network).await;
    let client = Client::builder().limits(Limits::default().with_inflated(10_000));
    let client = connect(&network, client).await;
    let mut peer = server.accept().await;
    for payload in [b"no gzip at all".to_vec(), gzip(&[0; 10_001])] {
        let call = client.raw("S", "M", SerializeType::RAW, Bytes::new());
        let answer = async {
            let request = peer.next_call().await.unwrap();
            let header = request.header().response_to().with_compress(CompressType::GZIP);
            peer.send_message(&message(header, "", "", &[], &payload)).await;
        };
        let (result, ()) = tokio::join!(call.into_future(), answer);
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.is_remote()), (ErrorKind::Internal, false));
        assert!(std::error::Error::source(&error).is_some());
    }
    assert!(client.pushes().missed() == 0, "and the connection lives");
    let call = client.raw("S", "M", SerializeType::RAW, Bytes::new());
    let answer = async {
        let request = peer.next_call().await.unwrap();
        peer.answer(&request, b"alive").await;
    };
    let (result, ()) = tokio::join!(call.into_future(), answer);
    assert_eq!(result.unwrap(), "alive");
}

#[tokio::test]
async fn a_payload_that_inflates_beyond_the_limit_is_refused() {
    let server = Server::builder()
        .raw("S", "Echo", |_, body| async move { Ok(body) })
        .limit(|l| l.wire = Limits::default().with_inflated(1 << 20));
    let pair = pair(server, Client::builder()).await;
    let client = connect(&pair.network, Client::builder().compress(CompressType::GZIP)).await;
    let bomb = client.raw("S", "Echo", SerializeType::RAW, vec![0; (1 << 20) + 1].into());
    assert_eq!(bomb.await.unwrap_err().kind(), ErrorKind::Invalid);
    let fits = client.raw("S", "Echo", SerializeType::RAW, vec![0; 1 << 20].into());
    assert_eq!(fits.await.unwrap().len(), 1 << 20);
    assert_eq!(pair.server.handle().held_bytes(), 0);
}

/// Turns every bit around.
struct Inverted;

impl Compressor for Inverted {
    fn name(&self) -> &str {
        "inverted"
    }
    fn compress(&self, input: &[u8], out: &mut Vec<u8>) -> Result<(), CompressError> {
        out.extend(input.iter().map(|b| !b));
        Ok(())
    }
    fn decompress(&self, input: &[u8], _: usize) -> Result<Vec<u8>, CompressError> {
        Ok(input.iter().map(|b| !b).collect())
    }
}

/// Refuses to compress.
struct Unwilling;

impl Compressor for Unwilling {
    fn name(&self) -> &str {
        "unwilling"
    }
    fn compress(&self, _: &[u8], out: &mut Vec<u8>) -> Result<(), CompressError> {
        out.extend_from_slice(b"half of it");
        Err(CompressError::failed("unwilling", "not today"))
    }
    fn decompress(&self, input: &[u8], _: usize) -> Result<Vec<u8>, CompressError> {
        Ok(input.to_vec())
    }
}

#[tokio::test]
async fn a_users_compressor_serves_its_own_client_and_server() {
    let two = CompressType::new(2).unwrap();
    let echo = || Server::builder().raw("S", "Echo", |_, body| async move { Ok(body) });
    let own =
        pair(echo().compressor(two, Inverted), Client::builder().compressor(two, Inverted).compress(two))
            .await;
    let payload = Bytes::from(vec![1; 40_000]);
    let call = own.client.raw("S", "Echo", SerializeType::RAW, payload.clone());
    assert_eq!(call.await.unwrap(), payload);

    // What one server knows no other does.
    let other = pair(echo(), Client::builder().compressor(two, Inverted).compress(two)).await;
    let error = other.client.raw("S", "Echo", SerializeType::RAW, payload.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);

    // A reply that does not compress goes out plain, as in Go.
    let unwilling = pair(echo().compressor(two, Unwilling), Client::builder()).await;
    let mut peer = RawPeer::dial(&unwilling.network).await;
    let header = Header::request(SerializeType::RAW).with_compress(two);
    peer.send_message(&message(header, "S", "Echo", &[], &payload)).await;
    let answer = peer.next().await.unwrap();
    assert_eq!((answer.header().compress(), answer.payload()), (CompressType::NONE, &payload[..]));

    assert!(
        Server::builder().compressor(CompressType::NONE, Inverted).bind("tcp@127.0.0.1:0").await.is_err()
    );
}

/// Decimal text behind a hash sign.
struct Hash;

impl Format for Hash {
    const TYPE: SerializeType = SerializeType::new(9).unwrap();
    const NAME: &'static str = "hash";
}

impl Encode<i64> for Hash {
    fn encode(value: &i64, out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.extend_from_slice(format!("#{value}").as_bytes());
        Ok(())
    }
}

impl Decode<i64> for Hash {
    fn decode(payload: &Bytes) -> Result<i64, CodecError> {
        let text = std::str::from_utf8(payload).ok().and_then(|t| t.strip_prefix('#'));
        text.and_then(|t| t.parse().ok()).ok_or_else(|| CodecError::decode::<i64>("hash", "no hash"))
    }
}

#[tokio::test]
async fn a_users_format_is_spoken_beside_the_others() {
    let service = Service::new("Math").function_in::<(Hash, trunkline::codec::Json), _, _, _>(
        MethodInfo::new("Neg"),
        |n: i64| async move { Ok::<_, Failure>(-n) },
    );
    let pair = with_server(|s| s.service(service)).await;
    let math = pair.client.service_in("Math", Hash);
    assert_eq!(math.call::<_, i64>("Neg", &5).await.unwrap(), -5);
    let raw = pair.client.raw("Math", "Neg", Hash::TYPE, "#7".into()).await.unwrap();
    assert_eq!(raw, "#-7");
    let bad = pair.client.raw("Math", "Neg", Hash::TYPE, "7".into()).await.unwrap_err();
    assert_eq!(bad.kind(), ErrorKind::Invalid);
    assert_eq!(pair.client.raw("Math", "Neg", SerializeType::JSON, "5".into()).await.unwrap(), "-5");
}
