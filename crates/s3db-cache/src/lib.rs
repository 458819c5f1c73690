//! A cache: a read that was sent before is answered from memory, files or the bucket.
//!
//! It never answers with what a write of this process has replaced, also when the read began before the write; what other
//! processes write is seen when an entry's time is over, or at once where [`Cache::invalidate`] is told of it. See
//! `docs/plugins/cache.md`.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(docsrs, doc(auto_cfg))]

mod epoch;
mod flight;
mod layer;
mod limit;
mod options;
mod plugin;
mod size;
mod stats;
mod store;
mod tier;

pub use limit::{MemoryLimit, memory_bytes_max};
pub use options::CacheOptions;
pub use plugin::{Cache, register};
pub use stats::CacheStats;
pub use tier::{CacheTier, FileTier, Tier, TierStats};

#[cfg(doctest)]
#[doc = include_str!("../../../docs/plugins/cache.md")]
mod guide {}
