//! How metrics are collected and shown.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use s3db_core::{Document, Error, ErrorKind, Result};
use serde_json::Value;

use crate::network::Network;

/// Settings of [`Metrics`](crate::Metrics).
///
/// ```
/// use s3db_metrics::{Endpoint, MetricsOptions};
///
/// let options = MetricsOptions::default().endpoint(Endpoint::default());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricsOptions {
    /// Tells several instances apart.
    pub namespace: Option<String>,
    /// Where Prometheus can scrape; nowhere by default.
    pub endpoint: Option<Endpoint>,
    /// Whether calls are also told to the recorder of the `metrics` facade, if the program has installed one. On by default.
    pub facade: bool,
    /// Most resources that are told apart, 1,000 by default. The rest is `(other)`.
    pub resources_max: usize,
    /// Whether and how what was counted is kept on the bucket; not by default.
    pub rows: Option<RowsOptions>,
}

/// How what was counted is kept on the bucket, in the resources of s3db.js.
///
/// ```
/// use std::time::Duration;
/// use s3db_metrics::{MetricsOptions, RowsOptions};
///
/// let rows = RowsOptions::default().flush_every(Duration::from_secs(300)).retention_days(7);
/// let options = MetricsOptions::default().rows(rows);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RowsOptions {
    /// How often rows are written, every minute by default. They are also written when the plugin stops.
    pub flush_every: Duration,
    /// Rows of days that are longer ago are deleted, once a day; 30 by default.
    pub retention_days: Option<u32>,
    /// Whether failures get rows of their own, one for each kind and verb; true by default.
    pub errors: bool,
}

impl Default for RowsOptions {
    fn default() -> Self {
        Self { flush_every: Duration::from_secs(60), retention_days: Some(30), errors: true }
    }
}

impl RowsOptions {
    /// Sets how often rows are written.
    #[must_use]
    pub fn flush_every(mut self, interval: Duration) -> Self {
        self.flush_every = interval;
        self
    }

    /// Sets how long rows are kept.
    #[must_use]
    pub fn retention_days(mut self, days: u32) -> Self {
        self.retention_days = Some(days);
        self
    }

    /// Sets whether failures get rows of their own.
    #[must_use]
    pub fn errors(mut self, errors: bool) -> Self {
        self.errors = errors;
        self
    }

    fn from_json(options: &Document) -> Result<Self> {
        let mut read = Self::default();
        for (name, value) in options {
            let whole = || value.as_u64().ok_or_else(|| wrong(name, "a whole number"));
            match name.as_str() {
                "flush_every_seconds" => read.flush_every = Duration::from_secs(whole()?),
                "retention_days" if value.is_null() => read.retention_days = None,
                "retention_days" => {
                    let days = u32::try_from(whole()?).map_err(|_| wrong(name, "fewer days"))?;
                    read.retention_days = Some(days);
                }
                "errors" => read.errors = value.as_bool().ok_or_else(|| wrong(name, "true or false"))?,
                _ => return Err(wrong(name, "flush_every_seconds, retention_days or errors")),
            }
        }
        Ok(read)
    }
}

impl Default for MetricsOptions {
    fn default() -> Self {
        Self { namespace: None, endpoint: None, facade: true, resources_max: 1_000, rows: None }
    }
}

