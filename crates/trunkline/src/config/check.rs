//! Taking over single values, and refusing those that cannot be by the name of their key.

use std::time::Duration;

use super::Switch;
use crate::error::{Error, ErrorKind};

/// An error about this key.
pub(crate) fn wrong(key: &str, why: &str) -> Error {
    Error::new(ErrorKind::Invalid, format!("the configuration cannot be: {key}: {why}")).not_sent()
}

/// A file asks for TLS where there is none.
#[cfg(not(feature = "tls"))]
pub(crate) fn without_tls() -> Error {
    wrong("tls", "this program was built without TLS: enable the feature `tls` of `trunkline`")
}

/// A duration, longer than nothing.
pub(crate) fn positive(key: &str, value: Option<Duration>, into: &mut Duration) -> Result<(), Error> {
    match value {
        Some(Duration::ZERO) => Err(wrong(key, "it must be longer than nothing")),
        Some(value) => {
            *into = value;
            Ok(())
        }
        None => Ok(()),
    }
}

/// A duration longer than nothing, or off.
pub(crate) fn switch(
    key: &str,
    value: Option<Switch<Duration>>,
    into: &mut Option<Duration>,
) -> Result<(), Error> {
    match value {
        Some(Switch::On(Duration::ZERO)) => {
            Err(wrong(key, "it must be longer than nothing; write \"off\" to switch it off"))
        }
        Some(value) => {
            *into = value.on();
            Ok(())
        }
        None => Ok(()),
    }
}

/// A number of which there must be at least one.
pub(crate) fn count(key: &str, value: Option<usize>, into: &mut usize) -> Result<(), Error> {
    match value {
        Some(0) => Err(wrong(key, "it must be at least 1")),
        Some(value) => {
            *into = value;
            Ok(())
        }
        None => Ok(()),
    }
}

/// A number that may be nothing.
pub(crate) fn size(value: Option<usize>, into: &mut usize) {
    *into = value.unwrap_or(*into);
}

/// A share, from nothing to all.
pub(crate) fn share(key: &str, value: Option<f64>, into: &mut f64) -> Result<(), Error> {
    match value {
        Some(value) if !(0.0..=1.0).contains(&value) => Err(wrong(key, "it must be from 0 to 1")),
        Some(value) => {
            *into = value;
            Ok(())
        }
        None => Ok(()),
    }
}
