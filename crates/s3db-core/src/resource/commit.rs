//! Runs the plan of a write, and tells of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::BoxFuture;

use super::codec::{Operation, Placed};
use super::{Record, RecordMeta, Resource, State, WriteCheck};
use crate::database::{Action, Change, Event, Witnessed};
use crate::exec::{Context, Outcome};
use crate::plan::{self, Indexes, Snapshot, WriteRequest};
use crate::store::{Condition, ETag};
use crate::{Document, Error, ErrorKind, Result};

/// How often a background index write is tried.
const BACKGROUND_ATTEMPTS_MAX: u32 = 4;

/// A write that is ready to be sent.
pub(super) struct Commit {
    /// Key of the document.
    pub(super) key: String,
    pub(super) placed: Placed,
    pub(super) condition: Condition,
    pub(super) operation: Operation,
    /// How far `condition` sees the writes of others.
    pub(super) check: WriteCheck,
    /// Index entries and claims of the stored document.
    pub(super) before: Indexes,
    /// The stored document, where somebody listens to changes.
    pub(super) previous: Option<Document>,
    /// What is kept of the stored document.
    pub(super) snapshot: Option<Snapshot>,
}

impl Resource {
    /// Runs the plan of a write and builds its record. On the heap: every future of a verb would hold all of it.
    pub(super) fn commit<'a>(
        &'a self,
        state: &'a State,
        id: &'a str,
        commit: Commit,
    ) -> BoxFuture<'a, Result<Record>> {
        Box::pin(self.commit_now(state, id, commit))
    }

    async fn commit_now(&self, state: &State, id: &str, commit: Commit) -> Result<Record> {
        let Commit { key, placed, condition, operation, check, before, previous, snapshot } = commit;
        let Placed { data, event, object, stamp, references, claims, overflowed, truncated } = placed;
        let mut meta = RecordMeta {
            etag: ETag::new(""),
            version: state.version.clone(),
            last_modified_ms: None,
            content_length: object.body.len() as u64,
            content_type: object.content_type.clone(),
            has_content: crate::behavior::is_content(&object.metadata, &object.body),
            overflowed,
            truncated,
            check,
        };
        let plan = plan::write(WriteRequest {
            id: id.to_owned(),
            key,
            object,
            condition,
            before,
            references,
            claims,
            snapshot,
            partition_writes: self.db.options.partition_writes,
        });
        let witnessed = if self.is_witnessed() {
            let (before, after) = (previous.clone(), Some(data.clone()));
            Box::pin(self.show(id, operation.action(), before, after)).await?
        } else {
            None
        };
        let done = crate::exec::run(self.context(), plan, stamp.as_deref()).await.and_then(|mut outcome| {
            let put = outcome.put.take();
            let put = put.ok_or_else(|| Error::new(ErrorKind::Unavailable, "the plan wrote no document"))?;
            Ok((outcome, put))
        });
        if let Some(witnessed) = witnessed {
            match &done {
                Ok((_, put)) => witnessed.committed(Some(put.etag.clone()), &meta.version),
                Err(error) => witnessed.failed(error),
            }
        }
        let (outcome, put) = done?;
        self.note_check(check);
        self.finish(id, operation.name(), outcome).await;
        if let Some(event) = event
            && self.layers.rehearsal().is_none()
        {
            self.db.events.emit(event);
        }
        meta.etag = put.etag;
        if self.is_heard() {
            let etag = Some(meta.etag.clone());
            self.tell(id, operation.action(), previous, Some(data.clone()), etag).await;
        }
        Ok(Record { id: id.to_owned(), data, meta })
    }

    /// What comes after the commit: index writes in the background, and word of those that failed.
    pub(super) async fn finish(&self, id: &str, operation: &'static str, outcome: Outcome) {
        for error in outcome.missing_references {
            self.index_failed(id, operation, &error);
        }
        if outcome.background.is_empty() {
            return;
        }
        let Outcome { background: stages, seen, store, .. } = outcome;
        if let Some(rehearsal) = self.layers.rehearsal() {
            rehearsal.set_background(true);
            // On a rehearsal's store nothing but a read can fail, and the background reads nothing by itself.
            let _ = crate::exec::run_background(self.store.as_ref(), stages, &seen).await;
            rehearsal.set_background(false);
            return;
        }
        let (store, env, layers) =
            (store.unwrap_or_else(|| self.store.clone()), self.db.env.clone(), self.layers.clone());
        // Not the database itself, which would then never be dropped while work is pending, and never say so.
        let (db, shared, id) = (Arc::downgrade(&self.db), self.shared.clone(), id.to_owned());
        let work = async move {
            for attempt in 1.. {
                match crate::exec::run_background(store.as_ref(), stages.clone(), &seen).await {
                    Ok(()) => return,
                    Err(error) if error.is_retryable() && attempt < BACKGROUND_ATTEMPTS_MAX => {
                        crate::exec::pause(env.as_ref(), attempt).await;
                    }
                    Err(error) => {
                        if let Some(db) = db.upgrade() {
                            let this = Self { db, shared, store, layers, is_bare: true, skipped: None };
                            this.index_failed(&id, operation, &error);
                        }
                        return;
                    }
                }
            }
        };
        self.db.background.spawn(work).await;
    }

    /// Tells those who listen to changes.
    pub(super) async fn tell(
        &self,
        id: &str,
        action: Action,
        before: Option<Document>,
        after: Option<Document>,
        etag: Option<ETag>,
    ) {
        if self.layers.rehearsal().is_some() {
            return;
        }
        let change = Change { etag, ..self.new_change(id, action, before, after) };
        let published = self.db.changes.publish(change);
        self.shared.last_change.fetch_max(published.change.number, Ordering::SeqCst);
        self.db.events.emit(Event::Changed(published.change.clone()));
        published.wait_for_room().await;
    }

    /// Shows a change to its witnesses, who must not refuse it. Nothing was sent for it yet.
    pub(super) async fn show(
        &self,
        id: &str,
        action: Action,
        before: Option<Document>,
        after: Option<Document>,
    ) -> Result<Option<Witnessed>> {
        if self.layers.rehearsal().is_some() {
            return Ok(None);
        }
        let change = self.new_change(id, action, before, after);
        let mut witnessed = self.db.witnesses.prepare(change, self.is_internal()).await?;
        witnessed.sends();
        Ok(Some(witnessed))
    }

    fn new_change(
        &self,
        id: &str,
        action: Action,
        before: Option<Document>,
        after: Option<Document>,
    ) -> Change {
        let (resource, id) = (self.name().to_owned(), id.to_owned());
        let (at_ms, actor) = (self.db.env.now_ms(), crate::actor::current());
        Change { resource, id, action, before, after, etag: None, at_ms, actor, number: 0 }
    }

    /// Whether somebody sees changes of this resource before they are committed.
    pub(super) fn is_witnessed(&self) -> bool {
        self.db.witnesses.watch(self.name(), || self.is_internal())
    }

    /// Whether somebody must know what was there before a change of this resource.
    pub(super) fn is_followed(&self) -> bool {
        self.is_heard() || self.is_witnessed()
    }

    /// Whether somebody listens to changes of this resource.
    pub(super) fn is_heard(&self) -> bool {
        self.db.changes.is_heard(self.name()) || self.db.events.wants_changes(self.name())
    }

    pub(super) fn context(&self) -> Context<'_> {
        Context {
            store: &self.store,
            env: self.db.env.as_ref(),
            keys: &self.db.keys,
            holders: self,
            grace: self.db.options.claim_grace,
            account: self.layers.account(),
        }
    }

    fn index_failed(&self, id: &str, operation: &'static str, error: &Error) {
        if self.layers.rehearsal().is_some() {
            return;
        }
        tracing::warn!(resource = self.name(), id, operation, %error, "index entries are missing until fsck");
        self.db.events.emit(Event::PartitionIndexError {
            resource: self.name().to_owned(),
            id: id.to_owned(),
            operation,
            error: error.to_string(),
        });
    }
}

/// Loads what stands behind a claim.
#[async_trait::async_trait]
impl crate::exec::Holders for Resource {
    async fn holds(&self, id: &str, claim: &str) -> Result<bool> {
        // An id that no key can hold was never written.
        let Ok(key) = self.document_key(id) else {
            return Ok(false);
        };
        let state: Arc<State> = self.state();
        match self.fetch_stored(&state, id, &key).await {
            Ok(None) => Ok(false),
            Ok(Some(record)) => Ok(self.indexes_of(&state, &record).claims.iter().any(|key| key == claim)),
            // What cannot be read may hold the value.
            Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Crypto) => Ok(true),
            Err(error) => Err(error),
        }
    }
}
