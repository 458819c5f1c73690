//! What is spent of one budget, and what is put aside.

use std::sync::{Arc, Mutex, MutexGuard};

use super::Budget;
use crate::price::Prices;
use crate::store::Requests;
use crate::{Error, ErrorKind};

/// Sums of prices are not exact: this share above the limit still counts as the limit.
const ROUNDING: f64 = 1e-9;

/// One budget in use. Shared by the clones of a handle.
#[derive(Debug)]
pub(crate) struct Purse {
    budget: Budget,
    prices: Prices,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    spent: Requests,
    /// Put aside for plans that are under way.
    reserved: Requests,
}

impl Purse {
    pub(super) fn new(budget: Budget, prices: Prices) -> Arc<Self> {
        Arc::new(Self { budget, prices, used: Mutex::default() })
    }

    pub(super) fn spent(&self) -> Requests {
        self.used().spent
    }

    /// Puts requests aside, if the budget allows them.
    pub(super) fn reserve(&self, wanted: Requests) -> bool {
        let mut used = self.used();
        let allowed = self.allows(used.spent + used.reserved + wanted);
        if allowed {
            used.reserved += wanted;
        }
        allowed
    }

    /// Takes back what was put aside.
    pub(super) fn release(&self, reserved: Requests) {
        let mut used = self.used();
        used.reserved = used.reserved - reserved;
    }

    /// Spends what was put aside.
    pub(super) fn settle(&self, reserved: Requests) {
        let mut used = self.used();
        used.reserved = used.reserved - reserved;
        used.spent += reserved;
    }

    /// Spends what must be sent, also beyond the budget.
    pub(super) fn overdraw(&self, requests: Requests) {
        self.used().spent += requests;
    }

    /// Why something was refused.
    pub(super) fn refusal(&self, refused: &str) -> Error {
        let used = self.used();
        let error = Error::new(ErrorKind::Budget, "the budget does not allow what would be sent next")
            .with("budget", self.budget)
            .with("spent", used.spent)
            .with("refused", refused)
            .hint("raise the budget; `explain` tells beforehand what a call needs");
        if used.reserved == Requests::NONE { error } else { error.with("put_aside", used.reserved) }
    }

    fn allows(&self, requests: Requests) -> bool {
        let few = self.budget.requests.is_none_or(|most| requests.total() <= most);
        let cheap =
            self.budget.dollars.is_none_or(|most| self.prices.dollars(requests) <= most * (1.0 + ROUNDING));
        few && cheap
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
