//! Reading rows, and deleting old ones.

use std::collections::BTreeMap;

use s3db_core::resource::ListOptions;
use s3db_core::{ErrorKind, Record, Resource, Result};
use serde::Serialize;
use serde_json::json;

use super::row::{iso, time_of};
use super::{ErrorRow, NAMES, OperationRow, Rows};

/// Rows that a query gives unless told otherwise.
const LIMIT: usize = 100;

/// Rows that are read at once.
const CHUNK: usize = 100;

const DAY_MS: i64 = 86_400_000;

/// Days that are listed one by one. More are cheaper to list as a whole.
const DAYS_MAX: i64 = 31;

/// Which rows, newest first.
///
/// ```
/// use s3db_metrics::MetricsQuery;
///
/// let query = MetricsQuery::new().resource("users").operation("get").limit(10);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricsQuery {
    resource: Option<String>,
    operation: Option<String>,
    since_ms: Option<i64>,
    until_ms: Option<i64>,
    limit: usize,
    offset: usize,
}

impl Default for MetricsQuery {
    fn default() -> Self {
        Self { resource: None, operation: None, since_ms: None, until_ms: None, limit: LIMIT, offset: 0 }
    }
}

impl MetricsQuery {
    /// The newest 100 rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Of one resource.
    #[must_use]
    pub fn resource(mut self, name: impl Into<String>) -> Self {
        self.resource = Some(name.into());
        self
    }

    /// Of one verb.
    #[must_use]
    pub fn operation(mut self, verb: impl Into<String>) -> Self {
        self.operation = Some(verb.into());
        self
    }

    /// Written from this time on, in milliseconds since 1970.
    #[must_use]
    pub fn since_ms(mut self, at_ms: i64) -> Self {
        self.since_ms = Some(at_ms);
        self
    }

    /// Written before this time, in milliseconds since 1970.
    #[must_use]
    pub fn until_ms(mut self, at_ms: i64) -> Self {
        self.until_ms = Some(at_ms);
        self
    }

    /// Most rows.
    #[must_use]
    pub fn limit(mut self, rows: usize) -> Self {
        self.limit = rows;
        self
    }

    /// Rows that are passed over.
    #[must_use]
    pub fn offset(mut self, rows: usize) -> Self {
        self.offset = rows;
        self
    }

    fn takes(&self, resource: &str, operation: &str) -> bool {
        self.resource.as_ref().is_none_or(|name| name == resource)
            && self.operation.as_ref().is_none_or(|verb| verb == operation)
    }

    fn takes_time(&self, id: &str) -> bool {
        time_of(id).is_none_or(|at| {
            self.since_ms.is_none_or(|since| at >= since) && self.until_ms.is_none_or(|until| at < until)
        })
    }
}

/// Calls that rows tell of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StoredCalls {
    /// How many.
    pub count: u64,
    /// Of these, failures.
    pub errors: u64,
    /// Mean, in milliseconds.
    pub avg_time: f64,
}

/// The calls of a day by all processes, as their rows tell. Serialised with the names of s3db.js.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct StoredStats {
    /// `24h`.
    pub period: String,
    /// Calls.
    pub total_operations: u64,
    /// Of these, failures.
    pub total_errors: u64,
    /// Mean, in milliseconds.
    pub avg_response_time: f64,
    /// By verb.
    pub operations_by_type: BTreeMap<String, StoredCalls>,
    /// By resource.
    pub resources: BTreeMap<String, StoredCalls>,
}

impl StoredCalls {
    fn add(&mut self, row: &OperationRow) {
        let total = self.avg_time * self.count as f64 + row.total_time;
        self.count += row.count;
        self.errors += row.errors;
        self.avg_time = if self.count == 0 { 0.0 } else { total / self.count as f64 };
    }
}

impl Rows {
    /// Rows of calls, newest first.
    pub(crate) async fn operations(&self, query: &MetricsQuery) -> Result<Vec<OperationRow>> {
        let read = |record: &Record| OperationRow::read(&record.id, &record.data);
        let takes = |row: &OperationRow| query.takes(&row.resource_name, &row.operation);
        self.find(NAMES[0], query, read, takes).await
    }

