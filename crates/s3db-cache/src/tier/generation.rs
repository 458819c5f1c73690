//! What this process knows of the slots of a tier.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use super::path;

/// The part of a resource that one generation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Lists, counts and queries.
    Many,
    /// One in so many of the documents.
    Documents(u8),
}

impl Slot {
    /// Documents share this many slots.
    pub(super) const DOCUMENTS: u8 = 64;

    /// The slot of a document.
    pub(crate) fn of(id: &str) -> Self {
        Self::Documents(path::stripe(id))
    }

    /// Every slot.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Many).chain((0..Self::DOCUMENTS).map(Self::Documents))
    }

    fn index(self) -> usize {
        match self {
            Self::Many => 0,
            Self::Documents(number) => 1 + usize::from(number),
        }
    }
}

/// The slots of one resource in every tier.
#[derive(Debug)]
pub(crate) struct Tables(pub(super) Vec<Table>);

impl Tables {
    pub(super) fn new(tiers: usize) -> Self {
        Self((0..tiers).map(|_| Table::new()).collect())
    }

    /// Says that everything is worthless, and leaves the deletion of slots to later reads.
    pub(super) fn abandon(&self) {
        self.0.iter().flat_map(|table| &table.0).for_each(State::abandon);
    }
}

/// The slots of one resource in one tier.
#[derive(Debug)]
pub(super) struct Table(Vec<State>);

impl Table {
    fn new() -> Self {
        Self(Slot::all().map(|_| State::default()).collect())
    }

    pub(super) fn state(&self, slot: Slot) -> Option<&State> {
        self.0.get(slot.index())
    }
}

/// What is known of one slot.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Writes that have begun or ended: so many times what the slot holds became worthless.
    changes: AtomicU64,
    /// The last of these after which the slot has been deleted.
    deleted: AtomicU64,
    known: Mutex<Option<Known>>,
}

/// A generation that was read.
#[derive(Debug, Clone)]
struct Known {
    generation: String,
    changes: u64,
    /// By the monotonic clock.
    until: Duration,
}

impl State {
    /// Says that what the slot holds is worthless from now on. Returns the number of the change.
    pub(super) fn changes(&self) -> u64 {
        self.changes.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Says the same where nobody deletes the slot now.
    pub(super) fn abandon(&self) {
        self.changes();
    }

    /// The number of changes so far.
    pub(super) fn now(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    /// Whether the slot must be deleted before it can be believed.
    pub(super) fn is_dirty(&self, changes: u64) -> bool {
        self.deleted.load(Ordering::SeqCst) < changes
    }

    /// Says that the slot has been deleted after so many changes.
    pub(super) fn was_deleted(&self, changes: u64) {
        self.deleted.fetch_max(changes, Ordering::SeqCst);
    }

    /// The generation, if it was read after the last change and not too long ago.
    pub(super) fn known(&self, changes: u64, now: Duration) -> Option<String> {
        let known = self.lock();
        let known = known.as_ref().filter(|known| known.changes == changes && now < known.until)?;
        Some(known.generation.clone())
    }

    pub(super) fn learn(&self, generation: &str, changes: u64, until: Duration) {
        *self.lock() = Some(Known { generation: generation.to_owned(), changes, until });
    }

    fn lock(&self) -> MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
