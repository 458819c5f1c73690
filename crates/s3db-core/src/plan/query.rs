//! How a query reads: by ids, or by a scan. Pure.

use std::fmt;

use serde_json::Value;

use crate::query::Filter;

/// Where a query finds its candidates. Every candidate is checked against the whole filter.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueryPlan {
    /// One document by its id: 1 GET.
    Id(String),
    /// All documents: 1 LIST per 1,000 ids and 1 GET a document.
    Scan,
}

impl QueryPlan {
    /// Chooses the cheapest source that holds every match of `filter`.
    pub fn choose(filter: &Filter) -> Self {
        let id = filter.equalities().find_map(|(path, value)| match value {
            Value::String(id) if path == "id" => Some(id.clone()),
            _ => None,
        });
        id.map_or(Self::Scan, Self::Id)
    }
}

impl fmt::Display for QueryPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "GET id={id}"),
            Self::Scan => f.write_str("LIST all ids, GET each document"),
        }
    }
}
