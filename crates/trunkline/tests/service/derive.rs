//! `#[derive(Failure)]`: text, code, kind, retry hint, details, source.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use trunkline::{ErrorKind, Failure, IntoFailure};

#[derive(Debug, Failure)]
enum Every {
    #[failure("nothing to hold")]
    Unit,
    #[failure("{0} of {1:?}", code = "pair", kind = not_found)]
    Pair(u8, &'static str),
    #[failure("{name:>width$}|{{}}", retry_after = "2s", kind = overloaded)]
    Named { name: String, width: usize, _unused: u8 },
    #[failure("raw {type}", retry_after = 250)]
    RawName { r#type: u8 },
}

#[test]
fn a_text_holds_the_fields_it_names() {
    for (error, text) in [
        (Every::Unit, "nothing to hold"),
        (Every::Pair(1, "x"), "1 of \"x\""),
        (Every::Named { name: "n".to_owned(), width: 3, _unused: 0 }, "  n|{}"),
        (Every::RawName { r#type: 9 }, "raw 9"),
    ] {
        assert_eq!(error.to_string(), text);
        assert!(error.source().is_none());
        assert_eq!(error.into_failure().to_string(), text);
    }
}

#[test]
fn each_variant_has_code_kind_and_retry_hint() {
    let named = Every::Named { name: String::new(), width: 0, _unused: 0 };
    for (error, code, kind, retry) in [
        (Every::Unit, "unit", ErrorKind::Application, None),
        (Every::Pair(1, "x"), "pair", ErrorKind::NotFound, None),
        (named, "named", ErrorKind::Overloaded, Some(2_000)),
        (Every::RawName { r#type: 9 }, "raw_name", ErrorKind::Application, Some(250)),
    ] {
        let failure = error.into_failure();
        let error = failure.error();
        assert_eq!((error.code(), error.kind()), (Some(code), kind));
        assert_eq!(error.retry_after(), retry.map(Duration::from_millis));
        assert_eq!(error.raw_details(), None, "details travel only where they are asked for");
    }
}

#[derive(Debug, Failure)]
#[failure(kind = denied, retry_after = "1m")]
enum Shared {
    #[failure("as the type says")]
    Same,
    #[failure("otherwise", kind = invalid, retry_after = "1ms")]
    Other,
}

#[test]
fn a_variant_overrides_what_the_type_says() {
    let (same, other) = (Shared::Same.into_failure(), Shared::Other.into_failure());
    assert_eq!(
        (same.error().kind(), same.error().retry_after()),
        (ErrorKind::Denied, Some(Duration::from_secs(60)))
    );
    assert_eq!(
        (other.error().kind(), other.error().retry_after()),
        (ErrorKind::Invalid, Some(Duration::from_millis(1)))
    );
}

#[derive(Debug, Failure)]
#[failure("no user {0}", code = "user_missing", kind = not_found)]
struct NoSuchUser(u64);

#[derive(Debug, Failure)]
#[failure("closed")]
struct ShopClosed;

#[test]
fn a_struct_is_an_error_too() {
    let failure = NoSuchUser(7).into_failure();
    assert_eq!((failure.to_string().as_str(), failure.error().code()), ("no user 7", Some("user_missing")));
    assert_eq!(ShopClosed.into_failure().error().code(), Some("shop_closed"));
}

/// Speaks for itself.
#[derive(Debug, Failure)]
enum Handmade {
    #[failure(kind = unavailable)]
    Away,
    Odd(u8),
}

impl fmt::Display for Handmade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away => f.write_str("away"),
            Self::Odd(n) => write!(f, "{n} is odd"),
        }
    }
}

#[test]
fn without_a_text_it_is_the_types_own() {
    let failure = Handmade::Odd(3).into_failure();
    assert_eq!((failure.to_string().as_str(), failure.error().code()), ("3 is odd", Some("odd")));
    assert_eq!(Handmade::Away.into_failure().error().kind(), ErrorKind::Unavailable);
}

#[derive(Debug, Failure)]
enum Caused {
    #[failure("cannot read {path}")]
    Read {
        path: &'static str,
        #[failure(source)]
        why: std::io::Error,
    },
    #[failure("behind a box")]
    Boxed(#[failure(source)] Box<dyn std::error::Error + Send + Sync>),
    #[failure("no reason")]
    Nothing,
}

#[test]
fn a_source_is_kept_on_this_side() {
    let read = Caused::Read { path: "a.txt", why: std::io::Error::other("disk full") };
    assert_eq!(read.source().map(ToString::to_string).as_deref(), Some("disk full"));
    assert_eq!(Caused::Boxed("why".into()).source().map(ToString::to_string).as_deref(), Some("why"));
    assert!(Caused::Nothing.source().is_none());

    // The server's layers see the error itself, and through it what caused it.
    let failure = read.into_failure();
    let itself = failure.error().source().and_then(|source| source.downcast_ref::<Caused>());
    assert!(matches!(itself, Some(Caused::Read { path: "a.txt", .. })), "{itself:?}");
    assert_eq!(failure.to_string(), "cannot read a.txt");
}

#[trunkline::message]
#[derive(Debug, PartialEq, Failure)]
#[failure(details)]
enum Detailed {
    #[failure("{0} is out of stock")]
    OutOfStock(u64),
    #[failure("closed")]
    Closed,
}

#[trunkline::message]
#[derive(Debug, PartialEq, Failure)]
#[failure("quota of {limit} used up", details)]
struct QuotaExceeded {
    limit: u32,
}

#[test]
fn details_come_back_as_the_type() {
    for error in [Detailed::OutOfStock(5), Detailed::Closed] {
        let text = format!("{error:?}");
        let failure = error.into_failure();
        assert_eq!(format!("{:?}", failure.error().details::<Detailed>().unwrap()), text);
    }
    let failure = QuotaExceeded { limit: 3 }.into_failure();
    assert_eq!(failure.error().raw_details(), Some(r#"{"Limit":3}"#));
    assert_eq!(failure.error().details(), Some(QuotaExceeded { limit: 3 }));
}

#[derive(Debug, serde::Serialize, serde::Deserialize, PartialEq, Failure)]
#[failure("seen {what} twice", details)]
struct Duplicate<T> {
    what: T,
}

#[test]
fn a_generic_error_asks_of_its_parameters_what_it_needs() {
    let failure = Duplicate { what: 5 }.into_failure();
    assert_eq!(failure.to_string(), "seen 5 twice");
    assert_eq!(failure.error().details(), Some(Duplicate { what: 5 }));
}
