//! Elects one leader among the processes that share a database: who cleans up, dispatches and consolidates.
//!
//! One lease on the bucket for each namespace, renewed by compare-and-swap. Other plugins ask for the
//! [`Leadership`](s3db_core::plugin::Leadership) that this one provides. See `docs/plugins/coordinator.md`.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg))]

mod elector;
mod options;
mod plugin;
mod reign;
mod state;
mod stats;
mod workers;

pub use elector::Validity;
pub use options::CoordinatorOptions;
pub use plugin::{Coordinator, register};
pub use stats::CoordinatorStats;
pub use workers::Worker;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/plugins/coordinator.md")]
mod guide {}
