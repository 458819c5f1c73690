//! What a sweep, and all of them, have done.

use std::sync::Mutex;

use serde::Serialize;

/// What one sweep has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Swept {
    /// Documents whose time had come, and with whom what is to be done was done.
    pub expired: u64,
    /// Of these, those that were deleted, also after a callback.
    pub deleted: u64,
    /// Of these, those that were marked as deleted.
    pub soft_deleted: u64,
    /// Of these, those that were archived.
    pub archived: u64,
    /// Callbacks that were asked.
    pub callbacks: u64,
    /// Entries that were filed anew, since the deadline has moved.
    pub refiled: u64,
    /// Entries of documents that were gone, or end no more.
    pub stale: u64,
    /// Documents that changed while they were looked at, or that a callback keeps: the next sweep looks again.
    pub kept: u64,
    /// Documents that could not be looked at, or with whom it could not be done.
    pub errors: u64,
}

impl Swept {
    pub(crate) fn add(&mut self, other: Self) {
        self.expired += other.expired;
        self.deleted += other.deleted;
        self.soft_deleted += other.soft_deleted;
        self.archived += other.archived;
        self.callbacks += other.callbacks;
        self.refiled += other.refiled;
        self.stale += other.stale;
        self.kept += other.kept;
        self.errors += other.errors;
    }
}

/// What has been done since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TtlStats {
    /// Sweeps that this process has done.
    pub sweeps: u64,
    /// When the last one began, in milliseconds since 1970.
    pub last_sweep_ms: Option<i64>,
    /// What all of them have done.
    pub swept: Swept,
    /// Entries that changes have made or moved.
    pub filed: u64,
    /// Entries that changes could not make: looked for later.
    pub unfiled: u64,
    /// Entries that were missing and have been made.
    pub reconciled: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<TtlStats>);

impl Counters {
    pub(crate) fn with(&self, change: impl FnOnce(&mut TtlStats)) {
        change(&mut self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
    }

    pub(crate) fn snapshot(&self) -> TtlStats {
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
