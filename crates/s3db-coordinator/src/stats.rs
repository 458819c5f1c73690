//! What a coordinator has done.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// What a coordinator has done since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CoordinatorStats {
    /// Looks at the lease.
    pub heartbeats: u64,
    /// Of these, those that failed.
    pub failures: u64,
    /// Times that this process tried to take over.
    pub elections: u64,
    /// Of these, those that it won.
    pub elections_won: u64,
    /// Times that the leader was another one than before.
    pub leader_changes: u64,
    /// Epochs that [`validate`](crate::Coordinator::validate) refused.
    pub epoch_drifts: u64,
    /// Times that so many looks failed in a row that it was told.
    pub outages: u64,
    /// Looks that took longer than twice the heartbeat.
    pub slow_heartbeats: u64,
}

/// Counts as it goes.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) heartbeats: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) elections: AtomicU64,
    pub(crate) elections_won: AtomicU64,
    pub(crate) leader_changes: AtomicU64,
    pub(crate) epoch_drifts: AtomicU64,
    pub(crate) outages: AtomicU64,
    pub(crate) slow_heartbeats: AtomicU64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> CoordinatorStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CoordinatorStats {
            heartbeats: read(&self.heartbeats),
            failures: read(&self.failures),
            elections: read(&self.elections),
            elections_won: read(&self.elections_won),
            leader_changes: read(&self.leader_changes),
            epoch_drifts: read(&self.epoch_drifts),
            outages: read(&self.outages),
            slow_heartbeats: read(&self.slow_heartbeats),
        }
    }
}
