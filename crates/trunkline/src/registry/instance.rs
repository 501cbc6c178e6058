//! A server as registries and clients know it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::Attributes;
use crate::transport::{Address, AddressError};

/// One server of a service: where it is, and what is said about it. Cheap to clone.
///
/// Written as in a list of addresses: `tcp@127.0.0.1:8972?weight=3&group=a`.
///
/// ```
/// use trunkline::registry::Instance;
///
/// let instance: Instance = "tcp@127.0.0.1:8972?weight=3&group=a".parse()?;
/// assert_eq!(instance.address().as_str(), "tcp@127.0.0.1:8972");
/// assert_eq!(instance.weight(), 3);
/// assert!(instance.is_active());
/// # Ok::<(), trunkline::transport::AddressError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Instance(Arc<Inner>);

#[derive(PartialEq, Eq)]
struct Inner {
    address: Address,
    attributes: Attributes,
}

impl Instance {
    /// An instance at an address.
    pub fn new(address: Address, attributes: Attributes) -> Self {
        Self(Arc::new(Inner { address, attributes }))
    }

    /// Where it is.
    pub fn address(&self) -> &Address {
        &self.0.address
    }

    /// What is said about it.
    pub fn attributes(&self) -> &Attributes {
        &self.0.attributes
    }

    /// The share of the calls that it wants, against the others': 1 unless `weight` says
    /// otherwise. What is not positive wants none.
    pub fn weight(&self) -> i64 {
        self.0.attributes.get("weight").and_then(|text| text.parse().ok()).unwrap_or(1)
    }

    /// Whether it takes calls: unless `state` is `inactive`.
    pub fn is_active(&self) -> bool {
        self.0.attributes.get("state") != Some("inactive")
    }

    /// Whether it belongs to a group: one of the values of `group`.
    pub fn is_in_group(&self, group: &str) -> bool {
        self.0.attributes.all("group").any(|g| g == group)
    }

    /// Where on earth it is: `latitude` and `longitude`, in degrees.
    pub fn position(&self) -> Option<(f64, f64)> {
        let degrees = |key| self.0.attributes.get(key)?.parse::<f64>().ok().filter(|d| d.is_finite());
        Some((degrees("latitude")?, degrees("longitude")?))
    }
}

impl FromStr for Instance {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (address, attributes) = text.split_once('?').unwrap_or((text, ""));
        Ok(Self::new(address.parse()?, Attributes::parse(attributes)))
    }
}

impl From<Address> for Instance {
    fn from(address: Address) -> Self {
        Self::new(address, Attributes::new())
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.address)?;
        match self.0.attributes.text() {
            "" => Ok(()),
            text => write!(f, "?{text}"),
        }
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
