//! Queries.

use futures::StreamExt as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::list::Scanned;
use super::{Page, Record, Resource};
use crate::Result;
use crate::plan::QueryPlan;
use crate::query::{Cursor, Filter, Position, SortKey};

/// A query of one resource, built by [`Resource::query`].
#[derive(Debug, Clone)]
#[must_use = "a query does nothing until it is run"]
pub struct Query {
    resource: Resource,
    filter: Value,
    sort: Vec<SortKey>,
    limit: Option<usize>,
    cursor: Option<String>,
}

impl Resource {
    /// Starts a query; see [`Filter`] for the language. Without more it returns every match in the order of ids.
    pub fn query(&self, filter: Value) -> Query {
        Query { resource: self.clone(), filter, sort: Vec::new(), limit: None, cursor: None }
    }
}

impl Query {
    /// Sorts by a field, `-field` for largest first; calls add up. Ties are broken by id.
    ///
    /// A sorted query reads every candidate before it returns; with a limit it keeps no more than twice that many.
    pub fn sort(mut self, field: &str) -> Self {
        self.sort.push(SortKey::parse(field));
        self
    }

    /// Most matches to return.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Goes on where a page ended.
    pub fn cursor(mut self, cursor: impl Into<String>) -> Self {
        self.cursor = Some(cursor.into());
        self
    }

    /// How the query will read. Sends nothing.
    ///
    /// Errors: `Config` for a bad filter.
    pub fn plan(&self) -> Result<QueryPlan> {
        Ok(QueryPlan::choose(&Filter::parse(&self.filter)?))
    }

    /// Runs the query.
    ///
    /// [`Page::next_cursor`] is set when there are more matches.
    ///
    /// Requests: 1 GET when the filter names an id; else 1 LIST per 1,000 ids and 1 GET a candidate.
    /// Errors: `Config` for a bad filter or a cursor of another query.
    pub async fn run(self) -> Result<Page> {
        let filter =
            Filter::parse(&self.filter).map_err(|error| error.with("resource", self.resource.name()))?;
        let scope = self.scope();
        let start = self.cursor.as_deref().map(|cursor| Cursor::decode(cursor, &scope)).transpose()?;
        if self.limit == Some(0) {
            return Ok(Page::default());
        }
        match QueryPlan::choose(&filter) {
            QueryPlan::Id(id) => self.by_id(&filter, id, start).await,
            QueryPlan::Scan if self.sort.is_empty() => self.in_id_order(&filter, scope, start).await,
            QueryPlan::Scan => self.sorted(&filter, scope, start).await,
        }
    }

    async fn by_id(&self, filter: &Filter, id: String, start: Option<Position>) -> Result<Page> {
        let mut page = Page::default();
        if start.is_none()
            && let Some(record) = self.resource.get_or_none(&id).await?
            && filter.matches(&record.id, &record.data)
        {
            page.records.push(record);
        }
        Ok(page)
    }

    async fn in_id_order(&self, filter: &Filter, scope: String, start: Option<Position>) -> Result<Page> {
        let limit = self.limit.unwrap_or(usize::MAX);
        let parallelism = self.resource.db.options.parallelism;
        // With nothing to filter each document is a match, so that no more than the limit need be fetched.
        let (scan_limit, parallelism) = if filter.is_all() {
            (limit.saturating_add(1), parallelism.min(limit))
        } else {
            (usize::MAX, parallelism)
        };
        let mut page = Page::default();
        let mut documents = std::pin::pin!(self.resource.scan(start.map(|s| s.id), scan_limit, parallelism));
        while let Some(scanned) = documents.next().await {
            match scanned? {
                Scanned::Unreadable(unreadable) => page.unreadable.push(unreadable),
                Scanned::Record(record) if !filter.matches(&record.id, &record.data) => {}
                Scanned::Record(_) if page.records.len() == limit => {
                    page.next_cursor = page.records.last().map(|last| cursor_at(&scope, last, &self.sort));
                    break;
                }
                Scanned::Record(record) => page.records.push(record),
            }
        }
        Ok(page)
    }

    async fn sorted(&self, filter: &Filter, scope: String, start: Option<Position>) -> Result<Page> {
        let keep = self.limit.map_or(usize::MAX, |limit| limit.saturating_add(1));
        let parallelism = self.resource.db.options.parallelism;
        let mut page = Page::default();
        let mut matches: Vec<(Position, Record)> = Vec::new();
        let mut documents = std::pin::pin!(self.resource.scan(None, usize::MAX, parallelism));
        while let Some(scanned) = documents.next().await {
            let record = match scanned? {
                Scanned::Unreadable(unreadable) => {
                    page.unreadable.push(unreadable);
                    continue;
                }
                Scanned::Record(record) => record,
            };
            if !filter.matches(&record.id, &record.data) {
                continue;
            }
            let position = Position::of(&self.sort, &record.id, &record.data);
            if start.as_ref().is_some_and(|start| position.compare(start, &self.sort).is_le()) {
                continue;
            }
            matches.push((position, record));
            if matches.len() >= keep.saturating_mul(2) {
                self.keep_first(&mut matches, keep);
            }
        }
        self.keep_first(&mut matches, keep);
        if let Some(limit) = self.limit
            && matches.len() > limit
        {
            matches.truncate(limit);
            page.next_cursor = matches.last().map(|(_, last)| cursor_at(&scope, last, &self.sort));
        }
        page.records = matches.into_iter().map(|(_, record)| record).collect();
        Ok(page)
    }

    fn keep_first(&self, matches: &mut Vec<(Position, Record)>, keep: usize) {
        matches.sort_by(|(a, _), (b, _)| a.compare(b, &self.sort));
        matches.truncate(keep);
    }

    /// What a cursor is bound to: resource, filter and order.
    fn scope(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.filter.to_string());
        for key in &self.sort {
            hash.update(format!("{key:?}"));
        }
        format!("query:{}:{}", self.resource.name(), hex::encode(&hash.finalize()[..8]))
    }
}

fn cursor_at(scope: &str, record: &Record, sort: &[SortKey]) -> String {
    Cursor::new(scope.to_owned(), Position::of(sort, &record.id, &record.data)).encode()
}
