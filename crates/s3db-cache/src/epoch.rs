//! When what was read is out of date: numbers that move with every write.
//!
//! A read notes the epoch of its document before it asks the store, and what it stores carries that epoch. A write moves the
//! epoch before it begins and again when it ends, whichever way. An entry counts only while its epoch is the one of the
//! moment, so that neither what was stored before a write, nor what a slow read stores after it, is ever served.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Documents share this many numbers: a write makes one document in so many be read again without need.
const STRIPES: usize = 256;

/// The epochs of one resource.
#[derive(Debug)]
pub(crate) struct Epochs {
    /// Moves with writes that touch any document, or nobody knows which.
    all: AtomicU64,
    /// Moves with every write: lists, counts and queries may be about any document.
    many: AtomicU64,
    stripes: Box<[AtomicU64]>,
    hasher: RandomState,
}

/// The state of a document that a read has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Epoch {
    all: u64,
    part: u64,
}

impl Epochs {
    pub(crate) fn new() -> Self {
        Self {
            all: AtomicU64::new(0),
            many: AtomicU64::new(0),
            stripes: (0..STRIPES).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }

    /// The epoch of a document.
    pub(crate) fn of(&self, id: &str) -> Epoch {
        Epoch {
            all: self.all.load(Ordering::SeqCst),
            part: self.stripe(id).map_or(0, |stripe| stripe.load(Ordering::SeqCst)),
        }
    }

    /// The epoch of what is about many documents.
    pub(crate) fn of_many(&self) -> Epoch {
        Epoch { all: self.all.load(Ordering::SeqCst), part: self.many.load(Ordering::SeqCst) }
    }

    /// Puts what is about many documents out of date.
    pub(crate) fn moves_many(&self) {
        self.many.fetch_add(1, Ordering::SeqCst);
    }

    /// Puts a document out of date, and what is about many.
    pub(crate) fn moves(&self, id: &str) {
        self.moves_many();
        if let Some(stripe) = self.stripe(id) {
            stripe.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Puts every document out of date.
    pub(crate) fn moves_all(&self) {
        self.all.fetch_add(1, Ordering::SeqCst);
    }

    fn stripe(&self, id: &str) -> Option<&AtomicU64> {
        let hash = self.hasher.hash_one(id) as usize;
        self.stripes.get(hash % STRIPES)
    }
}

/// What a write touches.
#[derive(Debug)]
pub(crate) enum Touched {
    /// A document that is new: nobody can have read it alone.
    New,
    /// Documents.
    Ids(Vec<String>),
    /// Any document.
    All,
}

/// A write that is under way. When it ends, also by being dropped, what it touches is put out of date again.
#[derive(Debug)]
pub(crate) struct Writing<'a> {
    epochs: &'a Epochs,
    touched: Touched,
}

impl<'a> Writing<'a> {
    pub(crate) fn begin(epochs: &'a Epochs, touched: Touched) -> Self {
        let writing = Self { epochs, touched };
        writing.moves();
        writing
    }

    fn moves(&self) {
        match &self.touched {
            Touched::New => self.epochs.moves_many(),
            Touched::Ids(ids) => ids.iter().for_each(|id| self.epochs.moves(id)),
            Touched::All => self.epochs.moves_all(),
        }
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.moves();
    }
}
