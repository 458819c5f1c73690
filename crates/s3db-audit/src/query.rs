//! Reading rows.

use std::collections::BTreeMap;

use s3db_core::resource::ListOptions;
use s3db_core::{Document, Error, ErrorKind, Resource, Result};
use serde::Serialize;
use serde_json::{Value, json};

use crate::entry::{AuditEntry, Operation, day, time_of};
use crate::segment;
use crate::stats::Counters;
use crate::writer::Writer;

/// Rows that are read at once.
const CHUNK: usize = 100;

/// Rows that are given unless another number is asked for.
const LIMIT: usize = 100;

const DAY_MS: i64 = 86_400_000;

/// Which rows, oldest first.
///
/// ```
/// use s3db_audit::{AuditQuery, Operation};
///
/// let query = AuditQuery::new().resource("users").operation(Operation::Delete).since_day("2026-01-01").limit(500);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AuditQuery {
    /// Of this resource.
    pub resource: Option<String>,
    /// Of this operation.
    pub operation: Option<Operation>,
    /// Of this document.
    pub record_id: Option<String>,
    /// On behalf of this user.
    pub user: Option<String>,
    /// Of documents in this partition, with these values.
    pub partition: Option<(String, Document)>,
    /// From this time on: milliseconds since 1970, or a day `2026-01-31`, from its beginning.
    pub since: Option<String>,
    /// Until this time: milliseconds since 1970, not itself; or a day, to its end.
    pub until: Option<String>,
    /// Most rows; 100 by default.
    pub limit: usize,
    /// Rows that are passed over.
    pub offset: usize,
}

impl Default for AuditQuery {
    fn default() -> Self {
        Self {
            resource: None,
            operation: None,
            record_id: None,
            user: None,
            partition: None,
            since: None,
            until: None,
            limit: LIMIT,
            offset: 0,
        }
    }
}

impl AuditQuery {
    /// All rows, the first 100 of them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Of one resource.
    #[must_use]
    pub fn resource(mut self, name: impl Into<String>) -> Self {
        self.resource = Some(name.into());
        self
    }

    /// Of one operation.
    #[must_use]
    pub fn operation(mut self, operation: Operation) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Of one document.
    #[must_use]
    pub fn record_id(mut self, id: impl Into<String>) -> Self {
        self.record_id = Some(id.into());
        self
    }

    /// On behalf of one user.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Of documents that had these values in a partition.
    #[must_use]
    pub fn partition(mut self, name: impl Into<String>, values: Document) -> Self {
        self.partition = Some((name.into(), values));
        self
    }

    /// From a time on, in milliseconds since 1970.
    #[must_use]
    pub fn since_ms(mut self, at_ms: i64) -> Self {
        self.since = Some(at_ms.to_string());
        self
    }

    /// From the beginning of a day on, as `2026-01-31`, in UTC.
    #[must_use]
    pub fn since_day(mut self, day: impl Into<String>) -> Self {
        self.since = Some(day.into());
        self
    }

    /// Until a time, not itself, in milliseconds since 1970.
    #[must_use]
    pub fn until_ms(mut self, at_ms: i64) -> Self {
        self.until = Some(at_ms.to_string());
        self
    }

    /// To the end of a day, as `2026-01-31`, in UTC.
    #[must_use]
    pub fn until_day(mut self, day: impl Into<String>) -> Self {
        self.until = Some(day.into());
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

    fn takes(&self, row: &AuditEntry, since: Option<i64>, until: Option<i64>) -> bool {
        let partition = |(name, values): &(String, Document)| {
            let own = row.partitions.get(name).and_then(Value::as_object);
            own.is_some_and(|own| values.iter().all(|(field, value)| own.get(field) == Some(value)))
        };
        self.resource.as_ref().is_none_or(|name| *name == row.resource)
            && self.operation.as_ref().is_none_or(|operation| *operation == row.operation)
            && self.record_id.as_ref().is_none_or(|id| *id == row.record_id)
            && self.user.as_ref().is_none_or(|user| *user == row.user)
            && self.partition.as_ref().is_none_or(partition)
            && since.is_none_or(|since| row.at_ms >= since)
            && until.is_none_or(|until| row.at_ms < until)
    }
}

/// Numbers of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditSummary {
    /// Of all.
    pub total: u64,
    /// By operation.
    pub by_operation: BTreeMap<String, u64>,
    /// By resource.
    pub by_resource: BTreeMap<String, u64>,
    /// By partition that the document was in.
    pub by_partition: BTreeMap<String, u64>,
    /// By user.
    pub by_user: BTreeMap<String, u64>,
    /// By day, in UTC.
    pub timeline: BTreeMap<String, u64>,
}

