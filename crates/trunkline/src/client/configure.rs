//! Taking over what a file says into a builder.

use trunkline_wire::CompressType;

use super::builder::ClientBuilder;
use crate::budget::ByteBudget;
use crate::config::{ClientConfig, ClientTlsConfig, check};
use crate::error::Error;

impl ClientBuilder {
    /// Takes over what the configuration says; what it does not say stays as it is. A key whose
    /// value cannot be is an error of [`connect`](Self::connect) that names it.
    ///
    /// ```
    /// use trunkline::Client;
    /// use trunkline::config::ClientConfig;
    ///
    /// let config: ClientConfig = serde_json::from_str(r#"{ "timeout": "2s", "compress": "gzip" }"#)?;
    /// let builder = Client::builder().config(&config);
    /// # let _ = builder;
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn config(mut self, config: &ClientConfig) -> Self {
        if let Err(error) = self.take_over(config) {
            self.wrong = Some(error);
        }
        match &config.tls {
            Some(tls) => self.configured_tls(tls),
            None => self,
        }
    }

    #[cfg(feature = "tls")]
    fn configured_tls(mut self, config: &ClientTlsConfig) -> Self {
        match super::tls::of_config(config) {
            Ok(tls) => return self.tls(tls),
            Err(error) => self.wrong = Some(error),
        }
        self
    }

    #[cfg(not(feature = "tls"))]
    fn configured_tls(mut self, _: &ClientTlsConfig) -> Self {
        self.wrong = Some(check::without_tls());
        self
    }

    fn take_over(&mut self, config: &ClientConfig) -> Result<(), Error> {
        let settings = &mut self.settings;
        check::positive("timeout", config.timeout, &mut settings.timeout)?;
        check::positive("connect_timeout", config.connect_timeout, &mut settings.connect_timeout)?;
        check::positive("heartbeat_timeout", config.heartbeat_timeout, &mut settings.heartbeat_timeout)?;
        check::switch("heartbeat", config.heartbeat, &mut settings.heartbeat)?;
        check::count("connections", config.connections, &mut settings.connections)?;
        check::count("in_flight", config.in_flight, &mut settings.in_flight)?;
        check::count("frame", config.frame, &mut settings.limits.frame)?;
        check::size(config.metadata, &mut settings.limits.metadata);
        check::count("inflated", config.inflated, &mut settings.limits.inflated)?;
        if let Some(name) = &config.compress {
            settings.compress = compress(name)?;
        }
        if let Some(backoff) = &config.backoff {
            check::positive("backoff.first", backoff.first, &mut settings.backoff.0)?;
            check::positive("backoff.most", backoff.most, &mut settings.backoff.1)?;
            settings.backoff.1 = settings.backoff.1.max(settings.backoff.0);
        }
        if let Some(bytes) = config.budget {
            settings.budget = ByteBudget::new(bytes);
        }
        for (name, method) in config.methods.iter().flatten() {
            let key = format!("methods.\"{name}\"");
            let (service, name) = name
                .rsplit_once('.')
                .filter(|(service, name)| !service.is_empty() && !name.is_empty())
                .ok_or_else(|| check::wrong(&key, "the name is not of the form `Service.Method`"))?;
            if let Some(timeout) = method.timeout {
                check::positive(&format!("{key}.timeout"), Some(timeout), &mut timeout.clone())?;
            }
            settings.methods.entry(service.to_owned()).or_default().insert(name.to_owned(), method.clone());
        }
        Ok(())
    }
}

fn compress(name: &str) -> Result<CompressType, Error> {
    match name {
        "none" => Ok(CompressType::NONE),
        "gzip" => Ok(CompressType::GZIP),
        number => number.parse().ok().and_then(CompressType::new).ok_or_else(|| {
            let why = format!("`{name}` is no compressor; write `none`, `gzip` or a number from 1 to 7");
            check::wrong("compress", &why)
        }),
    }
}
