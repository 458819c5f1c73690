//! From changes to rows.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::future::select;
use futures::stream;
use s3db_core::database::Change;
use s3db_core::plugin::{ChangeBatch, ChangeSink, Context};
use s3db_core::{Database, Document, Error, Resource, Result};
use serde_json::json;
use tokio::sync::watch;

use crate::entry::{AuditEntry, Operation};
use crate::options::AuditOptions;
use crate::segment;
use crate::stats::Counters;

/// How often a row is tried.
const ATTEMPTS: u32 = 4;

/// The pause before the second try; it doubles.
const PAUSE: Duration = Duration::from_millis(50);

/// Rows that are written at the same time.
const PARALLELISM: usize = 32;

/// Failures that are remembered for writers who wait.
const FAILURES_MAX: usize = 4096;

/// Writes rows.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) context: Context,
    pub(crate) options: AuditOptions,
    pub(crate) resource_name: String,
    pub(crate) counters: Counters,
    rows: AtomicU64,
    /// Number of the last change whose row was written or given up.
    done: watch::Sender<u64>,
    failures: Mutex<VecDeque<Failure>>,
}

#[derive(Debug)]
struct Failure {
    number: u64,
    resource: String,
    why: String,
}

impl Writer {
    pub(crate) fn new(context: Context, options: AuditOptions, resource_name: String) -> Self {
        Self {
            context,
            options,
            resource_name,
            counters: Counters::default(),
            rows: AtomicU64::new(0),
            done: watch::Sender::new(0),
            failures: Mutex::default(),
        }
    }

    /// Whether changes of a resource get rows. `exclude` beats `include`, which alone decides where it is given; else
    /// resources of plugins are left out.
    pub(crate) fn covers(&self, name: &str, is_internal: impl FnOnce() -> bool) -> bool {
        let named = |names: &[String]| names.iter().any(|other| other == name);
        let AuditOptions { enabled, include, exclude, .. } = &self.options;
        *enabled
            && name != self.resource_name
            && !named(exclude)
            && if include.is_empty() { !is_internal() } else { named(include) }
    }

    /// Waits until the rows of all changes up to `number` are written or given up.
    ///
    /// Errors: that of a row after `from` of this resource that was given up.
    pub(crate) async fn written(&self, from: u64, number: u64, resource: &str) -> Result<()> {
        let mut done = self.done.subscribe();
        let shutdown = self.context.shutdown();
        // An audit that stops writes what waits, and takes nothing more: what comes then has no row to wait for.
        let written = pin!(done.wait_for(|done| *done >= number));
        let _ = select(written, pin!(shutdown.requested())).await;
        let failures = self.failures.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let is_own = |failure: &&Failure| {
            failure.number > from && failure.number <= number && failure.resource == resource
        };
        match failures.iter().find(is_own) {
            None => Ok(()),
            Some(failure) => Err(Error::new(
                s3db_core::ErrorKind::Unavailable,
                "the document was written, but its row of the audit was not",
            )
            .retryable(false)
            .outcome_unknown(false)
            .with("resource", resource)
            .with("why", &failure.why)
            .hint("look why the audit cannot be written; `strict: false` lets writes go on without it")),
        }
    }

    fn row(&self, db: &Database, change: &Change) -> Option<AuditEntry> {
        let resource: Option<Resource> = db.resource(&change.resource).ok();
        let is_internal = || match &resource {
            Some(resource) => resource.is_internal(),
            None => Context::is_internal_name(&change.resource),
        };
        if !self.covers(&change.resource, is_internal) {
            return None;
        }
        let number = self.rows.fetch_add(1, Ordering::Relaxed);
        let row =
            AuditEntry::of(change, resource.as_ref(), &self.options, self.context.env().as_ref(), number);
        let wanted = self.options.operations.is_empty() || self.options.operations.contains(&row.operation);
        wanted.then_some(row)
    }

    async fn put_row(&self, rows: &Resource, row: &AuditEntry) -> Result<()> {
        rows.insert(row.to_document()).await.map(drop)
    }

    /// Tries until it works, or has failed often enough. What is refused is not tried again.
    async fn patiently<F: Future<Output = Result<()>>>(&self, write: impl Fn() -> F) -> Result<()> {
        let mut attempt = 0;
        loop {
            let error = match write().await {
                Ok(()) => return Ok(()),
                // A try whose answer was lost has written it: ids are random.
                Err(error) if attempt > 0 && error.kind() == s3db_core::ErrorKind::AlreadyExists => {
                    return Ok(());
                }
                Err(error) => error,
            };
            attempt += 1;
            if attempt >= ATTEMPTS || !error.is_retryable() {
                return Err(error);
            }
            self.context.env().sleep(PAUSE * 2_u32.pow(attempt - 1)).await;
        }
    }

    fn has_failed(&self, number: u64, row: &AuditEntry, error: &Error) {
        Counters::add(&self.counters.failed, 1);
        self.context.report("row", error);
        let detail = json!({
            "resource": row.resource, "operation": row.operation.as_str(), "record_id": row.record_id,
            "error": error.to_string(),
        });
        let detail: Document = detail.as_object().cloned().unwrap_or_default();
        self.context.announce("audit-error", detail);
        let mut failures = self.failures.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if failures.len() >= FAILURES_MAX {
            failures.pop_front();
        }
        failures.push_back(Failure { number, resource: row.resource.clone(), why: error.to_string() });
    }
}

#[async_trait]
impl ChangeSink for Writer {
    async fn deliver(&self, batch: &ChangeBatch) -> Result<()> {
        let db = self.context.database()?;
        let last = batch.changes.iter().map(|change| change.number).max().unwrap_or(0);
        let rows = batch.changes.iter().filter_map(|change| Some((change.number, self.row(&db, change)?)));
        let rows: Vec<(u64, AuditEntry)> = rows.collect();
        if self.options.segments {
            let entries: Vec<AuditEntry> = rows.iter().map(|(_, row)| row.clone()).collect();
            match self.patiently(|| segment::write(self.context.storage(), &entries)).await {
                Ok(()) if entries.is_empty() => {}
                Ok(()) => {
                    Counters::add(&self.counters.segments, 1);
                    Counters::add(&self.counters.written, entries.len());
                }
                Err(error) => rows.iter().for_each(|(number, row)| self.has_failed(*number, row, &error)),
            }
        } else if !rows.is_empty() {
            let own = &db.resource(&self.resource_name);
            let write = |(number, row): (u64, AuditEntry)| async move {
                let written = match own {
                    Ok(own) => self.patiently(|| self.put_row(own, &row)).await,
                    Err(error) => Err(error.clone()),
                };
                match written {
                    Ok(()) => Counters::add(&self.counters.written, 1),
                    Err(error) => self.has_failed(number, &row, &error),
                }
            };
            stream::iter(rows).for_each_concurrent(PARALLELISM, write).await;
        }
        self.done.send_if_modified(|done| {
            let is_more = last > *done;
            *done = last.max(*done);
            is_more
        });
        Ok(())
    }
}

/// For tests and people: the names of all operations.
pub(crate) fn operations() -> Vec<String> {
    Operation::ALL.iter().map(ToString::to_string).collect()
}

pub(crate) type Shared = Arc<Writer>;
