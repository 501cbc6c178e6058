//! Looking into the registry and editing what stands there.

use super::store::{Key, State, Store, Value};
use crate::error::Error;
use crate::registry::{Attributes, Catalog, Entry, Expect, Instance, Swap, Version};
use crate::transport::{Address, BoxFuture};

impl Catalog for Store {
    fn services(&self) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        Box::pin(async move {
            let names = |state: &mut State| state.entries.keys().map(|key| key.0.clone()).collect();
            let mut services: Vec<String> = self.ask(names).await?;
            services.dedup();
            Ok(services)
        })
    }

    fn instances<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<Vec<Entry>, Error>> {
        Box::pin(async move {
            let entry = |((_, address), value): (&Key, &Value)| {
                Some(Entry {
                    instance: Instance::new(address.parse().ok()?, Attributes::parse(&value.text)),
                    owner: value.owner.clone(),
                    version: value.revision.into(),
                })
            };
            self.ask(|state| {
                let its = state.entries.iter().filter(|(key, _)| key.0 == service);
                its.filter_map(entry).collect()
            })
            .await
        })
    }

    fn edit<'a>(
        &'a self,
        service: &'a str,
        address: &'a Address,
        attributes: &'a Attributes,
        version: &'a Version,
    ) -> BoxFuture<'a, Result<Swap, Error>> {
        Box::pin(async move {
            let key = (service.to_owned(), address.as_str().to_owned());
            let expected = Expect::Version(version.clone());
            self.ask_for(|state| {
                let owner = state.entries.get(&key).and_then(|value| value.owner.clone());
                state.swap(&key, &expected, |state| state.put(key.clone(), attributes.text(), owner))
            })
            .await
        })
    }

    fn remove<'a>(
        &'a self,
        service: &'a str,
        address: &'a Address,
        version: &'a Version,
    ) -> BoxFuture<'a, Result<Swap, Error>> {
        Box::pin(async move {
            let key = (service.to_owned(), address.as_str().to_owned());
            let expected = Expect::Version(version.clone());
            self.ask_for(|state| state.swap(&key, &expected, |state| state.remove(&key, true))).await
        })
    }
}
