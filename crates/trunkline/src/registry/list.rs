//! Instances that are known without a registry: an address, or a list of them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use tokio::sync::watch;

use super::{Instance, Resolver, Snapshot, Trust, Watch};
use crate::error::{Error, ErrorKind};

/// A list of instances for every service, which the program may replace. Cheap to clone; clones
/// are the same list.
///
/// Written, it is addresses and commas; what follows an address is that instance's attributes, in
/// which a comma is `%2C`.
///
/// ```
/// use trunkline::registry::{List, Resolver};
///
/// let list: List = "tcp@h1:8972?weight=7&group=a,tcp@h2:8972".parse()?;
/// let mut watch = list.watch("Arith");
/// assert_eq!(watch.current().instances()[0].weight(), 7);
///
/// list.set(["tcp@h3:8972".parse::<trunkline::transport::Address>()?.into()]);
/// assert_eq!(watch.current().instances()[0].address().target(), "h3:8972");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct List(Arc<watch::Sender<Snapshot>>);

impl List {
    /// These instances.
    pub fn new(instances: impl IntoIterator<Item = Instance>) -> Self {
        Self(Arc::new(watch::channel(Snapshot::new(instances, Trust::Fresh)).0))
    }

    /// Puts other instances in place of those there were. It is believed at once, an empty list
    /// too.
    pub fn set(&self, instances: impl IntoIterator<Item = Instance>) {
        self.0.send_replace(Snapshot::new(instances, Trust::Fresh));
    }

    /// The instances as they are now, sorted by address.
    pub fn instances(&self) -> Arc<[Instance]> {
        self.0.borrow().instances().clone()
    }
}

impl Resolver for List {
    fn watch(&self, _service: &str) -> Watch {
        Watch::new(self.0.subscribe())
    }

    fn describe(&self) -> String {
        self.instances().iter().map(|i| i.address().as_str()).collect::<Vec<_>>().join(",")
    }
}

impl FromStr for List {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let pieces = text.split(',').map(str::trim).filter(|piece| !piece.is_empty());
        let instances = pieces
            .map(|piece| {
                piece
                    .parse::<Instance>()
                    .map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()).with_source(e))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if instances.is_empty() {
            let text =
                "a list of addresses is empty; expected one such as tcp@127.0.0.1:8972, or a registry's URL";
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        Ok(Self::new(instances))
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&*self.instances()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_addresses_and_commas() {
        for (text, shown) in [
            ("tcp@h:1", "[tcp@h:1]"),
            ("h:2, tcp@h:1?weight=7&group=a,", "[tcp@h:1?weight=7&group=a, tcp@h:2]"),
            ("tcp@h:1?weight=1,tcp@h:1?group=a%2Cb", "[tcp@h:1?group=a%2Cb]"),
        ] {
            assert_eq!(format!("{:?}", text.parse::<List>().unwrap()), shown);
        }
        for (text, why) in
            [("", "list of addresses is empty"), (" , ", "is empty"), ("tcp@h:1,h", "port is missing")]
        {
            let error = text.parse::<List>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
