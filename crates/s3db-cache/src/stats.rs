//! What a cache has done.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a cache has done since it was made, and what it holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Reads that were answered from memory.
    pub hits: u64,
    /// Reads that were not.
    pub misses: u64,
    /// Of the misses, those that a tier below memory has answered.
    pub tier_hits: u64,
    /// Of the misses, those that shared the read of another caller.
    pub joined: u64,
    /// Answers that were kept.
    pub stored: u64,
    /// Writes that put entries out of date, and calls of `invalidate`.
    pub invalidations: u64,
    /// Entries that are held, those that are out of date and not swept yet among them.
    pub entries: u64,
    /// Bytes that these take, about.
    pub bytes: u64,
}

impl CacheStats {
    /// Part of the reads that were answered from memory or a tier, from 0 to 1; `None` before the first read.
    pub fn hit_rate(&self) -> Option<f64> {
        let reads = self.hits + self.misses;
        (reads > 0).then(|| (self.hits + self.tier_hits) as f64 / reads as f64)
    }
}

/// Counts as it goes.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) hits: AtomicU64,
    pub(crate) misses: AtomicU64,
    pub(crate) tier_hits: AtomicU64,
    pub(crate) joined: AtomicU64,
    pub(crate) stored: AtomicU64,
    pub(crate) invalidations: AtomicU64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self, entries: u64, bytes: u64) -> CacheStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CacheStats {
            hits: read(&self.hits),
            misses: read(&self.misses),
            tier_hits: read(&self.tier_hits),
            joined: read(&self.joined),
            stored: read(&self.stored),
            invalidations: read(&self.invalidations),
            entries,
            bytes,
        }
    }
}