impl MetricsOptions {
    /// Tells this instance from others.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Opens an endpoint for Prometheus.
    #[must_use]
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = Some(endpoint);
        self
    }

    /// Sets whether the facade is told.
    #[must_use]
    pub fn facade(mut self, facade: bool) -> Self {
        self.facade = facade;
        self
    }

    /// Keeps what was counted on the bucket.
    #[must_use]
    pub fn rows(mut self, rows: RowsOptions) -> Self {
        self.rows = Some(rows);
        self
    }

    /// Reads the options of a configuration: `namespace`, `facade`, `resources_max`; `endpoint`, which is true or an object
    /// with `address`, `port`, `path` and `allow`; and `rows`, which is true or an object with `flush_every_seconds`,
    /// `retention_days` and `errors`.
    ///
    /// Errors: `Config` naming an unknown option, or one of a wrong form.
    pub fn from_json(options: &Document) -> Result<Self> {
        let mut read = Self::default();
        for (name, value) in options {
            let flag = || value.as_bool().ok_or_else(|| wrong(name, "true or false"));
            match name.as_str() {
                "namespace" => {
                    read.namespace = Some(value.as_str().ok_or_else(|| wrong(name, "a text"))?.to_owned());
                }
                "facade" => read.facade = flag()?,
                "resources_max" => {
                    let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
                    read.resources_max = number.ok_or_else(|| wrong(name, "a whole number"))?;
                }
                "endpoint" => {
                    read.endpoint = match value {
                        Value::Object(endpoint) => Some(Endpoint::from_json(endpoint)?),
                        _ => flag()?.then(Endpoint::default),
                    };
                }
                "rows" => {
                    read.rows = match value {
                        Value::Object(rows) => Some(RowsOptions::from_json(rows)?),
                        _ => flag()?.then(RowsOptions::default),
                    };
                }
                _ => return Err(wrong(name, "namespace, endpoint, facade, resources_max or rows")),
            }
        }
        read.check()?;
        Ok(read)
    }

    /// Errors: `Config` naming an option that makes no sense.
    pub(crate) fn check(&self) -> Result<()> {
        if self.resources_max == 0 {
            return Err(wrong("resources_max", "at least 1"));
        }
        let rows = self.rows.as_ref();
        if rows.is_some_and(|rows| rows.flush_every.is_zero()) {
            return Err(wrong("flush_every_seconds", "at least 1"));
        }
        if rows.is_some_and(|rows| rows.retention_days == Some(0)) {
            return Err(wrong("retention_days", "at least 1, or null"));
        }
        if self.endpoint.as_ref().is_some_and(|endpoint| !endpoint.path.starts_with('/')) {
            return Err(wrong("path", "a text that begins with `/`"));
        }
        Ok(())
    }
}

/// Where Prometheus scrapes. Plain HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// Address and port, `127.0.0.1:9090` by default. Port 0 takes any that is free:
    /// [`Metrics::address`](crate::Metrics::address) tells which.
    pub address: SocketAddr,
    /// Path, `/metrics` by default.
    pub path: String,
    /// Who may scrape: by default this machine and networks that are not routed on the internet. The address of the connection
    /// counts, and no header.
    pub allow: Vec<Network>,
}

impl Default for Endpoint {
    fn default() -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 9090));
        Self { address, path: "/metrics".to_owned(), allow: Network::private() }
    }
}

impl Endpoint {
    /// Sets address and port.
    #[must_use]
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Sets who may scrape.
    #[must_use]
    pub fn allow(mut self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.allow = networks.into_iter().collect();
        self
    }

    fn from_json(options: &Document) -> Result<Self> {
        let mut read = Self::default();
        for (name, value) in options {
            match name.as_str() {
                "address" => {
                    let address = value.as_str().and_then(|text| text.parse::<IpAddr>().ok());
                    read.address.set_ip(address.ok_or_else(|| wrong(name, "an IP address"))?);
                }
                "port" => {
                    let port = value.as_u64().and_then(|port| u16::try_from(port).ok());
                    read.address.set_port(port.ok_or_else(|| wrong(name, "0 to 65535"))?);
                }
                "path" => read.path = value.as_str().ok_or_else(|| wrong(name, "a text"))?.to_owned(),
                "allow" => {
                    let list = value.as_array().ok_or_else(|| wrong(name, "a list of networks"))?;
                    let network = |item: &Value| {
                        let network = item.as_str().and_then(|text| text.parse().ok());
                        network.ok_or_else(|| wrong(name, "networks, such as 10.0.0.0/8"))
                    };
                    read.allow = list.iter().map(network).collect::<Result<_>>()?;
                }
                _ => return Err(wrong(name, "address, port, path or allow")),
            }
        }
        Ok(read)
    }
}

pub(crate) fn wrong(option: &str, wanted: &str) -> Error {
    Error::new(ErrorKind::Config, "an option of the metrics is wrong")
        .with("option", option)
        .with("wanted", wanted)
}
