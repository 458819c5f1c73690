//! What an audit has done.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// What an audit has done since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditStats {
    /// Rows that were written.
    pub written: u64,
    /// Objects of several rows, where [`segments`](crate::AuditOptions::segments) are on.
    pub segments: u64,
    /// Rows that could not be written, and are lost.
    pub failed: u64,
    /// Rows that were deleted because they were old.
    pub deleted: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) written: AtomicU64,
    pub(crate) segments: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) deleted: AtomicU64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, number: usize) {
        counter.fetch_add(number as u64, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> AuditStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        AuditStats {
            written: read(&self.written),
            segments: read(&self.segments),
            failed: read(&self.failed),
            deleted: read(&self.deleted),
        }
    }
}
