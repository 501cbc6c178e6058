//! Services of every shape: without arguments, generic, several of one type, several types of one.

use bytes::Bytes;
use trunkline::{Ctx, ErrorKind, Result, SerializeType};

use crate::arith::{Args, Arith, ArithClient, Calculator, DivError, Reply, serve};

#[trunkline::service]
trait Plain {
    async fn ping(&self) -> Result<()>;
    async fn whoami(&self, ctx: &Ctx) -> Result<String>;
    async fn forget(&self, name: String) -> Result<()>;
    async fn nothing(&self, args: ()) -> Result<()>;
    /// Need not be implemented.
    async fn version(&self, ctx: &Ctx, add: u32) -> Result<u32> {
        let base: u32 = ctx.metadata().get("base").unwrap_or("1").parse()?;
        Ok(base + add)
    }
}

struct Simple;

impl Plain for Simple {
    async fn ping(&self) -> Result<()> {
        Ok(())
    }

    async fn whoami(&self, ctx: &Ctx) -> Result<String> {
        Ok(format!("{} of {}", ctx.method(), ctx.service()))
    }

    async fn forget(&self, name: String) -> Result<()> {
        if name.is_empty() { Err(trunkline::Failure::new("who?")) } else { Ok(()) }
    }

    async fn nothing(&self, (): ()) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn there_may_be_nothing_to_say() {
    let (_server, client) = serve([Plain::into_service(Simple)]).await;
    let plain = PlainClient::new(client.clone());
    plain.ping().await.unwrap();
    plain.ping().codec(trunkline::codec::Json).await.unwrap();
    plain.nothing(()).await.unwrap();
    assert_eq!(plain.whoami().await.unwrap(), "Whoami of Plain");
    plain.forget("x".to_owned()).await.unwrap();
    assert_eq!(plain.forget(String::new()).await.unwrap_err().message(), "who?");

    // On the wire it is nil or null, and whatever a peer sends instead is taken for it.
    for (format, payload, answer) in [
        (SerializeType::MSGPACK, &b"\xc0"[..], &b"\xc0"[..]),
        (SerializeType::MSGPACK, b"\x81\xa1A\x01", b"\xc0"),
        (SerializeType::JSON, b"null", b"null"),
        (SerializeType::JSON, br#"{"A":1}"#, b"null"),
    ] {
        let got = client.raw("Plain", "Ping", format, Bytes::from_static(payload)).await.unwrap();
        assert_eq!(got, answer, "{format}");
    }
}

#[tokio::test]
async fn a_method_with_a_body_need_not_be_implemented() {
    let (_server, client) = serve([Plain::into_service(Simple)]).await;
    let plain = PlainClient::new(client);
    assert_eq!(plain.version(1).await.unwrap(), 2);
    assert_eq!(plain.version(1).metadata("base", "41").await.unwrap(), 42);
    let error = plain.version(1).metadata("base", "x").await.unwrap_err();
    assert!(error.message().contains("invalid digit"), "{error}");
}

/// Generic, where the trait cannot be.
struct Scaled<T>(T);

impl<T: Into<i64> + Copy + Send + Sync + 'static> Arith for Scaled<T> {
    async fn mul(&self, args: Args) -> Result<Reply> {
        Ok(Reply { c: args.a * args.b * self.0.into() })
    }

    async fn div(&self, _: &Ctx, args: Args) -> Result<Reply, DivError> {
        Ok(Reply { c: args.a / args.b * self.0.into() })
    }
}

#[tokio::test]
async fn several_types_are_the_same_service_under_several_paths() {
    let services = [
        Arith::into_service(Calculator),
        Scaled(10_i32).into_service().named("Tenfold"),
        Scaled(100_u8).into_service().named("Hundredfold"),
    ];
    let (_server, client) = serve(services).await;
    for (path, product) in [("Arith", 6), ("Tenfold", 60), ("Hundredfold", 600)] {
        let arith = ArithClient::named(client.clone(), path);
        assert_eq!(arith.mul(Args { a: 2, b: 3 }).await.unwrap(), Reply { c: product });
    }
}

impl Plain for Calculator {
    async fn ping(&self) -> Result<()> {
        Ok(())
    }

    async fn whoami(&self, _: &Ctx) -> Result<String> {
        Ok("a calculator".to_owned())
    }

    async fn forget(&self, _: String) -> Result<()> {
        Ok(())
    }

    async fn nothing(&self, (): ()) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn one_type_is_several_services() {
    let services = [Arith::into_service(Calculator), Plain::into_service(Calculator)];
    let (_server, client) = serve(services).await;
    assert_eq!(PlainClient::new(client.clone()).whoami().await.unwrap(), "a calculator");
    assert_eq!(ArithClient::new(client).mul(Args { a: 2, b: 3 }).await.unwrap(), Reply { c: 6 });
}

/// Methods that a build leaves out are left out of everything.
#[trunkline::service]
trait Partial {
    async fn here(&self) -> Result<()>;
    #[cfg(any())]
    async fn gone(&self, args: NoSuchType) -> Result<()>;
    #[cfg(feature = "json")]
    #[method(name = "Either")]
    async fn either(&self) -> Result<u8>;
    #[cfg(any())]
    #[method(name = "Either")]
    async fn or(&self) -> Result<u8>;
    #[deprecated(note = "call `here`")]
    async fn there(&self) -> Result<()>;
}

impl Partial for Simple {
    async fn here(&self) -> Result<()> {
        Ok(())
    }

    async fn either(&self) -> Result<u8> {
        Ok(1)
    }

    async fn there(&self) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_method_may_be_left_out_of_a_build() {
    let service = Partial::into_service(Simple);
    let names: Vec<String> = service.methods().map(|method| method.name.to_string()).collect();
    assert_eq!(names, ["Here", "Either", "There"]);
    let (_server, client) = serve([service]).await;
    let partial = PartialClient::new(client.clone());
    assert_eq!(partial.either().await.unwrap(), 1);
    let error = client.service("Partial").call::<_, ()>("Gone", &()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
