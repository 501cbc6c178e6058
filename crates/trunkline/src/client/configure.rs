//! Taking over what a file says into a builder.

use std::collections::HashMap;
use std::time::Duration;

use trunkline_wire::CompressType;

use super::builder::ClientBuilder;
use super::fail::{FailMode, Retries, RetryBudget};
use super::health::{Breaker, Ejection};
use super::settings::Settings;
use crate::balance;
use crate::budget::ByteBudget;
use crate::config::{
    Backoff, BreakerConfig, ClientConfig, ClientTlsConfig, MethodConfig, RetriesConfig, RetryBudgetConfig,
    Switch, check,
};
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
        if let Some(name) = &config.balancer {
            settings.balancer = balance::by_name(name).map_err(|e| check::wrong("balancer", e.message()))?;
        }
        if let Some(group) = &config.group {
            settings.group = Some(group.clone());
        }
        if let Some(name) = &config.fail_mode {
            settings.fail_mode = FailMode::by_name(name).ok_or_else(|| {
                let why = format!(
                    "`{name}` is no fail mode; write `failover`, `failfast`, `failtry` or `failbackup`"
                );
                check::wrong("fail_mode", &why)
            })?;
        }
        if let Some(retries) = &config.retries {
            take_retries(retries, &mut settings.retries)?;
        }
        if let Some(budget) = &config.retry_budget {
            settings.retry_budget = retry_budget(budget)?;
        }
        if let Some(breaker) = &config.breaker {
            settings.breaker = self::breaker(breaker)?;
        }
        match config.ejection {
            Some(true) if settings.ejection.is_none() => settings.ejection = Some(Ejection::default()),
            Some(false) => settings.ejection = None,
            _ => {}
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

impl Settings {
    /// What is set, as a file would say it. Files of certificates are left out.
    pub(super) fn to_config(&self) -> ClientConfig {
        let of_method = |(service, methods): (&String, &HashMap<String, MethodConfig>)| {
            let named =
                |(name, config): (&String, &MethodConfig)| (format!("{service}.{name}"), config.clone());
            methods.iter().map(named).collect::<Vec<_>>()
        };
        ClientConfig {
            timeout: Some(self.timeout),
            connect_timeout: Some(self.connect_timeout),
            heartbeat: Some(self.heartbeat.map_or(Switch::Off, Switch::On)),
            heartbeat_timeout: Some(self.heartbeat_timeout),
            connections: Some(self.connections),
            in_flight: Some(self.in_flight),
            compress: Some(match self.compress {
                CompressType::NONE => "none".to_owned(),
                CompressType::GZIP => "gzip".to_owned(),
                other => other.id().to_string(),
            }),
            backoff: Some(Backoff { first: Some(self.backoff.0), most: Some(self.backoff.1) }),
            budget: Some(self.budget.limit()),
            frame: Some(self.limits.frame),
            metadata: Some(self.limits.metadata),
            inflated: Some(self.limits.inflated),
            // One of the program's own has no name that a file could say.
            balancer: Some(self.balancer.name())
                .filter(|name| balance::by_name(name).is_ok())
                .map(str::to_owned),
            group: self.group.clone(),
            fail_mode: Some(self.fail_mode.name().to_owned()),
            retries: Some(self.retries.to_config()),
            retry_budget: self.retry_budget.to_config(),
            breaker: Some(self.breaker.to_config()),
            ejection: Some(self.ejection.is_some()),
            methods: Some(self.methods.iter().flat_map(of_method).collect()),
            ..ClientConfig::default()
        }
    }
}

fn take_retries(config: &RetriesConfig, retries: &mut Retries) -> Result<(), Error> {
    if let Some(most) = config.most {
        retries.most = u32::try_from(most).unwrap_or(u32::MAX);
    }
    check::positive("retries.first", config.first, &mut retries.pause.0)?;
    check::positive("retries.longest", config.longest, &mut retries.pause.1)?;
    retries.pause.1 = retries.pause.1.max(retries.pause.0);
    for (key, value, into) in [
        ("retries.attempt_timeout", config.attempt_timeout, &mut retries.attempt_timeout),
        ("retries.backup_after", config.backup_after, &mut retries.backup_after),
    ] {
        check::switch(key, value.map(Switch::On), into)?;
    }
    retries.blind = config.blind.unwrap_or(retries.blind);
    Ok(())
}

fn retry_budget(config: &RetryBudgetConfig) -> Result<RetryBudget, Error> {
    let (mut share, per_second) = (0.2, config.per_second.unwrap_or(10.0));
    check::share("retry_budget.share", config.share, &mut share)?;
    if !per_second.is_finite() || per_second < 0.0 {
        return Err(check::wrong("retry_budget.per_second", "it must not be negative"));
    }
    Ok(RetryBudget::new(share, per_second))
}

fn breaker(config: &BreakerConfig) -> Result<Breaker, Error> {
    if config.on == Some(false) {
        return Ok(Breaker::off());
    }
    let (mut share, mut calls, mut consecutive) = (0.95, 100, 0);
    let (mut window, mut pause, mut longest) = (Duration::from_secs(10), None, None);
    check::share("breaker.share", config.share, &mut share)?;
    check::count("breaker.calls", config.calls, &mut calls)?;
    check::count("breaker.consecutive", config.consecutive, &mut consecutive)?;
    check::positive("breaker.window", config.window, &mut window)?;
    check::switch("breaker.pause", config.pause.map(Switch::On), &mut pause)?;
    check::switch("breaker.longest", config.longest.map(Switch::On), &mut longest)?;
    let mut breaker = match u32::try_from(consecutive) {
        Ok(0) => Breaker::rate(share, calls as u64, window),
        Ok(failures) => Breaker::consecutive(failures),
        Err(_) => Breaker::off(),
    };
    if let Some(pause) = pause {
        breaker = breaker.pause(pause);
    }
    Ok(longest.map_or(breaker, |longest| breaker.longest(longest)))
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
