//! What a service may be called in a registry.

use crate::error::{Error, ErrorKind};

/// Refuses a name that registries cannot hold: it is one segment of a path there.
pub(super) fn check(service: &str) -> Result<(), Error> {
    let why = if service.trim().is_empty() {
        "is empty or blank"
    } else if service.contains('/') {
        "contains a `/`, which divides paths in registries"
    } else {
        return Ok(());
    };
    Err(Error::new(
        ErrorKind::Invalid,
        format!("the service name `{service}` {why}; expected a name such as Arith"),
    ))
}
