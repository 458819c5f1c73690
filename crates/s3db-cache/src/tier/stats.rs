//! What a tier has done.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// What a tier has done since the cache was installed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TierStats {
    /// Its name.
    pub name: String,
    /// Reads that it has answered.
    pub hits: u64,
    /// Reads that it was asked for and could not answer.
    pub misses: u64,
    /// Answers that it was given to keep.
    pub stored: u64,
    /// Answers, of those, that came from a tier below.
    pub promoted: u64,
    /// Slots that writes have deleted.
    pub invalidations: u64,
    /// Calls of it that failed or took too long, and entries that were damaged.
    pub errors: u64,
}

/// Counts as it goes.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) hits: AtomicU64,
    pub(super) misses: AtomicU64,
    pub(super) stored: AtomicU64,
    pub(super) promoted: AtomicU64,
    pub(super) invalidations: AtomicU64,
    pub(super) errors: AtomicU64,
}

impl Counters {
    pub(super) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self, name: &str) -> TierStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TierStats {
            name: name.to_owned(),
            hits: read(&self.hits),
            misses: read(&self.misses),
            stored: read(&self.stored),
            promoted: read(&self.promoted),
            invalidations: read(&self.invalidations),
            errors: read(&self.errors),
        }
    }
}
