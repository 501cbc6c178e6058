//! What a builder is told about registering.

use super::{Plan, ReadyWhen, refused};
use crate::config::{ServerConfig, check};
use crate::error::Error;
use crate::registry::{Attributes, Registry};
use crate::server::builder::ServerBuilder;

impl ServerBuilder {
    /// Registers all services in the registry that this URL names, for as long as the server
    /// serves. Several registries are all registered in.
    ///
    /// Services that are [added](crate::server::ServerHandle::add) while serving are registered as
    /// well, and withdrawn when they are removed. A registry that is down is tried for ever while
    /// the server serves; with the URL's option `start=require`, [`bind`](Self::bind) fails
    /// instead. A URL that cannot be is an error of `bind`, too.
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), trunkline::Error> {
    /// use trunkline::{Failure, Server};
    ///
    /// let server = Server::builder()
    ///     .function("Math", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) })
    ///     .register("etcd://127.0.0.1:2379/rpcx_test")
    ///     .attributes("weight=3&group=a")
    ///     .bind("tcp@0.0.0.0:8972")
    ///     .await?;
    /// # Ok(()) }
    /// ```
    pub fn register(mut self, registry: &str) -> Self {
        match opened(registry) {
            Ok(registry) => self.plan.registries.push(registry),
            Err(error) => self.wrong = Some(error),
        }
        self
    }

    /// Registers all services in this registry, as [`register`](Self::register) does.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), trunkline::Error> {
    /// use trunkline::registry::MemoryRegistry;
    /// use trunkline::{Client, Failure, Server};
    ///
    /// let registry = MemoryRegistry::new().registry();
    /// let server = Server::builder()
    ///     .function("Math", "Neg", |n: i64| async move { Ok::<_, Failure>(-n) })
    ///     .register_with(registry.clone())
    ///     .grace(std::time::Duration::ZERO) // nobody needs time to notice the stop
    ///     .bind("tcp@127.0.0.1:0")
    ///     .await?
    ///     .spawn();
    ///
    /// let client = Client::builder().connect_to(registry.resolver()?).await?;
    /// let three: i64 = client.service("Math").call("Neg", &-3).await?;
    /// assert_eq!(three, 3);
    /// server.stop().await;
    /// # Ok(()) }
    /// ```
    pub fn register_with(mut self, registry: Registry) -> Self {
        self.plan.registries.push(registry);
        self
    }

    /// What registries shall hold for this server's address: `tcp@10.0.0.5:8972`, or a part of it:
    /// `10.0.0.5`, `:30000`, `http@`. What is left out is as it is bound. Several are all
    /// registered; each is filled in from the listeners of its network, or from all where there
    /// are none.
    ///
    /// Without it, it is what is bound. A server that listens on all addresses, `0.0.0.0` say,
    /// registers the one that it [takes for its own](Self::advertise_from).
    pub fn advertise(mut self, address: &str) -> Self {
        match address.parse() {
            Ok(advertise) => self.plan.advertise.push(advertise),
            Err(error) => self.wrong = Some(error),
        }
        self
    }

    /// Which of this machine's addresses to register where the server listens on all of them: that
    /// of an interface in this block, such as `10.0.0.0/8`. Of several blocks the first one that
    /// has an interface counts; where none has, [`bind`](Self::bind) fails.
    ///
    /// Without it, it is the address of the default route, else that of any interface, and a
    /// loopback address only if there is nothing else.
    pub fn advertise_from(mut self, block: &str) -> Self {
        match block.parse() {
            Ok(block) => self.plan.from.push(block),
            Err(error) => self.wrong = Some(error),
        }
        self
    }

    /// What registries shall say of this server: `weight=3&group=a`.
    ///
    /// Operators may change it there, and what they change is kept for as long as the server
    /// serves, whatever happens to the registry. A server that begins writes its own over what an
    /// earlier run left; `state` alone is kept then.
    pub fn attributes(mut self, attributes: &str) -> Self {
        match parsed(attributes) {
            Ok(attributes) => self.plan.attributes = attributes,
            Err(error) => self.wrong = Some(error),
        }
        self
    }

    /// The same for one service: its keys take the place of those of all services. The service may
    /// be one that is added later.
    pub fn service_attributes(mut self, service: impl Into<String>, attributes: &str) -> Self {
        match parsed(attributes) {
            Ok(attributes) => drop(self.plan.of_services.insert(service.into(), attributes)),
            Err(error) => self.wrong = Some(error),
        }
        self
    }

    /// When a server that registers counts as ready: [everywhere](ReadyWhen::Everywhere) by
    /// default.
    pub fn ready_when(mut self, when: ReadyWhen) -> Self {
        self.plan.ready_when = when;
        self
    }
}

impl Plan {
    /// Takes over what a file says.
    pub(crate) fn configure(&mut self, config: &ServerConfig) -> Result<(), Error> {
        let of =
            |key: &'static str| move |error: Error| check::wrong(key, error.message()).with_source(error);
        if let Some(registries) = &config.register {
            self.registries =
                registries.iter().map(opened).collect::<Result<_, _>>().map_err(of("register"))?;
        }
        if let Some(advertise) = &config.advertise {
            self.advertise =
                advertise.iter().map(str::parse).collect::<Result<_, _>>().map_err(of("advertise"))?;
        }
        if let Some(blocks) = &config.advertise_from {
            self.from =
                blocks.iter().map(str::parse).collect::<Result<_, _>>().map_err(of("advertise_from"))?;
        }
        if let Some(attributes) = &config.attributes {
            self.attributes = parsed(attributes).map_err(of("attributes"))?;
        }
        for (service, attributes) in config.service_attributes.iter().flatten() {
            let attributes = parsed(attributes).map_err(|error| {
                check::wrong(&format!("service_attributes.\"{service}\""), error.message())
            })?;
            self.of_services.insert(service.clone(), attributes);
        }
        self.ready_when = match config.ready_when.as_deref() {
            None => self.ready_when,
            Some("everywhere") => ReadyWhen::Everywhere,
            Some("anywhere") => ReadyWhen::Anywhere,
            Some("serving") => ReadyWhen::Serving,
            Some(other) => {
                let why = format!("`{other}` is none; write `everywhere`, `anywhere` or `serving`");
                return Err(check::wrong("ready_when", &why));
            }
        };
        Ok(())
    }
}

/// The registry that a URL names.
fn opened(url: &str) -> Result<Registry, Error> {
    if !url.contains("://") {
        // Not repeated: it may be a URL with a slip of the pen and a password.
        let text = "what to register in is no URL; expected one such as etcd://127.0.0.1:2379/rpcx_test";
        return Err(refused(text.to_owned()));
    }
    Registry::open(url)
}

fn parsed(text: &str) -> Result<Attributes, Error> {
    let attributes = Attributes::parse(text);
    if attributes.is_broken() {
        return Err(refused(format!(
            "the attributes `{text}` do not parse; expected pairs such as weight=3&group=a, with other characters as %XX"
        )));
    }
    Ok(attributes)
}
