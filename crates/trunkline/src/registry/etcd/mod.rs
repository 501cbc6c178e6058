//! Registries in etcd (v3), in the layout of Go's rpcx.
//!
//! An instance is one key, `BASE/Service/network@host:port`, with its attributes as the value; keys
//! are taken as they stand, so a leading slash counts. Readers follow `BASE/Service/`: they list it
//! and watch it from the next revision on, and own no lease. A writer has one lease for all its
//! keys, and the two keys above them, `BASE` and `BASE/Service`, stand there without one.
//!
//! `access.rs`, `cluster.rs`, `client.rs` and `wire/` know how etcd is reached and spoken to,
//! `layout.rs` where things stand, the others what is done there.

mod access;
mod catalog;
mod client;
mod cluster;
mod failure;
mod guard;
mod layout;
mod lease;
mod read;
mod wire;

use std::sync::Arc;

use self::access::Access;
use self::cluster::Cluster;
use self::layout::Layout;
use super::{Registry, RegistryUrl};
use crate::error::Error;

/// The options of a URL, beside those of every registry.
pub(super) const OPTIONS: &[&str] = &["ca", "cert", "key", "publish_parents", "server_name"];

/// The port of etcd's clients.
const PORT: u16 = 2379;

/// A registry in etcd.
struct Etcd {
    cluster: Cluster,
    layout: Layout,
    /// Whether `BASE` and `BASE/Service` are written.
    publish_parents: bool,
}

/// Opens `etcd://[user:password@]h1,h2/base`. Nothing is connected yet, but certificates are read.
pub(super) fn open(url: &RegistryUrl) -> Result<Registry, Error> {
    let name: Arc<str> = url.to_string().into();
    let etcd = Arc::new(Etcd {
        layout: Layout::new(name.clone(), url.required_base()?),
        publish_parents: url.switch("publish_parents")?.unwrap_or(true),
        cluster: Cluster::new(name.clone(), url.hosts_with_port(PORT)?, Access::from_url(url)?),
    });
    Ok(Registry::new(name)
        .reads(etcd.clone())
        .writes(Arc::new(lease::Leases(etcd.clone())))
        .edits(etcd)
        .local(url.is_loopback()))
}
