//! What travels beside an error follows the rules of a reply.

use bytes::Bytes;
use trunkline::codec::Raw;
use trunkline::wire::COMPRESS_THRESHOLD;
use trunkline::{Client, CompressType, Ctx, Failure, Sent, Server, Service};

async fn client_of(service: Service) -> (Client, trunkline::server::RunningServer) {
    let server = Server::builder().service(service).bind("tcp@127.0.0.1:0").await.unwrap().spawn();
    (Client::connect(server.address()).await.unwrap(), server)
}

/// Fails with what it was called with beside the error.
fn failing() -> Service {
    Service::new("S")
        .raw("Fail", |_: Ctx, args: Bytes| async move { Err(Failure::new("asked to").with_reply(args)) })
}

#[tokio::test]
async fn a_handler_of_bytes_sends_its_reply_beside_the_error() {
    let (client, _server) = client_of(failing()).await;
    let error = client.service_in("S", Raw).call::<[u8], Bytes>("Fail", b"beside").await.unwrap_err();
    assert_eq!(error.message(), "asked to");
    assert_eq!(error.reply::<Raw, Bytes>().unwrap(), b"beside"[..]);
}

#[tokio::test]
async fn a_reply_beside_an_error_is_compressed_like_any_other() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use trunkline::wire::{
        Compressor, Compressors, Decoder, Gzip, Header, Limits, Message, Metadata, Status,
    };

    let (_client, server) = client_of(failing()).await;
    for (len, expected) in
        [(COMPRESS_THRESHOLD, CompressType::NONE), (COMPRESS_THRESHOLD + 1, CompressType::GZIP)]
    {
        let payload = vec![7; len];
        let mut packed = Vec::new();
        Gzip::default().compress(&payload, &mut packed).unwrap();
        let header = Header::request(trunkline::SerializeType::RAW).with_compress(CompressType::GZIP);
        let mut frame = Vec::new();
        Message::new(header, "S", "Fail", &Metadata::new(), packed.into()).unwrap().encode(&mut frame);

        let mut stream =
            tokio::net::TcpStream::connect(server.address().trim_start_matches("tcp@")).await.unwrap();
        stream.write_all(&frame).await.unwrap();
        let (mut decoder, mut received) = (Decoder::new(Limits::default()), bytes::BytesMut::new());
        let answer = loop {
            if let Some(answer) = decoder.decode(&mut received).unwrap() {
                break answer;
            }
            assert_ne!(stream.read_buf(&mut received).await.unwrap(), 0);
        };
        assert_eq!((answer.header().status(), answer.header().compress()), (Status::Error, expected));
        let beside = Compressors::default()
            .decompress(expected, &Bytes::copy_from_slice(answer.payload()), 1 << 20)
            .unwrap();
        assert_eq!(beside, payload);
    }
}

#[tokio::test]
async fn a_handler_can_say_that_it_did_not_start() {
    let service = Service::new("S")
        .function("Busy", |_: i64| async move { Err::<i64, _>(Failure::new("busy").not_started()) });
    let (client, _server) = client_of(service).await;
    let error = client.service("S").call::<i64, i64>("Busy", &1).await.unwrap_err();
    assert_eq!(error.sent(), Sent::NotStarted);
}
