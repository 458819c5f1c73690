//! Metrics: counts and times the calls of a database, and shows them to Prometheus, the `metrics` facade and people.
//!
//! Each call of a verb counts once, for its resource and verb; requests count as receipts have them. Everything is in memory, and
//! counters only grow; where that is asked for, rows on the bucket tell of each interval. See `docs/plugins/metrics.md`.
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
mod rows;
mod text;

pub use network::Network;
pub use options::{Endpoint, MetricsOptions, RowsOptions};
pub use plugin::{Metrics, register};
pub use report::{CacheUse, ErrorReport, MetricsReport, Performance, ResourceUse, SlowOperation, Usage};
pub use rows::{ErrorRow, MetricsQuery, OperationRow, StoredCalls, StoredStats};

#[cfg(doctest)]
#[doc = include_str!("../../../docs/plugins/metrics.md")]
mod guide {}
