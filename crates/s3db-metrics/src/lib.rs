//! Metrics: counts and times the calls of a database, and shows them to Prometheus, the `metrics` facade and people.
//!
//! Each call of a verb counts once, for its resource and verb; requests count as receipts have them. Everything is in memory: nothing
//! is sent, and counters only grow. See `docs/plugins/metrics.md`.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg))]

mod endpoint;
mod histogram;
mod layer;
mod network;
mod options;
mod plugin;
mod registry;
mod report;
mod text;

pub use network::Network;
pub use options::{Endpoint, MetricsOptions};
pub use plugin::{Metrics, register};
pub use report::{CacheUse, ErrorReport, MetricsReport, Performance, ResourceUse, SlowOperation, Usage};

#[cfg(doctest)]
#[doc = include_str!("../../../docs/plugins/metrics.md")]
mod guide {}
