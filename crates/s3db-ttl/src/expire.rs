//! One document whose entry is looked at.

use s3db_core::{ErrorKind, Record, Resource, Result, actor};
use serde_json::{Value, json};

use crate::cohort::iso;
use crate::index::{ACTOR, Index};
use crate::rule::{OnExpire, TtlRule};
use crate::stats::Swept;

/// What became of an entry.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is not needed any more.
    Done(Swept),
    /// The document ends later than its cohort says.
    Refiled(Swept),
    /// The document ends later, within its cohort.
    NotYet(i64),
    /// The next sweep looks again.
    Kept(Swept),
}

impl Index {
    /// Looks at the document of an entry and does what is to be done, under the condition that it is as it was read.
    ///
    /// Requests: 1 GET; where its time has come, what the strategy sends.
    pub(crate) async fn judge(
        &self,
        entries: &Resource,
        cohort: &str,
        resource: &Resource,
        id: &str,
        now_ms: i64,
    ) -> Result<Outcome> {
        let one = |change: fn(&mut Swept)| {
            let mut swept = Swept::default();
            change(&mut swept);
            swept
        };
        let Some(rule) = self.options.rules.get(resource.name()) else {
            return Ok(Outcome::Kept(Swept::default()));
        };
        // Past caches: what is deleted must be what is there now.
        let Some(record) = resource.uncached().get_or_none(id).await? else {
            return Ok(Outcome::Done(one(|swept| swept.stale += 1)));
        };
        let deadline = match rule.is_told(&record.data) {
            true => rule.deadline(&record.data, None),
            // Only its entry knows when it was created.
            false => self.noted(entries, resource.name(), id).await?,
        };
        match deadline {
            None => Ok(Outcome::Done(one(|swept| swept.stale += 1))),
            Some(deadline) if deadline > now_ms => {
                if rule.granularity().cohort(deadline)? == cohort {
                    return Ok(Outcome::NotYet(deadline));
                }
                self.file(entries, resource.name(), id, rule, deadline).await?;
                Ok(Outcome::Refiled(one(|swept| swept.refiled += 1)))
            }
            Some(_) => {
                let done = actor::acting_as(ACTOR, self.expire(resource, rule, &record)).await;
                match done {
                    Ok(Some(swept)) => {
                        let detail =
                            json!({"resource": resource.name(), "id": id, "strategy": rule.on_expire.name()});
                        self.context
                            .announce("record-expired", detail.as_object().cloned().unwrap_or_default());
                        Ok(Outcome::Done(swept))
                    }
                    Ok(None) => Ok(Outcome::Kept(one(|swept| {
                        swept.callbacks += 1;
                        swept.kept += 1;
                    }))),
                    // Somebody has changed or deleted it since it was read: that wins.
                    Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => {
                        Ok(Outcome::Kept(one(|swept| swept.kept += 1)))
                    }
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// Does what the rule says. `None` when a callback keeps the document.
    async fn expire(&self, resource: &Resource, rule: &TtlRule, record: &Record) -> Result<Option<Swept>> {
        let mut swept = Swept { expired: 1, ..Swept::default() };
        let checked = resource.if_match(&record.meta.etag);
        match &rule.on_expire {
            OnExpire::HardDelete => {
                checked.delete(&record.id).await?;
                swept.deleted = 1;
            }
            OnExpire::SoftDelete { field } => {
                let now = iso(self.context.env().now_ms());
                checked.update(&record.id, json!({field: now, "isdeleted": "true"})).await?;
                swept.soft_deleted = 1;
            }
            OnExpire::Archive { resource: other, keep_id } => {
                let other = self.context.database()?.resource(other)?;
                self.archive(&other, resource.name(), record, *keep_id).await?;
                checked.delete(&record.id).await?;
                swept.archived = 1;
            }
            OnExpire::Callback(callback) => {
                if !callback.ask(record.clone()).await? {
                    return Ok(None);
                }
                checked.delete(&record.id).await?;
                swept.callbacks = 1;
                swept.deleted = 1;
            }
        }
        Ok(Some(swept))
    }

    async fn archive(&self, other: &Resource, from: &str, record: &Record, keep_id: bool) -> Result<()> {
        let marks = |name: &str| {
            name.starts_with('_') || (other.name() != from && matches!(name, "createdAt" | "updatedAt"))
        };
        let mut copy: s3db_core::Document = record
            .data
            .iter()
            .filter(|(name, _)| !marks(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let id = if keep_id { record.id.clone() } else { format!("{from}-{}", record.id) };
        copy.insert("archivedAt".to_owned(), iso(self.context.env().now_ms()).into());
        copy.insert("archivedFrom".to_owned(), from.into());
        copy.insert("originalId".to_owned(), record.id.clone().into());
        let mut document = copy.clone();
        document.insert("id".to_owned(), Value::String(id.clone()));
        match other.insert(Value::Object(document)).await {
            // From a sweep that was cut off, or of an earlier document of this id.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                other.replace(&id, Value::Object(copy)).await.map(drop)
            }
            done => done.map(drop),
        }
    }

    /// The deadline that stands in an entry. Requests: 1 GET.
    async fn noted(&self, entries: &Resource, resource: &str, id: &str) -> Result<Option<i64>> {
        let entry = entries.get_or_none(&crate::index::entry_id(resource, id)).await?;
        Ok(entry.and_then(|entry| entry.data.get("expiresAtTimestamp")?.as_f64()).map(|at| at as i64))
    }
}
