//! What a handle puts between the verbs and the store.

use std::sync::Arc;

use super::{Resource, WriteCheck};
use crate::budget::{Account, Purse};
use crate::explain::Rehearsal;
use crate::receipt::Receipts;
use crate::store::{Store, StoreLayer as _};

/// What one handle of a resource adds to its calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layers {
    /// Books that the costs are written into.
    pub(crate) receipts: Vec<Receipts>,
    /// Budgets that pay for requests.
    pub(crate) budgets: Vec<Arc<Purse>>,
    /// The budgets together, where plans are to be paid from them.
    account: Option<Account>,
    /// Where nothing is changed.
    rehearsal: Option<Rehearsal>,
}

impl Layers {
    /// The database's store with these layers around it.
    ///
    /// A refused request is not on a receipt, so that budgets stand before receipts. A rehearsal stands before both: only
    /// what it sends is paid for.
    fn wrap(&mut self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        let mut store = self.receipts.iter().fold(store, |store, receipts| receipts.wrap(store));
        self.account = None;
        if !self.budgets.is_empty() {
            let account = Account::new(&self.budgets, store);
            store = account.store();
            self.account = Some(account);
        }
        if let Some(rehearsal) = &self.rehearsal {
            store = rehearsal.wrap(store);
            self.account = None;
        }
        store
    }

    /// The budgets that a plan must be allowed by.
    pub(crate) fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// The rehearsal, where nothing may be changed or told.
    pub(crate) fn rehearsal(&self) -> Option<&Rehearsal> {
        self.rehearsal.as_ref()
    }
}

impl Resource {
    /// A handle with other layers.
    pub(crate) fn layered(&self, change: impl FnOnce(&mut Layers)) -> Self {
        let mut layers = self.layers.clone();
        change(&mut layers);
        let store = layers.wrap(self.db.store.clone());
        Self { store, layers, ..self.clone() }
    }

    /// A handle that changes nothing: no object, and nothing that other handles share.
    pub(crate) fn rehearsed(&self) -> (Self, Rehearsal) {
        let db = &self.db;
        let rehearsal = Rehearsal::with_keys(db.env.clone(), db.prices, db.keys.clone());
        let mut resource = self.layered(|layers| layers.rehearsal = Some(rehearsal.clone()));
        resource.shared = Arc::new(self.shared.snapshot());
        // What hooks and layers do beside the store cannot be taken back.
        resource.is_bare = true;
        (resource, rehearsal)
    }

    /// Notes on receipts how far the write of a document was checked.
    pub(super) fn note_check(&self, check: WriteCheck) {
        if self.layers.rehearsal.is_none() {
            self.layers.receipts.iter().for_each(|receipts| receipts.note(check));
        }
    }
}
