//! Numbers for people and monitors.

use std::sync::{Mutex, MutexGuard};

use serde::Serialize;

/// What a replicator has done since it was installed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ReplicatorStats {
    /// Changes that were written into the outbox.
    pub recorded: u64,
    /// Objects that took: changes that come at the same time share one.
    pub outbox_objects: u64,
    /// Changes that memory had no room for while a target was behind; sweeps deliver them.
    pub left_to_sweeps: u64,
    /// Changes of other processes, and of this one before its last start, that sweeps have delivered.
    pub taken_over: u64,
    /// Each target.
    pub targets: Vec<TargetStats>,
}

/// What became of the changes for one target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TargetStats {
    /// Its name.
    pub name: String,
    /// What kind of target it is.
    pub driver: String,
    /// Changes that it has taken.
    pub delivered: u64,
    /// Times that it was called.
    pub batches: u64,
    /// Times that it, or one document, was tried again.
    pub retries: u64,
    /// Documents that it did not take, and that were put aside.
    pub dead_letters: u64,
    /// Changes of this process that are committed and that it does not have yet.
    pub lag_changes: u64,
    /// Age of the oldest of them, in milliseconds.
    pub lag_ms: u64,
    /// Whether the last try failed.
    pub is_failing: bool,
    /// Why a try failed last.
    pub last_error: Option<String>,
    /// When a try succeeded last, in milliseconds since 1970.
    pub last_delivery_ms: Option<i64>,
}

/// The counters of one target.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<TargetStats>);

impl Counters {
    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut TargetStats) -> T) -> T {
        change(&mut self.lock())
    }

    pub(crate) fn snapshot(&self) -> TargetStats {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, TargetStats> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
