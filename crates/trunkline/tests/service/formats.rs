//! The formats that a service speaks.

use bytes::Bytes;
use trunkline::codec::{Format, Json, MsgPack};
use trunkline::{ErrorKind, Result, SerializeType};

use crate::arith::{Args, Arith, ArithClient, Calculator, Reply, serve};

#[tokio::test]
async fn a_service_speaks_messagepack_and_json_unless_it_says_otherwise() {
    let (_server, client) = serve([Calculator.into_service()]).await;
    let json: Reply = client.service_in("Arith", Json).call("Mul", &Args { a: 6, b: 7 }).await.unwrap();
    let msgpack: Reply = client.service_in("Arith", MsgPack).call("Mul", &Args { a: 6, b: 7 }).await.unwrap();
    assert_eq!((json, msgpack), (Reply { c: 42 }, Reply { c: 42 }));

    // The wire itself, in the names of Go.
    let answer =
        client.raw("Arith", "Mul", SerializeType::JSON, Bytes::from(r#"{"A":6,"B":7}"#)).await.unwrap();
    assert_eq!(answer, r#"{"C":42}"#);

    let error = client.raw("Arith", "Mul", SerializeType::THRIFT, Bytes::from("x")).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Invalid, "can not find codec for 4"));
    assert_eq!(ArithClient::describe().methods[0].formats, ["msgpack", "json"]);
}

#[trunkline::service(codecs(json))]
trait OnlyJson {
    async fn twice(&self, n: i64) -> Result<i64>;
}

#[trunkline::service(codecs(raw))]
trait Echo {
    async fn echo(&self, payload: Bytes) -> Result<Bytes>;
}

mod own {
    use bytes::Bytes;
    use trunkline::SerializeType;
    use trunkline::codec::{CodecError, Decode, Encode, Format};

    /// Numbers as people write them.
    pub(crate) struct Decimal;

    impl Format for Decimal {
        const TYPE: SerializeType = match SerializeType::new(7) {
            Some(ty) => ty,
            None => panic!("7 is below 16"),
        };
        const NAME: &'static str = "decimal";
    }

    impl Encode<i64> for Decimal {
        fn encode(value: &i64, out: &mut Vec<u8>) -> Result<(), CodecError> {
            out.extend(value.to_string().bytes());
            Ok(())
        }
    }

    impl Decode<i64> for Decimal {
        fn decode(payload: &Bytes) -> Result<i64, CodecError> {
            let text =
                str::from_utf8(payload).map_err(|e| CodecError::decode::<i64>(Self::NAME, e.to_string()))?;
            text.parse()
                .map_err(|e: std::num::ParseIntError| CodecError::decode::<i64>(Self::NAME, e.to_string()))
        }
    }
}

#[trunkline::service(codecs(own::Decimal, msgpack))]
trait Own {
    async fn twice(&self, n: i64) -> Result<i64>;
}

struct Double;

impl OnlyJson for Double {
    async fn twice(&self, n: i64) -> Result<i64> {
        Ok(2 * n)
    }
}

impl Echo for Double {
    async fn echo(&self, payload: Bytes) -> Result<Bytes> {
        Ok(payload)
    }
}

impl Own for Double {
    async fn twice(&self, n: i64) -> Result<i64> {
        Ok(2 * n)
    }
}

#[tokio::test]
async fn a_client_uses_the_first_format_of_the_list() {
    let services = [OnlyJson::into_service(Double), Echo::into_service(Double), Own::into_service(Double)];
    let (_server, client) = serve(services).await;
    assert_eq!(OnlyJsonClient::new(client.clone()).twice(4).await.unwrap(), 8);
    let payload = Bytes::from_static(b"\x00\xff");
    assert_eq!(EchoClient::new(client.clone()).echo(payload.clone()).await.unwrap(), payload);
    assert_eq!(OwnClient::new(client.clone()).twice(4).await.unwrap(), 8);
    assert_eq!(OwnClient::new(client.clone()).twice(4).codec(MsgPack).await.unwrap(), 8);

    let error =
        client.raw("OnlyJson", "Twice", SerializeType::MSGPACK, Bytes::from("\x04")).await.unwrap_err();
    assert_eq!(error.message(), "can not find codec for 3");
    let answer = client.raw("Own", "Twice", own::Decimal::TYPE, Bytes::from("-21")).await.unwrap();
    assert_eq!(answer, "-42");
    assert_eq!(OwnClient::describe().methods[0].formats, ["decimal", "msgpack"]);
}

#[cfg(all(feature = "protobuf", feature = "thrift"))]
mod every_format {
    use trunkline::Result;
    use trunkline::codec::{Json, MsgPack, Protobuf, Thrift};

    use crate::arith::serve;

    #[trunkline::message]
    #[derive(Clone, PartialEq, prost::Message, trunkline::Thrift)]
    struct Pair {
        #[prost(int64, tag = "1")]
        #[thrift(1)]
        a: i64,
        #[prost(int64, tag = "2")]
        #[thrift(2)]
        b: i64,
    }

    #[trunkline::service(codecs(protobuf, thrift, msgpack, json))]
    trait Swap {
        async fn swap(&self, pair: Pair) -> Result<Pair>;
    }

    struct Swapper;

    impl Swap for Swapper {
        async fn swap(&self, pair: Pair) -> Result<Pair> {
            Ok(Pair { a: pair.b, b: pair.a })
        }
    }

    #[tokio::test]
    async fn one_type_travels_in_every_format() {
        let (_server, client) = serve([Swapper.into_service()]).await;
        let swap = SwapClient::new(client);
        let pair = Pair { a: 1, b: 2 };
        let swapped = Pair { a: 2, b: 1 };
        assert_eq!(SwapClient::describe().methods[0].formats, ["protobuf", "thrift", "msgpack", "json"]);
        assert_eq!(swap.swap(&pair).await.unwrap(), swapped);
        assert_eq!(swap.swap(&pair).codec(Protobuf).await.unwrap(), swapped);
        assert_eq!(swap.swap(&pair).codec(Thrift).await.unwrap(), swapped);
        assert_eq!(swap.swap(&pair).codec(MsgPack).await.unwrap(), swapped);
        assert_eq!(swap.swap(&pair).codec(Json).await.unwrap(), swapped);
    }
}
