//! What a method fails with, at the caller's.

use std::time::Duration;

use trunkline::{ErrorKind, Failure, Result, Sent};

use crate::arith::{Args, Arith, ArithClient, Calculator, DivError, Reply, serve};

#[tokio::test]
async fn an_error_type_gets_there_and_back() {
    let (_server, client) = serve([Calculator.into_service()]).await;
    let arith = ArithClient::new(client);

    let error = arith.div(Args { a: 8, b: 0 }).await.unwrap_err();
    assert_eq!(error.message(), "8 cannot be divided by zero");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Invalid, Some("by_zero")));
    assert_eq!(error.details::<DivError>(), Some(DivError::ByZero(8)));
    assert_eq!(error.retry_after(), None);
    assert!(error.is_remote());
    assert_eq!(error.metadata().get("divided-by"), Some("0"));

    let error = arith.div(Args { a: 8, b: 2 }).metadata("busy", "1").await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Application, Some("busy")));
    assert_eq!(error.details::<DivError>(), Some(DivError::TooMuch));
    assert_eq!(error.retry_after(), Some(Duration::from_millis(100)));
}

#[tokio::test]
async fn any_error_becomes_its_text() {
    let (_server, client) = serve([Calculator.into_service()]).await;
    let error = ArithClient::new(client).mul(Args { a: i64::MAX, b: 2 }).await.unwrap_err();
    assert_eq!((error.kind(), error.message(), error.code()), (ErrorKind::Application, "too large", None));
    assert!(error.to_string().contains("Arith.Mul"), "{error}");
}

/// Fails as a server does that is going away.
struct Leaving;

impl Arith for Leaving {
    async fn mul(&self, _: Args) -> Result<Reply> {
        Err(Failure::new("leaving").with_kind(ErrorKind::Unavailable))
    }

    async fn div(&self, _: &trunkline::Ctx, _: Args) -> Result<Reply, DivError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn what_is_declared_idempotent_may_be_tried_again() {
    let (_server, client) = serve([Leaving.into_service()]).await;
    let arith = ArithClient::new(client);
    let error = arith.mul(Args { a: 1, b: 1 }).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Unavailable, Sent::Maybe));
    assert!(error.is_retryable(), "`mul` is declared idempotent");
    let error = arith.mul(Args { a: 1, b: 1 }).idempotent(false).await.unwrap_err();
    assert!(!error.is_retryable(), "this call says that it is not");
}
