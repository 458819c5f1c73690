//! Queries, explained.

use super::handle::with_refusals;
use super::{Explanation, QueryExplanation};
use crate::plan::QueryPlan;
use crate::resource::Query;
use crate::{ErrorKind, Result};

/// A query that is explained and not run, built by [`Explain::query`](super::Explain::query).
#[derive(Debug, Clone)]
#[must_use = "it explains nothing until it is run"]
pub struct ExplainQuery {
    query: Query,
}

impl ExplainQuery {
    pub(super) fn new(query: Query) -> Self {
        Self { query }
    }

    /// As [`Query::sort`].
    pub fn sort(self, field: &str) -> Self {
        Self { query: self.query.sort(field) }
    }

    /// As [`Query::limit`].
    pub fn limit(self, limit: usize) -> Self {
        Self { query: self.query.limit(limit) }
    }

    /// As [`Query::cursor`].
    pub fn cursor(self, cursor: impl Into<String>) -> Self {
        Self { query: self.query.cursor(cursor) }
    }

    /// Explains the query. Errors: as [`Query::explain`].
    pub async fn run(self) -> Result<Explanation> {
        self.query.explain().await
    }
}

impl Query {
    /// Says how the query would read, and what that costs. The ids of the candidates are listed for that; no document is
    /// read.
    ///
    /// Of a query that stops at its limit, [`Explanation::at_most`] is set: it stops when it has found enough matches,
    /// and which documents match is not known before they are read.
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use s3db_core::{Database, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let db = Database::connect("memory://shop/explain-query").await?;
    /// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
    /// users.insert_many([json!({"name": "Ann"}), json!({"name": "Bob"})]).await;
    ///
    /// let plan = users.query(json!({"name": "Ann"})).explain().await?;
    /// assert_eq!(plan.requests.to_string(), "2 GET + 1 LIST");
    /// # Ok(()) }) }
    /// ```
    ///
    /// Requests: the listings of the query. Errors: `Config` for a bad filter or cursor, and those of the store.
    pub async fn explain(self) -> Result<Explanation> {
        let plan = self.plan()?;
        let (resource, rehearsal) = self.resource().rehearsed();
        rehearsal.skip_documents();
        let at_most = self.may_stop_early() && matches!(plan, QueryPlan::Partition(_) | QueryPlan::Scan);
        let refused = match self.on(resource).run().await {
            Err(error) if error.kind() == ErrorKind::Config => return Err(error),
            result => result.err(),
        };
        let mut explanation = with_refusals(rehearsal.explanation(), refused)?;
        explanation.at_most = at_most;
        explanation.query = Some(QueryExplanation {
            why: why(&plan),
            plan,
            pages: explanation.requests.list,
            fetches: explanation.requests.get,
        });
        Ok(explanation)
    }
}

fn why(plan: &QueryPlan) -> String {
    match plan {
        QueryPlan::Id(_) => "the filter names an id, which at most one document has".to_owned(),
        QueryPlan::Ids => "nothing but ids is asked for, and keys tell them".to_owned(),
        QueryPlan::Partition(plan) if plan.is_covered() => {
            format!("the keys of {} hold all that is asked for", plan.partition())
        }
        QueryPlan::Partition(plan) => format!("{} holds every match, and fewer others", plan.partition()),
        QueryPlan::Scan => "no partition holds every match, so that every document is a candidate".to_owned(),
    }
}