    /// Rows of failures, newest first.
    pub(crate) async fn errors(&self, query: &MetricsQuery) -> Result<Vec<ErrorRow>> {
        let read = |record: &Record| ErrorRow::read(&record.id, &record.data);
        let takes = |row: &ErrorRow| query.takes(&row.resource_name, &row.operation);
        self.find(NAMES[1], query, read, takes).await
    }

    /// The sums of the last 24 hours.
    pub(crate) async fn stats(&self) -> Result<StoredStats> {
        let since = self.context.env().now_ms().saturating_sub(DAY_MS);
        let rows = self.operations(&MetricsQuery::new().since_ms(since).limit(usize::MAX)).await?;
        let mut stats = StoredStats { period: "24h".to_owned(), ..StoredStats::default() };
        let mut all = StoredCalls::default();
        // s3db.js has each call twice: for its resource, and in this sum.
        for row in rows.iter().filter(|row| row.resource_name != "global") {
            all.add(row);
            stats.operations_by_type.entry(row.operation.clone()).or_default().add(row);
            stats.resources.entry(row.resource_name.clone()).or_default().add(row);
        }
        (stats.total_operations, stats.total_errors) = (all.count, all.errors);
        stats.avg_response_time = all.avg_time;
        Ok(stats)
    }

    /// Deletes rows of days that are longer ago. Returns their number.
    pub(crate) async fn cleanup(&self, days: u32) -> Result<u64> {
        let before = self.context.env().now_ms().saturating_sub(i64::from(days).saturating_mul(DAY_MS));
        let first = day(before);
        let mut deleted = 0;
        for name in NAMES {
            let Some(rows) = self.resource(name)? else {
                continue;
            };
            for folder in rows.partition_folders("byDate").await?.into_iter().filter(|day| *day < first) {
                let of_day = rows.partition("byDate", json!({"createdAt": folder}))?;
                let ids = of_day.list_ids(ListOptions::default()).await?;
                of_day.drop_documents(&ids).await?;
                deleted += ids.len() as u64;
            }
        }
        Ok(deleted)
    }

    async fn find<T>(
        &self,
        name: &str,
        query: &MetricsQuery,
        read: impl Fn(&Record) -> T,
        takes: impl Fn(&T) -> bool,
    ) -> Result<Vec<T>> {
        let Some(own) = self.resource(name)? else {
            return Ok(Vec::new());
        };
        let mut ids = self.ids(&own, query).await?;
        ids.retain(|id| query.takes_time(id));
        ids.sort_by_key(|id| (std::cmp::Reverse(time_of(id).unwrap_or(0)), id.clone()));
        let (wanted, mut rows) = (query.offset.saturating_add(query.limit), Vec::new());
        for some in ids.chunks(CHUNK) {
            if rows.len() >= wanted {
                break;
            }
            let batch = own.get_many(some.iter().cloned()).await;
            let is_real = |error: &ErrorKind| *error != ErrorKind::NotFound;
            if let Some(failed) = batch.failed.into_iter().find(|failed| is_real(&failed.error.kind())) {
                return Err(failed.error);
            }
            // `get_many` keeps the order of the ids.
            rows.extend(batch.ok.iter().map(&read).filter(&takes));
        }
        Ok(rows.into_iter().skip(query.offset).take(query.limit).collect())
    }

    async fn ids(&self, own: &Resource, query: &MetricsQuery) -> Result<Vec<String>> {
        let end = query.until_ms.unwrap_or_else(|| self.context.env().now_ms().saturating_add(DAY_MS));
        let Some(since) = query.since_ms.filter(|since| end.saturating_sub(*since) / DAY_MS <= DAYS_MAX)
        else {
            return own.list_ids(ListOptions::default()).await;
        };
        let (mut ids, mut at, last) = (Vec::new(), since, day(end));
        loop {
            let of = day(at);
            let is_last = of >= last;
            let partition = own.partition("byDate", json!({"createdAt": of}))?;
            ids.extend(partition.list_ids(ListOptions::default()).await?);
            if is_last {
                return Ok(ids);
            }
            at = at.saturating_add(DAY_MS);
        }
    }

    /// The resource of rows, where anybody has made it.
    fn resource(&self, name: &str) -> Result<Option<Resource>> {
        match self.context.resource(name) {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn day(at_ms: i64) -> String {
    iso(at_ms).get(..10).unwrap_or_default().to_owned()
}
