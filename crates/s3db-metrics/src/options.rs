//! How metrics are collected and shown.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

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
}

impl Default for MetricsOptions {
    fn default() -> Self {
        Self { namespace: None, endpoint: None, facade: true, resources_max: 1_000 }
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

    /// Reads the options of a configuration: `namespace`, `facade`, `resources_max`, and `endpoint`, which is true or an object
    /// with `address`, `port`, `path` and `allow`.
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
                _ => return Err(wrong(name, "namespace, endpoint, facade or resources_max")),
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
