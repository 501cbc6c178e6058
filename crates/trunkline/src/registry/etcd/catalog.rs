//! Looking into the registry and editing it: a key keeps the lease it has.

use std::collections::BTreeSet;

use super::lease::{held, revision};
use super::wire::{Compare, KeyValue, PutRequest, RangeRequest, TxnRequest};
use super::{Etcd, layout};
use crate::error::Error;
use crate::registry::{Attributes, Catalog, Entry, Swap, Version};
use crate::transport::{Address, BoxFuture};

impl Etcd {
    async fn services(&self) -> Result<Vec<String>, Error> {
        let prefix = self.layout.services();
        let answer = self
            .cluster
            .call("listing services", |client| {
                let prefix = &*prefix;
                Box::pin(async move { client.range(RangeRequest::prefix(prefix).keys_only()).await })
            })
            .await?;
        let mut services = BTreeSet::new();
        for kv in &answer.kvs {
            let Some(key) = str::from_utf8(&kv.key).ok().and_then(|key| key.strip_prefix(&prefix)) else {
                continue;
            };
            let (service, child) = key.split_once('/').map_or((key, None), |(s, child)| (s, Some(child)));
            // A server of another make may leave `BASE/Service` out.
            if !service.trim().is_empty() && child.is_none_or(|child| layout::address(child).is_some()) {
                services.insert(service.to_owned());
            }
        }
        Ok(services.into_iter().collect())
    }

    async fn instances(&self, service: &str) -> Result<Vec<Entry>, Error> {
        let prefix = self.layout.instances(service)?;
        let answer = self
            .cluster
            .call("listing instances", |client| {
                let prefix = &*prefix;
                Box::pin(async move { client.range(RangeRequest::prefix(prefix)).await })
            })
            .await?;
        let entry = |kv: &KeyValue| {
            let instance = layout::decode(&prefix, &kv.key, &kv.value)?;
            let held = held(kv);
            Some(Entry { instance, owner: held.owner, version: held.version })
        };
        let mut entries: Vec<_> = answer.kvs.iter().filter_map(entry).collect();
        entries.sort_by(|a, b| a.instance.address().cmp(b.instance.address()));
        Ok(entries)
    }

    async fn edit(
        &self,
        service: &str,
        address: &Address,
        attributes: &Attributes,
        version: &Version,
    ) -> Result<Swap, Error> {
        let key = self.layout.instance(service, address)?;
        let compare = Compare::is_of_revision(&key, revision(version)?);
        let put = PutRequest {
            key: key.into(),
            value: attributes.text().into(),
            ignore_lease: true,
            ..Default::default()
        };
        let transaction =
            TxnRequest { compare: vec![compare], success: vec![put.into()], ..Default::default() };
        Ok(if self.transact("editing", &transaction).await?.succeeded { Swap::Done } else { Swap::Conflict })
    }

    async fn remove(&self, service: &str, address: &Address, version: &Version) -> Result<Swap, Error> {
        let key = self.layout.instance(service, address)?;
        self.delete(&key, revision(version)?).await
    }
}

impl Catalog for Etcd {
    fn services(&self) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        Box::pin(self.services())
    }

    fn instances<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, Error>> {
        Box::pin(self.instances(service))
    }

    fn edit<'a>(
        &'a self,
        service: &'a str,
        address: &'a Address,
        attributes: &'a Attributes,
        version: &'a Version,
    ) -> BoxFuture<'a, Result<Swap, Error>> {
        Box::pin(self.edit(service, address, attributes, version))
    }

    fn remove<'a>(
        &'a self,
        service: &'a str,
        address: &'a Address,
        version: &'a Version,
    ) -> BoxFuture<'a, Result<Swap, Error>> {
        Box::pin(self.remove(service, address, version))
    }
}
