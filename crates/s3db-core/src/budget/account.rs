//! The budgets of a handle, and what is put aside for one plan.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::Purse;
use super::layer::Budgeted;
use crate::Result;
use crate::store::{Requests, Store, Verb};

/// All budgets of a handle, and the store that they stand before.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    purses: Arc<[Arc<Purse>]>,
    store: Arc<dyn Store>,
}

impl Account {
    pub(crate) fn new(purses: &[Arc<Purse>], store: Arc<dyn Store>) -> Self {
        Self { purses: purses.into(), store }
    }

    /// A store that pays for each request as it is sent.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        Arc::new(Budgeted::new(self.store.clone(), Payer::Purses(self.clone())))
    }

    /// Puts aside what a plan needs.
    ///
    /// Errors: `Budget`, with nothing put aside.
    pub(crate) fn reserve(&self, cost: Requests) -> Result<Arc<Reserved>> {
        self.put_aside(cost, &|| cost.to_string())?;
        let account = self.clone();
        Ok(Arc::new(Reserved { account, left: Mutex::new(cost), freely: AtomicBool::new(false) }))
    }

    /// Puts requests aside in all purses, or in none.
    fn put_aside(&self, wanted: Requests, what: &dyn Fn() -> String) -> Result<()> {
        for (at, purse) in self.purses.iter().enumerate() {
            if !purse.reserve(wanted) {
                self.purses.iter().take(at).for_each(|purse| purse.release(wanted));
                return Err(purse.refusal(&what()));
            }
        }
        Ok(())
    }

    fn pay(&self, verb: Verb, key: &str) -> Result<()> {
        let one = verb.times(1);
        self.put_aside(one, &|| format!("{verb} {key}"))?;
        self.settle(one);
        Ok(())
    }

    fn settle(&self, requests: Requests) {
        self.purses.iter().for_each(|purse| purse.settle(requests));
    }
}

/// What is put aside for one plan. What is left of it when it is dropped goes back.
#[derive(Debug)]
pub(crate) struct Reserved {
    account: Account,
    left: Mutex<Requests>,
    /// Whether all that is sent now must be sent.
    freely: AtomicBool,
}

impl Reserved {
    /// A store that pays from what is put aside, and then from the budgets.
    pub(crate) fn store(self: &Arc<Self>) -> Arc<dyn Store> {
        Arc::new(Budgeted::new(self.account.store.clone(), Payer::Reserved(self.clone())))
    }

    /// Makes sure that the rest of a plan is paid for, before its document is written. From then on nothing is refused.
    ///
    /// Errors: `Budget`, when others have made the plan so dear that the rest does not fit.
    pub(crate) fn commit(&self, rest: Requests) -> Result<()> {
        let mut left = self.left.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let missing = rest - *left;
        self.account.put_aside(missing, &|| missing.to_string())?;
        *left += missing;
        self.let_pass();
        Ok(())
    }

    /// From now on nothing is refused, so that what was begun can be put in order.
    pub(crate) fn let_pass(&self) {
        self.freely.store(true, Ordering::Relaxed);
    }

    fn pay(&self, verb: Verb, key: &str) -> Result<()> {
        let one = verb.times(1);
        {
            let mut left = self.left.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let rest = *left - one;
            if rest + one == *left {
                *left = rest;
                self.account.settle(one);
                return Ok(());
            }
        }
        if self.freely.load(Ordering::Relaxed) {
            self.account.purses.iter().for_each(|purse| purse.overdraw(one));
            return Ok(());
        }
        self.account.pay(verb, key)
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let left = *self.left.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner());
        self.account.purses.iter().for_each(|purse| purse.release(left));
    }
}

/// Who pays for a request.
#[derive(Debug)]
pub(super) enum Payer {
    Purses(Account),
    Reserved(Arc<Reserved>),
}

impl Payer {
    /// Errors: `Budget`; the request must then not be sent.
    pub(super) fn pay(&self, verb: Verb, key: &str) -> Result<()> {
        match self {
            Self::Purses(account) => account.pay(verb, key),
            Self::Reserved(reserved) => reserved.pay(verb, key),
        }
    }
}
