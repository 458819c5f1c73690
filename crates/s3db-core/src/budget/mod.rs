//! Budgets: calls that refuse rather than spend more than they may.
//!
//! A request that would pass the budget is not sent. A write asks for its whole plan before its first request, so that
//! it is not cut between two steps: what a plan needs is put aside until it has ended. Where other writers make a plan
//! dearer, it may still be refused, but only before its document is written; what it had claimed is then given back, and
//! that, like the steps after the document, is paid for even when the budget is used up.

use std::fmt;

use crate::Resource;
use crate::price::Dollars;
use crate::store::Requests;

mod account;
mod layer;
mod purse;

pub(crate) use account::Account;
pub(crate) use purse::Purse;

/// The most that the calls of a handle may spend.
///
/// ```
/// use s3db_core::budget::Budget;
///
/// assert_eq!(Budget::requests(10).to_string(), "10 requests");
/// assert_eq!(Budget::requests(10).and_dollars(0.01).to_string(), "10 requests and $0.01");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    requests: Option<u64>,
    dollars: Option<f64>,
}

impl Budget {
    /// So many requests, of whatever kind.
    pub const fn requests(requests: u64) -> Self {
        Self { requests: Some(requests), dollars: None }
    }

    /// So many US dollars, at the [prices of the database](crate::Database::prices). Where requests are free, that is no
    /// limit.
    pub const fn dollars(dollars: f64) -> Self {
        Self { requests: None, dollars: Some(dollars) }
    }

    /// Also no more than so many requests.
    #[must_use]
    pub const fn and_requests(mut self, requests: u64) -> Self {
        self.requests = Some(requests);
        self
    }

    /// Also no more than so many dollars.
    #[must_use]
    pub const fn and_dollars(mut self, dollars: f64) -> Self {
        self.dollars = Some(dollars);
        self
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.requests, self.dollars) {
            (Some(requests), Some(dollars)) => write!(f, "{requests} requests and {}", Dollars(dollars)),
            (Some(requests), None) => write!(f, "{requests} requests"),
            (None, Some(dollars)) => write!(f, "{}", Dollars(dollars)),
            (None, None) => f.write_str("no limit"),
        }
    }
}

impl Resource {
    /// A handle of this resource whose calls spend no more than `budget`, all together. Its clones spend from the same
    /// budget; the budgets of a handle that has one already hold too.
    ///
    /// A call that would spend more fails with [`ErrorKind::Budget`](crate::ErrorKind::Budget) before that request is
    /// sent. The error tells the budget, what was spent of it, and what was refused. Of a batch, each item was done or
    /// was not: [`BatchResult`](crate::resource::BatchResult) tells which.
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use s3db_core::budget::Budget;
    /// use s3db_core::{Database, ErrorKind, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let db = Database::connect("memory://shop/budget").await?;
    /// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
    ///
    /// let frugal = users.budget(Budget::requests(2));
    /// frugal.insert(json!({"id": "ann", "name": "Ann"})).await?;
    /// // An update needs a GET and a PUT, and one request is left.
    /// let refused = frugal.update("ann", json!({"name": "Anna"})).await.unwrap_err();
    /// assert_eq!(refused.kind(), ErrorKind::Budget);
    /// assert_eq!(refused.context("budget"), Some("2 requests"));
    /// assert_eq!(refused.context("spent"), Some("1 GET + 1 PUT"));
    /// assert_eq!(frugal.spent().to_string(), "1 GET + 1 PUT");
    /// # Ok(()) }) }
    /// ```
    pub fn budget(&self, budget: Budget) -> Self {
        let purse = Purse::new(budget, self.db.prices);
        self.layered(|layers| layers.budgets.push(purse))
    }

    /// What was spent of the budget of this handle, the one that was set last. Always nothing without one.
    pub fn spent(&self) -> Requests {
        self.layers.budgets.last().map_or(Requests::NONE, |purse| purse.spent())
    }
}
