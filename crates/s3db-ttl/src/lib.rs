//! Documents that end after a time: deleted, marked, archived, or given to the program.
//!
//! Deadlines are filed in an index by the minute, hour, day or week that they are in, as by s3db.js; a sweep looks at what is
//! due and judges by the document itself. See `docs/plugins/ttl.md`.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg))]

mod cohort;
mod expire;
mod index;
mod options;
mod plugin;
mod reconcile;
mod rule;
mod stats;
mod sweep;

pub use options::TtlOptions;
pub use plugin::{Ttl, register};
pub use rule::{OnExpire, TtlRule};
pub use stats::{Swept, TtlStats};

#[cfg(doctest)]
#[doc = include_str!("../../../docs/plugins/ttl.md")]
mod guide {}
