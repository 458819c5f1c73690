//! Copies each change of a database to other systems: recorded before it is committed, delivered at least once, in order for
//! each document, through crashes and outages.
//!
//! See `docs/plugins/replicator.md`.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg))]

mod change;
mod courier;
mod drivers;
mod letters;
mod options;
mod outbox;
mod plugin;
mod replay;
mod route;
mod s3db;
mod stats;
mod sweep;
mod target;

pub use change::{Operation, RecordedChange};
pub use drivers::Drivers;
pub use letters::DeadLetter;
pub use options::ReplicatorOptions;
pub use plugin::{Replicator, register};
pub use replay::{Replay, Replayed};
pub use route::{Route, Routes};
pub use s3db::S3dbTarget;
pub use stats::{ReplicatorStats, TargetStats};
pub use target::{Batch, Delivery, Outcome, Routed, Target, Write};

#[cfg(doctest)]
#[doc = include_str!("../../../docs/plugins/replicator.md")]
mod guide {}
