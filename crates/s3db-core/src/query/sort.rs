//! The order of query results.

use std::cmp::Ordering;

use serde_json::Value;

use super::compare::total;
use super::filter::lookup;
use crate::Document;

/// Direction of a sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Smallest first; absent before null before values.
    #[default]
    Ascending,
    /// Largest first.
    Descending,
}

/// One field to sort by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    /// Dotted path, or `id`.
    pub path: String,
    /// Direction.
    pub order: Order,
}

impl SortKey {
    /// `path` sorts up, `-path` sorts down.
    ///
    /// ```
    /// use s3db_core::query::{Order, SortKey};
    ///
    /// assert_eq!(SortKey::parse("-age").order, Order::Descending);
    /// ```
    pub fn parse(text: &str) -> Self {
        match text.strip_prefix('-') {
            Some(path) => Self { path: path.to_owned(), order: Order::Descending },
            None => Self { path: text.to_owned(), order: Order::Ascending },
        }
    }
}

/// The values of a document that a sort looks at, and its id, which breaks ties.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Position {
    pub(crate) values: Vec<Option<Value>>,
    pub(crate) id: String,
}

impl Position {
    /// `version` is that of the document's definition, where it is known.
    pub(crate) fn of(keys: &[SortKey], id: &str, version: Option<&str>, document: &Document) -> Self {
        let value = |key: &SortKey| match key.path.as_str() {
            "id" => Some(Value::String(id.to_owned())),
            "_v" if version.is_some() => version.map(Value::from),
            path => lookup(document, path).cloned(),
        };
        Self { values: keys.iter().map(value).collect(), id: id.to_owned() }
    }

    pub(crate) fn compare(&self, other: &Self, keys: &[SortKey]) -> Ordering {
        let by_key = keys.iter().zip(self.values.iter().zip(&other.values)).map(|(key, (a, b))| {
            let order = total(a.as_ref(), b.as_ref());
            if key.order == Order::Descending { order.reverse() } else { order }
        });
        by_key.into_iter().find(|order| order.is_ne()).unwrap_or_else(|| self.id.cmp(&other.id))
    }
}