impl Writer {
    /// Rows, oldest first.
    ///
    /// Requests: 1 LIST per 1,000 rows of the resource, of the days, or of all; 1 GET for each row that is looked at.
    pub(crate) async fn rows(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>> {
        let (since, until) = (time("since", &query.since, false)?, time("until", &query.until, true)?);
        let wanted = query.offset.saturating_add(query.limit);
        let takes = |row: &AuditEntry| query.takes(row, since, until);
        let mut rows = Vec::new();
        let own = self.context.database()?.resource(&self.resource_name)?;
        let ids = self.ids(&own, query, since, until).await?;
        for some in ids.chunks(CHUNK) {
            if rows.len() >= wanted {
                break;
            }
            let batch = own.get_many(some.iter().cloned()).await;
            if let Some(failed) =
                batch.failed.into_iter().find(|failed| failed.error.kind() != ErrorKind::NotFound)
            {
                return Err(failed.error);
            }
            rows.extend(batch.ok.iter().map(AuditEntry::read).filter(takes));
        }
        let mut taken = 0;
        for key in segment::keys(self.context.storage(), since, until).await? {
            // Each kind is in order: of neither more than `wanted` can be among the first.
            if taken >= wanted {
                break;
            }
            let some: Vec<_> =
                segment::read(self.context.storage(), &key).await?.into_iter().filter(takes).collect();
            taken += some.len();
            rows.extend(some);
        }
        rows.sort_by(|a, b| (a.at_ms, &a.id).cmp(&(b.at_ms, &b.id)));
        Ok(rows.into_iter().skip(query.offset).take(query.limit).collect())
    }

    /// Ids of rows that may fit, oldest first.
    async fn ids(
        &self,
        own: &Resource,
        query: &AuditQuery,
        since: Option<i64>,
        until: Option<i64>,
    ) -> Result<Vec<String>> {
        let all = ListOptions::default;
        let mut ids = match &query.resource {
            Some(resource) => {
                let partition = own.partition("byResource", json!({"resourceName": resource}))?;
                partition.list_ids(all()).await?
            }
            None => match since {
                Some(since) => {
                    let end = until.unwrap_or_else(|| self.context.env().now_ms().saturating_add(DAY_MS));
                    self.ids_of_days(own, since, end).await?
                }
                None => own.list_ids(all()).await?,
            },
        };
        // What does not tell its time by its id is looked at.
        let fits = |id: &String| {
            time_of(id).is_none_or(|at| {
                since.is_none_or(|since| at >= since) && until.is_none_or(|until| at < until)
            })
        };
        ids.retain(fits);
        ids.sort_by_key(|id| (time_of(id).unwrap_or(0), id.clone()));
        Ok(ids)
    }

    async fn ids_of_days(&self, own: &Resource, since: i64, end: i64) -> Result<Vec<String>> {
        // More days than that are cheaper to list as a whole.
        const DAYS_MAX: i64 = 31;
        if end.saturating_sub(since) / DAY_MS > DAYS_MAX {
            return own.list_ids(ListOptions::default()).await;
        }
        let (mut ids, mut at) = (Vec::new(), since);
        let last = day(end);
        loop {
            let of = day(at);
            let partition = own.partition("byDate", json!({"createdAt": of}))?;
            ids.extend(partition.list_ids(ListOptions::default()).await?);
            if of >= last {
                return Ok(ids);
            }
            at = at.saturating_add(DAY_MS);
        }
    }

    /// Numbers of the rows that a query takes, whatever its limit.
    pub(crate) async fn summary(&self, query: &AuditQuery) -> Result<AuditSummary> {
        let query = AuditQuery { limit: usize::MAX, offset: 0, ..query.clone() };
        let mut summary = AuditSummary::default();
        for row in self.rows(&query).await? {
            let add =
                |map: &mut BTreeMap<String, u64>, name: &str| *map.entry(name.to_owned()).or_default() += 1;
            summary.total += 1;
            add(&mut summary.by_operation, row.operation.as_str());
            add(&mut summary.by_resource, &row.resource);
            add(&mut summary.by_user, &row.user);
            add(&mut summary.timeline, &day(row.at_ms));
            row.partitions.keys().for_each(|name| add(&mut summary.by_partition, name));
        }
        Ok(summary)
    }

    /// Deletes rows that are older. Returns their number.
    ///
    /// Requests: 1 LIST per 1,000 rows; for each row that is deleted 1 GET, and its part of a DELETE of many.
    pub(crate) async fn cleanup(&self, days: u32) -> Result<u64> {
        let before = self.context.env().now_ms().saturating_sub(i64::from(days).saturating_mul(DAY_MS));
        let own = self.context.database()?.resource(&self.resource_name)?;
        let ids = own.list_ids(ListOptions::default()).await?;
        let old: Vec<String> =
            ids.into_iter().filter(|id| time_of(id).is_some_and(|at| at < before)).collect();
        let mut deleted = 0;
        for some in old.chunks(1000) {
            let batch = own.delete_many(some.iter().cloned()).await;
            deleted += batch.ok.len();
            if let Some(failed) = batch.failed.into_iter().next() {
                Counters::add(&self.counters.deleted, deleted);
                return Err(failed.error);
            }
        }
        for key in segment::keys(self.context.storage(), None, Some(before)).await? {
            // Its last row may be younger than its first.
            let rows = segment::read(self.context.storage(), &key).await?;
            if rows.iter().all(|row| row.at_ms < before) {
                self.context.storage().delete(&key).await?;
                deleted += rows.len();
            }
        }
        Counters::add(&self.counters.deleted, deleted);
        Ok(deleted as u64)
    }
}

/// A time that was given as milliseconds or as a day.
fn time(option: &str, given: &Option<String>, is_end: bool) -> Result<Option<i64>> {
    let Some(given) = given else {
        return Ok(None);
    };
    if let Ok(at_ms) = given.parse::<i64>() {
        return Ok(Some(at_ms));
    }
    let wrong = || {
        Error::new(ErrorKind::Validation, "the time is none")
            .with("option", option)
            .with("value", given)
            .hint("milliseconds since 1970, or a day such as 2026-01-31")
    };
    let midnight: jiff::Timestamp = format!("{given}T00:00:00Z").parse().map_err(|_| wrong())?;
    let at_ms = midnight.as_millisecond();
    Ok(Some(if is_end { at_ms.saturating_add(DAY_MS) } else { at_ms }))
}
