use trunkline::testing::{FrameListener, FramePeer};
use trunkline::transport::memory::{Memory, pair};
use trunkline::wire::{Header, Message, Metadata, SerializeType};
use trunkline::{Client, ErrorKind, Sent};

fn message(payload: Vec<u8>) -> Message {
    let header = Header::request(SerializeType::RAW).with_seq(1);
    Message::new(header, "Echo", "Say", &Metadata::new(), payload.into()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn frames_larger_than_the_stream_holds_pass_in_both_directions() {
    let (a, b) = pair("frames");
    let (mut a, mut b) = (FramePeer::new(a), FramePeer::new(b));
    let sent = message(vec![7; 1_000_000]);
    let (there, received) = tokio::join!(a.send(&sent), b.receive());
    there.unwrap();
    assert_eq!(received.unwrap().unwrap().payload(), sent.payload());
    let (back, received) = tokio::join!(b.answer(&sent, vec![8; 1_000_000]), a.receive());
    back.unwrap();
    let answer = received.unwrap().unwrap();
    assert!(answer.header().is_response());
    assert_eq!((answer.header().seq(), answer.payload().len()), (1, 1_000_000));
}

#[tokio::test(start_paused = true)]
async fn several_frames_in_one_piece_come_one_by_one_and_a_cut_one_is_an_error() {
    let (a, b) = pair("frames");
    let (mut a, mut b) = (FramePeer::new(a), FramePeer::new(b));
    let mut bytes = Vec::new();
    message(vec![1]).encode(&mut bytes);
    message(vec![2]).encode(&mut bytes);
    a.send_bytes(&bytes).await.unwrap();
    a.send_bytes(&bytes[..5]).await.unwrap();
    a.finish().await.unwrap();
    for n in [1, 2] {
        assert_eq!(b.receive().await.unwrap().unwrap().payload(), [n]);
    }
    let error = b.receive().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_up_in_mid_call_leaves_the_caller_in_doubt() {
    let network = Memory::new();
    let mut listener = FrameListener::bind(&network, "fake").await.unwrap();
    let client = Client::builder().transport(network).connect("memory@fake").await.unwrap();
    let fake = async {
        let mut server = listener.accept().await.unwrap();
        server.receive_call().await.unwrap().unwrap();
        // Dropped: the connection is gone, the request was taken.
    };
    let math = client.service("Math");
    let call = async { math.call::<_, i64>("Neg", &5).await };
    let (result, ()) = tokio::join!(call, fake);
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, Sent::Maybe));
}

#[tokio::test(start_paused = true)]
async fn a_name_is_taken_while_somebody_listens() {
    let network = Memory::new();
    let listener = FrameListener::bind(&network, "fake").await.unwrap();
    assert!(FrameListener::bind(&network, "fake").await.is_err());
    drop(listener);
    FrameListener::bind(&network, "fake").await.unwrap();
}
