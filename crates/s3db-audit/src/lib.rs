//! A row for each change of every resource: what was done to which document, when and on whose behalf.
//!
//! Rows are those of s3db.js, without its secrets in the clear. See `docs/plugins/audit.md`.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg))]

mod entry;
mod image;
mod layer;
mod options;
mod plugin;
mod query;
mod segment;
mod stats;
mod writer;

pub use entry::{AuditEntry, Operation};
pub use options::AuditOptions;
pub use plugin::{Audit, register};
pub use query::{AuditQuery, AuditSummary};
pub use stats::AuditStats;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/plugins/audit.md")]
mod guide {}
