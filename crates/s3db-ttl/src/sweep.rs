//! Looking for what is due.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use futures::{StreamExt as _, stream};
use s3db_core::plugin::Leadership;
use s3db_core::resource::ListOptions;
use s3db_core::{Database, Resource, Result};
use serde_json::json;

use crate::cohort;
use crate::expire::Outcome;
use crate::index::{COHORTS, Index, NotYet};
use crate::stats::Swept;

/// Entries that are looked at before anything else is asked.
const PAGE: usize = 1000;

/// Entries that are remembered as not due yet.
const NOT_YET_MAX: usize = 100_000;

/// Who may sweep.
#[derive(Debug)]
enum Right {
    /// Nobody says who: everybody may, since what is deleted is deleted under a condition.
    Anybody,
    Leader(std::sync::Arc<Leadership>, u64),
    Nobody,
}

impl Index {
    /// Looks at all that is due, of all resources or of one. Where a coordinator is installed, only its leader does.
    ///
    /// Requests: 1 LIST per 1,000 cohorts; where any has begun 1 PUT + 1 HEAD, and for each 1 LIST per 1,000 entries; 1 GET an
    /// entry whose deadline is not known yet; then those of the strategy, and a DELETE of many per 500 entries.
    pub(crate) async fn sweep(&self, only: Option<&str>) -> Result<Swept> {
        let _turn = self.turn.lock().await;
        let right = self.right();
        let mut swept = Swept::default();
        if matches!(right, Right::Nobody) {
            return Ok(swept);
        }
        let now_ms = self.context.env().now_ms();
        self.counters.with(|stats| {
            stats.sweeps += 1;
            stats.last_sweep_ms = Some(now_ms);
        });
        if only.is_none()
            && self.is_incomplete.swap(false, Ordering::SeqCst)
            && let Err(error) = self.reconcile_all().await
        {
            self.is_incomplete.store(true, Ordering::SeqCst);
            self.context.report("reconcile", &error);
        }
        let entries = self.entries()?;
        let begun = |folder: &String| cohort::start(folder).is_none_or(|start| start <= now_ms);
        let mut cohorts: Vec<String> =
            entries.partition_folders(COHORTS).await?.into_iter().filter(begun).collect();
        cohorts.sort_by_key(|folder| cohort::start(folder));
        if !cohorts.is_empty() {
            // A machine whose clock is ahead must end nothing early: the store's clock is asked too.
            let now_ms =
                now_ms.min(self.context.storage().store_time_ms("clock").await?.saturating_add(1_000));
            for cohort in cohorts {
                swept.add(self.sweep_cohort(&entries, &cohort, only, now_ms, &right).await?);
            }
        }
        self.counters.with(|stats| stats.swept.add(swept));
        let detail = serde_json::to_value(swept).unwrap_or_default();
        self.context.announce("sweep-completed", detail.as_object().cloned().unwrap_or_default());
        Ok(swept)
    }

    async fn sweep_cohort(
        &self,
        entries: &Resource,
        cohort: &str,
        only: Option<&str>,
        now_ms: i64,
        right: &Right,
    ) -> Result<Swept> {
        let db = self.context.database()?;
        let view = entries.partition(COHORTS, json!({"expiresAtCohort": cohort}))?;
        let (mut swept, mut after) = (Swept::default(), None);
        loop {
            // A process that was frozen must not go on with what it may no longer do.
            if let Right::Leader(leadership, epoch) = right
                && !leadership.confirm(*epoch).await?
            {
                return Ok(swept);
            }
            let ids = view.list_ids(ListOptions { limit: Some(PAGE), after: after.take() }).await?;
            let is_last = ids.len() < PAGE;
            after = ids.last().cloned();
            self.learn(&db, &ids).await?;
            let due = ids.into_iter().filter_map(|entry| {
                let (resource, id) = entry.split_once(':')?;
                // Entries of others are theirs.
                let is_own =
                    self.options.rules.contains_key(resource) && only.is_none_or(|only| only == resource);
                let (resource, id) = (is_own.then(|| db.resource(resource).ok()).flatten()?, id.to_owned());
                (!self.is_not_yet(&entry, now_ms)).then_some((entry, resource, id))
            });
            let looks = due.collect::<Vec<_>>().into_iter().map(|(entry, resource, id)| async move {
                let outcome = self.judge(entries, cohort, &resource, &id, now_ms).await;
                (entry, outcome)
            });
            let outcomes: Vec<_> =
                stream::iter(looks).buffer_unordered(self.options.parallelism).collect().await;
            let mut done = Vec::new();
            for (entry, outcome) in outcomes {
                match outcome {
                    Ok(Outcome::Done(one)) => {
                        swept.add(one);
                        done.push(entry);
                    }
                    Ok(Outcome::Refiled(one) | Outcome::Kept(one)) => swept.add(one),
                    Ok(Outcome::NotYet(deadline)) => self.remember(entry, deadline, now_ms),
                    Err(error) => {
                        swept.errors += 1;
                        self.context.report("sweep", &error.with("entry", entry));
                    }
                }
            }
            if !done.is_empty() {
                view.drop_documents(&done).await?;
            }
            if is_last {
                return Ok(swept);
            }
        }
    }

    /// Asks for the catalogue where entries are of resources that another process has made.
    async fn learn(&self, db: &Database, entries: &[String]) -> Result<()> {
        let is_unknown = |entry: &String| {
            let resource = entry.split_once(':').map(|(resource, _)| resource);
            resource.is_some_and(|name| self.options.rules.contains_key(name) && db.resource(name).is_err())
        };
        if entries.iter().any(is_unknown) {
            db.refresh().await?;
        }
        Ok(())
    }

    fn right(&self) -> Right {
        match self.context.service::<Leadership>("coordinator") {
            Err(_) => Right::Anybody,
            Ok(leadership) => match leadership.epoch() {
                Some(epoch) => Right::Leader(leadership, epoch),
                None => Right::Nobody,
            },
        }
    }

    /// Whether an entry was looked at not long ago and is not due.
    fn is_not_yet(&self, entry: &str, now_ms: i64) -> bool {
        let mut not_yet = self.not_yet.lock().unwrap_or_else(PoisonError::into_inner);
        let is_not_yet = not_yet.get(entry).is_some_and(|seen| now_ms < seen.deadline_ms.min(seen.again_ms));
        if !is_not_yet {
            not_yet.remove(entry);
        }
        is_not_yet
    }

    /// Another process can move the deadline forward unseen, so that an entry is looked at again before it is due: as often as
    /// s3db.js looks at cohorts of this size.
    fn remember(&self, entry: String, deadline_ms: i64, now_ms: i64) {
        let rule = entry.split_once(':').and_then(|(resource, _)| self.options.rules.get(resource));
        let pause = rule.map_or(0, |rule| rule.granularity().scan_every().as_millis());
        let again_ms = now_ms.saturating_add(i64::try_from(pause).unwrap_or(0));
        let mut not_yet = self.not_yet.lock().unwrap_or_else(PoisonError::into_inner);
        if not_yet.len() < NOT_YET_MAX {
            not_yet.insert(entry, NotYet { deadline_ms, again_ms });
        }
    }
}
