//! Reading: what a back end has to offer for the instances of a service to be followed.

use std::fmt;

use super::Instance;
use crate::error::Error;
use crate::transport::BoxFuture;

/// A back end that can be read.
///
/// It knows nothing of retries, pauses, belief or sharing: the supervisor has these, for all back
/// ends alike. It does say what it heard, and when it can no longer tell.
///
/// ```
/// use trunkline::registry::{Report, Source};
/// use trunkline::transport::BoxFuture;
/// use trunkline::Error;
///
/// struct Fixed;
///
/// impl Source for Fixed {
///     fn follow<'a>(&'a self, _service: &'a str, report: &'a Report) -> BoxFuture<'a, Result<(), Error>> {
///         Box::pin(async {
///             report.list(["tcp@127.0.0.1:8972".parse().expect("it is an address")]);
///             std::future::pending().await
///         })
///     }
/// }
/// ```
pub trait Source: Send + Sync + 'static {
    /// Lists the instances of a service, reports them, and reports the whole list again at each
    /// change, until something goes wrong.
    ///
    /// Whatever ends it counts as a failure, a stream that was closed in order too: it is called
    /// again after a pause, and begins by listing. It is dropped when nobody watches the service
    /// any more, and when it reports nothing within the first ten seconds. Later, silence is for
    /// the back end to notice: it needs a deadline of its own for a far end that is gone without
    /// saying so.
    ///
    /// An entry that cannot be read is left out and the others are reported. Nothing has to be
    /// compared: a list like the one before wakes nobody.
    ///
    /// # Cancel safety
    /// It may be dropped at any await.
    ///
    /// # Errors
    /// What went wrong, with the registry's address and without its password.
    fn follow<'a>(&'a self, service: &'a str, report: &'a Report) -> BoxFuture<'a, Result<(), Error>>;
}

/// Where a [`Source`] says what it heard.
pub struct Report(Box<dyn Fn(Listing) + Send + Sync>);

/// What a [`Source`] heard: a whole list.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The instances, in any order.
    pub instances: Vec<Instance>,
    /// Whether what is missing was certainly removed on purpose.
    pub deliberate: bool,
}

impl Report {
    /// Hands each list to a function; for tests of a back end.
    pub fn new(take: impl Fn(Listing) + Send + Sync + 'static) -> Self {
        Self(Box::new(take))
    }

    /// The whole list. What is missing may have expired or been lost: where it is much, it is
    /// believed after a grace time only.
    pub fn list(&self, instances: impl IntoIterator<Item = Instance>) {
        (self.0)(Listing { instances: instances.into_iter().collect(), deliberate: false });
    }

    /// The whole list, where what is missing was certainly removed on purpose: the registry tells
    /// a deletion from an expiry. It is believed at once, even if it is empty.
    pub fn list_deliberate(&self, instances: impl IntoIterator<Item = Instance>) {
        (self.0)(Listing { instances: instances.into_iter().collect(), deliberate: true });
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Report")
    }
}
