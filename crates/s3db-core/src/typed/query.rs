//! Queries for values of a Rust type.

use super::{Expr, SortBy, Typed, TypedDocument, TypedPage};
use crate::query::Order;
use crate::resource::Query;
use crate::{Error, Result};

/// A query of one typed resource, built by [`Typed::query`].
#[derive(Debug)]
#[must_use = "a query does nothing until it is run"]
pub struct TypedQuery<T> {
    resource: Typed<T>,
    raw: std::result::Result<Query, Error>,
}

impl<T: TypedDocument> Typed<T> {
    /// Starts a query: `users.query(User::age().gt(30))`. Without more it returns every match in the order of ids.
    pub fn query(&self, filter: Expr<T>) -> TypedQuery<T> {
        let raw = filter.to_json().map(|filter| self.raw.query(filter));
        TypedQuery { resource: self.clone(), raw }
    }
}

impl<T: TypedDocument> TypedQuery<T> {
    /// Sorts by a field: `User::age().desc()`; calls add up. Ties are broken by id.
    pub fn sort(mut self, by: SortBy<T>) -> Self {
        let sign = if by.key.order == Order::Descending { "-" } else { "" };
        self.raw = self.raw.map(|query| query.sort(&format!("{sign}{}", by.key.path)));
        self
    }

    /// Most matches to return.
    pub fn limit(mut self, limit: usize) -> Self {
        self.raw = self.raw.map(|query| query.limit(limit));
        self
    }

    /// Goes on where a page ended.
    pub fn cursor(mut self, cursor: impl Into<String>) -> Self {
        self.raw = self.raw.map(|query| query.cursor(cursor));
        self
    }

    /// The query in JSON, with all that dynamic queries can do.
    ///
    /// Errors: `Config` when a value of the filter could not be serialised.
    pub fn dynamic(self) -> Result<Query> {
        self.raw
    }

    /// Runs the query. A match that does not fit the type is among the unreadable.
    ///
    /// Requests and errors: as [`Query::run`].
    pub async fn run(self) -> Result<TypedPage<T>> {
        Ok(self.resource.typed_page(self.raw?.run().await?))
    }
}
