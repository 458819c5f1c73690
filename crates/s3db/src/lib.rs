//! A document database whose only server is an object store.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg))]
/// A row for each change: see `docs/plugins/audit.md`.
#[cfg(feature = "audit")]
pub use s3db_audit as audit;
/// A cache of documents in memory: see `docs/plugins/cache.md`.
#[cfg(feature = "cache")]
pub use s3db_cache as cache;
/// One leader among the processes of a database: see `docs/plugins/coordinator.md`.
#[cfg(feature = "coordinator")]
pub use s3db_coordinator as coordinator;
pub use s3db_core::*;
/// What requests cost, and the bill to come: see `docs/plugins/costs.md`.
#[cfg(feature = "costs")]
pub use s3db_costs as costs;
/// Makes a Rust type usable in documents; see the guide of [`typed`].
#[cfg(feature = "derive")]
pub use s3db_derive::Document;
/// Calls, times and failures: see `docs/plugins/metrics.md`.
#[cfg(feature = "metrics")]
pub use s3db_metrics as metrics;
/// Each change copied to other systems: see `docs/plugins/replicator.md`.
#[cfg(feature = "replicator")]
pub use s3db_replicator as replicator;
/// PostgreSQL as a target of the replicator: see `docs/plugins/replicator-postgres.md`.
#[cfg(feature = "replicator-postgres")]
pub use s3db_replicator_postgres as replicator_postgres;
/// Documents that end after a time: see `docs/plugins/ttl.md`.
#[cfg(feature = "ttl")]
pub use s3db_ttl as ttl;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/content.md")]
mod content_guide {}

#[cfg(doctest)]
#[doc = include_str!("../../../docs/streams.md")]
mod streams_guide {}

pub mod plugins;

#[cfg(all(doctest, feature = "derive", feature = "validator"))]
#[doc = include_str!("../../../docs/typed.md")]
mod typed_guide {}

#[cfg(doctest)]
#[doc = include_str!("../../../docs/history.md")]
mod history_guide {}

#[cfg(doctest)]
#[doc = include_str!("../../../docs/versions.md")]
mod versions_guide {}
