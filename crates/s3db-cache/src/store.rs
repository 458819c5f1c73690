//! Where entries are kept.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use s3db_core::op::{Answer, Verb};

use crate::epoch::Epoch;
use crate::size;
use crate::tier::Packed;

/// What an answer is the answer to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// Number of the resource.
    pub(crate) resource: u32,
    pub(crate) verb: Verb,
    /// The id, or all that the read asks for.
    pub(crate) ask: String,
}

/// What was found.
pub(crate) struct Found(pub(crate) Answer);

impl fmt::Debug for Found {
    /// Shows no value of a document, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Found(…)")
    }
}

pub(crate) type Kept = Arc<Found>;

/// What an entry holds.
#[derive(Clone)]
pub(crate) enum Held {
    Plain(Kept),
    Packed(Arc<Packed>),
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain(…)",
            Self::Packed(_) => "Packed(…)",
        })
    }
}

impl Held {
    fn size(&self) -> usize {
        match self {
            Self::Plain(found) => size::of(&found.0),
            Self::Packed(packed) => size::ENTRY + packed.len(),
        }
    }
}

#[derive(Debug, Clone)]
struct Entry {
    held: Held,
    epoch: Epoch,
    /// By the monotonic clock; never when absent.
    expires: Option<Duration>,
    bytes: u32,
}

/// Entries in memory, under one limit.
pub(crate) struct Store {
    entries: moka::sync::Cache<Key, Entry>,
    bytes_max: u64,
    /// What the entries take; those that are gone are taken off when they are swept.
    bytes: Arc<AtomicU64>,
}

impl Store {
    /// `items_max` and `bytes_max` hold both: an entry weighs its bytes, and at least its share of the items.
    pub(crate) fn new(items_max: Option<u64>, bytes_max: u64) -> Self {
        let share = items_max.map_or(0, |items| bytes_max.div_ceil(items.max(1)));
        let share = u32::try_from(share).unwrap_or(u32::MAX);
        let bytes = Arc::new(AtomicU64::new(0));
        let left = bytes.clone();
        let entries = moka::sync::Cache::builder()
            .max_capacity(bytes_max)
            .eviction_listener(move |_: Arc<Key>, entry: Entry, _| {
                left.fetch_sub(u64::from(entry.bytes), Ordering::Relaxed);
            })
            .weigher(move |_: &Key, entry: &Entry| entry.bytes.max(share))
            .build();
        Self { entries, bytes_max, bytes }
    }

    /// What was found for a key, if it is of this epoch and its time is not over.
    pub(crate) fn get(&self, key: &Key, epoch: Epoch, now: impl FnOnce() -> Duration) -> Option<Held> {
        let entry = self.entries.get(key)?;
        let is_over = |expires: Duration| now() >= expires;
        if entry.epoch != epoch || entry.expires.is_some_and(is_over) {
            return None;
        }
        Some(entry.held)
    }

    /// Keeps what was found. Returns whether it did: what is larger than a tenth of all would sweep out too much.
    pub(crate) fn put(&self, key: Key, held: Held, epoch: Epoch, expires: Option<Duration>) -> bool {
        let bytes = held.size() + 2 * key.ask.len();
        if bytes as u64 > self.bytes_max / 10 {
            return false;
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.bytes.fetch_add(u64::from(bytes), Ordering::Relaxed);
        self.entries.insert(key, Entry { held, epoch, expires, bytes });
        true
    }

    pub(crate) fn clear(&self) {
        self.entries.invalidate_all();
    }

    /// Entries and bytes, after what is waiting to be swept has been.
    pub(crate) fn size(&self) -> (u64, u64) {
        self.entries.run_pending_tasks();
        (self.entries.entry_count(), self.bytes.load(Ordering::Relaxed))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("bytes_max", &self.bytes_max).finish_non_exhaustive()
    }
}
