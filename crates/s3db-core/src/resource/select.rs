//! Queries of some fields.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::query::Match;
use super::{Query, Unreadable};
use crate::op::QueryOutput;
use crate::plan::QueryPlan;
use crate::query::Filter;
use crate::{Document, Result};

/// A query of some fields, built by [`Query::select`].
#[derive(Debug, Clone)]
#[must_use = "a query does nothing until it is run"]
pub struct Select {
    pub(super) query: Query,
    pub(super) fields: Vec<String>,
}

/// Fields of one document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Row {
    /// Id of the document.
    pub id: String,
    /// The fields that were asked for, each under its path; those that the document lacks are left out.
    pub data: Document,
}

/// Rows in the order of the query, and the documents on the way that could not be read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Selection {
    /// A row for each match.
    pub rows: Vec<Row>,
    /// Unreadable documents; their errors say why.
    #[serde(skip)]
    pub unreadable: Vec<Unreadable>,
    /// Pass it on to get the next rows; `None` at the end.
    pub next_cursor: Option<String>,
}

impl Select {
    /// How the query will read: [`QueryPlan::is_covered`] says whether LIST alone will do. Sends nothing.
    ///
    /// Errors: `Config` for a bad filter.
    pub fn plan(&self) -> Result<QueryPlan> {
        self.query.plan_for(&self.query.parse()?, Some(&self.paths()))
    }

    /// Runs the query. What comes from references alone can be out of date after a crash of a writer, until `fsck`;
    /// [`Query::verified`] reads the documents.
    ///
    /// Requests and errors: LIST alone where the plan is covered, else those of [`Query::run`].
    pub async fn run(self) -> Result<Selection> {
        let Self { query, fields } = self;
        let Some(chain) = query.resource.chain() else {
            return Self { query, fields }.run_now().await;
        };
        let (resource, op) = query.call(QueryOutput::Fields(fields));
        chain.run(&resource, op).await?.selection()
    }

    pub(super) async fn run_now(self) -> Result<Selection> {
        let matches = self.query.matches(Some(&self.paths())).await?;
        let rows = matches.found.iter().map(|found| self.row(found)).collect();
        Ok(Selection { rows, unreadable: matches.unreadable, next_cursor: matches.next_cursor })
    }

    fn paths(&self) -> Vec<&str> {
        self.fields.iter().map(String::as_str).collect()
    }

    fn row(&self, found: &Match) -> Row {
        let id = found.id().to_owned();
        let mut data = Document::new();
        for path in &self.fields {
            let value = match (Filter::lookup(found.data(), path), path.as_str(), found) {
                (Some(value), _, _) => Some(value.clone()),
                (None, "id", _) => Some(Value::from(id.as_str())),
                (None, "_v", Match::Record(record)) => Some(Value::from(record.meta.version.as_str())),
                _ => None,
            };
            if let Some(value) = value {
                data.insert(path.clone(), value);
            }
        }
        Row { id, data }
    }
}
