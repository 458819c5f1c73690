//! The index of deadlines, kept by the changes that this process commits.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use futures::future::select;
use s3db_core::database::Change;
use s3db_core::plugin::{ChangeBatch, ChangeSink, Context};
use s3db_core::{ErrorKind, Resource, Result};
use serde_json::json;
use tokio::sync::watch;

use crate::cohort::iso;
use crate::options::TtlOptions;
use crate::rule::TtlRule;
use crate::stats::Counters;

/// On whose behalf documents end.
pub(crate) const ACTOR: &str = "ttl";

/// The partition of the index.
pub(crate) const COHORTS: &str = "byExpiresAtCohort";

/// An entry that was looked at and is not due.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NotYet {
    pub(crate) deadline_ms: i64,
    /// When it is looked at again all the same.
    pub(crate) again_ms: i64,
}

/// What all parts share.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) context: Context,
    pub(crate) options: TtlOptions,
    pub(crate) name: String,
    pub(crate) counters: Counters,
    /// Whether an entry may be missing.
    pub(crate) is_incomplete: AtomicBool,
    /// Entries of cohorts that have begun and are not due yet, with their deadlines: looking at them again would tell nothing.
    pub(crate) not_yet: Mutex<HashMap<String, NotYet>>,
    pub(crate) turn: tokio::sync::Mutex<()>,
    missed: AtomicU64,
    /// Number of the last change that was followed.
    done: watch::Sender<u64>,
}

impl Index {
    pub(crate) fn new(context: Context, options: TtlOptions, name: String) -> Self {
        Self {
            context,
            options,
            name,
            counters: Counters::default(),
            is_incomplete: AtomicBool::new(true),
            not_yet: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            missed: AtomicU64::new(0),
            done: watch::Sender::new(0),
        }
    }

    /// The resource of the entries.
    pub(crate) fn entries(&self) -> Result<Resource> {
        self.context.database()?.resource(&self.name)
    }

    /// Makes the entry of a document, or files it anew. Requests: 2 PUT; 1 GET and 1 DELETE more when there is one.
    pub(crate) async fn file(
        &self,
        entries: &Resource,
        resource: &str,
        id: &str,
        rule: &TtlRule,
        deadline: i64,
    ) -> Result<()> {
        let granularity = rule.granularity();
        self.not_yet.lock().unwrap_or_else(PoisonError::into_inner).remove(&entry_id(resource, id));
        let entry = json!({
            "id": entry_id(resource, id), "resourceName": resource, "recordId": id,
            "expiresAtCohort": granularity.cohort(deadline)?, "expiresAtTimestamp": deadline,
            "granularity": granularity.as_str(), "createdAt": iso(self.context.env().now_ms()),
        });
        match entries.insert(entry.clone()).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => entries.upsert(entry).await.map(drop),
            done => done.map(drop),
        }
    }

    /// Takes the entry of a document away, where the deadline tells its place. Requests: 1 DELETE of many.
    pub(crate) async fn unfile(
        &self,
        entries: &Resource,
        resource: &str,
        id: &str,
        rule: &TtlRule,
        deadline: i64,
    ) -> Result<()> {
        let cohort = rule.granularity().cohort(deadline)?;
        let view = entries.partition(COHORTS, json!({"expiresAtCohort": cohort}))?;
        view.drop_documents(&[entry_id(resource, id)]).await
    }

    /// Waits until the changes so far are followed.
    pub(crate) async fn follow_up(&self) -> Result<()> {
        let db = self.context.database()?;
        let numbers =
            self.options.rules.keys().filter_map(|name| Some(db.resource(name).ok()?.last_change()));
        let last = numbers.max().unwrap_or(0);
        let mut done = self.done.subscribe();
        let shutdown = self.context.shutdown();
        let followed = pin!(done.wait_for(|done| *done >= last));
        let _ = select(followed, pin!(shutdown.requested())).await;
        Ok(())
    }

    async fn follow(&self, entries: &Resource, change: &Change) -> Result<()> {
        let Some(rule) = self.options.rules.get(&change.resource) else {
            return Ok(());
        };
        let created = change.before.is_none().then_some(change.at_ms);
        let before = change.before.as_ref().and_then(|data| rule.deadline(data, None));
        let after = change.after.as_ref().and_then(|data| rule.deadline(data, created));
        let (resource, id) = (change.resource.as_str(), change.id.as_str());
        let filed = match (before, after) {
            // What sweeps do they clear up themselves.
            (_, None) if change.actor.as_deref() == Some(ACTOR) => return Ok(()),
            // Moved later: the sweep that finds it too early files it anew, however often it has moved.
            (Some(before), Some(after)) if after >= before => return Ok(()),
            (_, Some(deadline)) => self.file(entries, resource, id, rule, deadline).await,
            (Some(before), None) => self.unfile(entries, resource, id, rule, before).await,
            (None, None) => return Ok(()),
        };
        match filed {
            Ok(()) => self.counters.with(|stats| stats.filed += 1),
            Err(error) if error.is_retryable() => return Err(error),
            // Nothing will come of trying again; looking for missing entries tries once a day.
            Err(error) => {
                self.counters.with(|stats| stats.unfiled += 1);
                self.is_incomplete.store(true, Ordering::SeqCst);
                self.context.report("index", &error.with("resource", resource).with("id", id));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl ChangeSink for Index {
    async fn deliver(&self, batch: &ChangeBatch) -> Result<()> {
        if self.missed.swap(batch.missed, Ordering::SeqCst) != batch.missed {
            self.is_incomplete.store(true, Ordering::SeqCst);
        }
        let entries = self.entries()?;
        for change in &batch.changes {
            if let Err(error) = self.follow(&entries, change).await {
                self.counters.with(|stats| stats.unfiled += 1);
                self.is_incomplete.store(true, Ordering::SeqCst);
                return Err(error);
            }
        }
        let last = batch.changes.iter().map(|change| change.number).max().unwrap_or(0);
        self.done.send_if_modified(|done| {
            let is_more = last > *done;
            *done = last.max(*done);
            is_more
        });
        Ok(())
    }
}

pub(crate) fn entry_id(resource: &str, id: &str) -> String {
    format!("{resource}:{id}")
}
