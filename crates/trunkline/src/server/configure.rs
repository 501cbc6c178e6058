//! Taking over what a file says into a builder.

use super::builder::ServerBuilder;
use super::limits::ServerLimits;
use crate::budget::ByteBudget;
use crate::config::{LimitsConfig, ServerConfig, ServerTlsConfig, Switch, check};
use crate::error::Error;

impl ServerBuilder {
    /// Takes over what the configuration says; what it does not say stays as it is. A key whose
    /// value cannot be is an error of [`bind`](Self::bind) that names it.
    ///
    /// ```
    /// use trunkline::Server;
    /// use trunkline::config::ServerConfig;
    ///
    /// let config: ServerConfig = serde_json::from_str(r#"{ "limits": { "connections": 500 } }"#)?;
    /// let builder = Server::builder().config(&config);
    /// # let _ = builder;
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn config(mut self, config: &ServerConfig) -> Self {
        self.grace = config.grace.or(self.grace);
        if let Err(error) = self.plan.configure(config) {
            self.wrong = Some(error);
        }
        if let Some(on) = config.run_to_completion {
            self = self.run_to_completion(on);
        }
        self.drain = config.drain.unwrap_or(self.drain);
        if let Some(bytes) = config.budget {
            self.budget = ByteBudget::new(bytes);
        }
        if let Some(limits) = &config.limits
            && let Err(error) = take_over(&mut self.limits, limits)
        {
            self.wrong = Some(error);
        }
        match &config.tls {
            Some(tls) => self.configured_tls(tls),
            None => self,
        }
    }

    #[cfg(feature = "tls")]
    fn configured_tls(mut self, config: &ServerTlsConfig) -> Self {
        match super::tls::of_config(config) {
            Ok(tls) => return self.tls(tls),
            Err(error) => self.wrong = Some(error),
        }
        self
    }

    #[cfg(not(feature = "tls"))]
    fn configured_tls(mut self, _: &ServerTlsConfig) -> Self {
        self.wrong = Some(check::without_tls());
        self
    }
}

/// The bounds as a file says them.
pub(super) fn to_config(limits: &ServerLimits) -> LimitsConfig {
    LimitsConfig {
        frame: Some(limits.wire.frame),
        metadata: Some(limits.wire.metadata),
        inflated: Some(limits.wire.inflated),
        connections: Some(limits.connections),
        in_flight_per_connection: Some(limits.in_flight_per_connection),
        in_flight: Some(limits.in_flight),
        queue_per_connection: Some(limits.queue_per_connection),
        queue_wait: Some(limits.queue_wait),
        unwritten_per_connection: Some(limits.unwritten_per_connection),
        idle: Some(limits.idle.map_or(Switch::Off, Switch::On)),
        read_stall: Some(limits.read_stall),
        write_stall: Some(limits.write_stall),
    }
}

fn take_over(limits: &mut ServerLimits, config: &LimitsConfig) -> Result<(), Error> {
    check::count("limits.frame", config.frame, &mut limits.wire.frame)?;
    check::size(config.metadata, &mut limits.wire.metadata);
    check::count("limits.inflated", config.inflated, &mut limits.wire.inflated)?;
    check::count("limits.connections", config.connections, &mut limits.connections)?;
    let per_connection = &mut limits.in_flight_per_connection;
    check::count("limits.in_flight_per_connection", config.in_flight_per_connection, per_connection)?;
    check::count("limits.in_flight", config.in_flight, &mut limits.in_flight)?;
    check::size(config.queue_per_connection, &mut limits.queue_per_connection);
    limits.queue_wait = config.queue_wait.unwrap_or(limits.queue_wait);
    let unwritten = &mut limits.unwritten_per_connection;
    check::count("limits.unwritten_per_connection", config.unwritten_per_connection, unwritten)?;
    check::switch("limits.idle", config.idle, &mut limits.idle)?;
    check::positive("limits.read_stall", config.read_stall, &mut limits.read_stall)?;
    check::positive("limits.write_stall", config.write_stall, &mut limits.write_stall)
}
