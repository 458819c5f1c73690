//! What a handle puts between the verbs and the store.

use std::sync::Arc;

use super::{Resource, WriteCheck};
use crate::receipt::Receipts;
use crate::store::{Store, StoreLayer as _};

/// What one handle of a resource adds to its calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layers {
    /// Books that the costs are written into.
    pub(crate) receipts: Vec<Receipts>,
}

impl Layers {
    /// The database's store with these layers around it.
    fn wrap(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        self.receipts.iter().fold(store, |store, receipts| receipts.wrap(store))
    }
}

impl Resource {
    /// A handle with other layers.
    pub(crate) fn layered(&self, change: impl FnOnce(&mut Layers)) -> Self {
        let mut layers = self.layers.clone();
        change(&mut layers);
        let store = layers.wrap(self.db.store.clone());
        Self { db: self.db.clone(), shared: self.shared.clone(), store, layers }
    }

    /// Notes on receipts how far the write of a document was checked.
    pub(super) fn note_check(&self, check: WriteCheck) {
        self.layers.receipts.iter().for_each(|receipts| receipts.note(check));
    }
}
