//! Runs plans against a store.

use std::collections::HashMap;
use std::sync::Mutex;

use futures::future::try_join_all;

use crate::plan::{Step, WritePlan};
use crate::store::{Condition, ETag, Object, PutResult, Store};
use crate::{Error, ErrorKind, Result};

/// What a committed plan left behind.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The document's new ETag; `None` after a delete.
    pub(crate) put: Option<PutResult>,
    /// References that could not be removed; the document is committed and readers skip them.
    pub(crate) leftover_references: Vec<String>,
}

/// Runs the stages of `plan` in order, the steps of a stage at once.
///
/// Errors: `Conflict` when the document's condition does not hold, `AlreadyExists` when it was to be absent. In both
/// cases the document is as it was; references written before it may be left, and are extra, never missing. After a
/// refusal the document is read back once: if it carries `stamp`, this very write had won and its answer was lost.
pub(crate) async fn run(store: &dyn Store, plan: WritePlan, stamp: Option<&str>) -> Result<Outcome> {
    // The plain case, one document without references, needs no bookkeeping.
    if let [stage] = plan.stages()
        && let [Step::PutDocument { key, object, condition }] = stage.as_slice()
    {
        let put = put_document(store, key, object.clone(), condition.clone(), stamp).await?;
        return Ok(Outcome { put: Some(put), ..Outcome::default() });
    }
    let run = Run { store, stamp, seen: Mutex::default(), outcome: Mutex::default() };
    for stage in plan.into_stages() {
        try_join_all(stage.into_iter().map(|step| run.step(step))).await?;
    }
    Ok(run.outcome.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()))
}

struct Run<'a> {
    store: &'a dyn Store,
    stamp: Option<&'a str>,
    seen: Mutex<HashMap<String, ETag>>,
    outcome: Mutex<Outcome>,
}

impl Run<'_> {
    async fn step(&self, step: Step) -> Result<()> {
        match step {
            Step::HeadReference { key } => {
                if let Some(head) = self.store.head(&key).await? {
                    lock(&self.seen).insert(key, head.etag);
                }
            }
            Step::PutReference { key, object } => {
                self.store.put(&key, object, Condition::None).await?;
            }
            Step::PutDocument { key, object, condition } => {
                let put = put_document(self.store, &key, object, condition, self.stamp).await?;
                lock(&self.outcome).put = Some(put);
            }
            Step::DeleteDocument { key, condition } => self.delete_document(&key, condition).await?,
            Step::DeleteReference { key } => self.delete_reference(key).await,
            Step::PutClaim { key, .. } | Step::ReleaseClaim { key } => {
                return Err(
                    Error::new(ErrorKind::Unsupported, "claims are not executed yet").with("key", key)
                );
            }
        }
        Ok(())
    }

    async fn delete_document(&self, key: &str, condition: Condition) -> Result<()> {
        let conditional = self.store.capability().conditional_delete;
        let condition = if conditional { condition } else { Condition::None };
        match self.store.delete(key, condition).await {
            // A lost answer: the delete may have been ours. Gone is what the caller asked for.
            Err(error) if error.kind() == ErrorKind::Conflict && self.store.head(key).await?.is_none() => {
                Ok(())
            }
            result => result,
        }
    }

    /// Failing here leaves an extra reference, which readers skip, so the committed write does not fail.
    async fn delete_reference(&self, key: String) {
        let Some(etag) = lock(&self.seen).get(&key).cloned() else {
            return;
        };
        // An unconditional delete could remove what another writer has just put back.
        let deleted = if self.store.capability().conditional_delete {
            self.store.delete(&key, Condition::IfMatch(etag)).await
        } else {
            Err(Error::new(ErrorKind::Unsupported, "the store has no conditional delete"))
        };
        if let Err(error) = deleted {
            tracing::debug!(%key, %error, "an old reference stays");
            lock(&self.outcome).leftover_references.push(key);
        }
    }
}

async fn put_document(
    store: &dyn Store,
    key: &str,
    object: crate::store::PutObject,
    condition: Condition,
    stamp: Option<&str>,
) -> Result<PutResult> {
    let create = condition == Condition::IfAbsent;
    let error = match store.put(key, object, condition).await {
        Ok(put) => return Ok(put),
        Err(error) if error.kind() == ErrorKind::Conflict => error,
        Err(error) => return Err(error),
    };
    if let Some(stamp) = stamp
        && let Some(found) = store.get(key).await?
        && carries(&found, stamp)
    {
        return Ok(PutResult::new(found.head.etag).version_id(found.head.version_id));
    }
    if create {
        return Err(Error::new(ErrorKind::AlreadyExists, "the id is taken").caused_by(error));
    }
    Err(error)
}

/// Whether `object` was written by the write of `stamp`: the stamp stands in the body, or in the metadata of documents
/// whose body holds none.
fn carries(object: &Object, stamp: &str) -> bool {
    object.head.metadata.get(crate::plan::STAMP) == Some(stamp)
        || crate::behavior::stamp_of(&object.body).is_some_and(|found| found == stamp)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
