//! Changing documents.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::codec::Operation;
use super::commit::Commit;
use super::{Record, Resource, State, WriteCheck, document, merge};
use crate::database::is_of_witness;
use crate::op::{Edit, HookPoint, Op};
use crate::schema::Mode;
use crate::store::{Condition, ETag, Object};
use crate::{Document, Error, ErrorKind, Result};

impl Resource {
    /// Changes fields of a document and returns it whole.
    ///
    /// Plain objects merge into what is there, at every depth; a dotted name sets one leaf and keeps its siblings; null
    /// and arrays replace; `{"$unset": ["field"]}` removes. When another writer was faster the document is read again
    /// and the change applied to what that writer left.
    ///
    /// Requests: 1 GET + 1 conditional PUT; 1 HEAD + 1 PUT + 1 DELETE more for each partition whose value changes, and
    /// 1 GET + 1 PUT + 1 DELETE for each unique value that does; 1 HEAD + 1 PUT more for a [`snapshot`](Self::snapshot).
    /// Errors: `NotFound`, `Validation`, `Unique`, `TooLarge`, `Conflict` after
    /// [`update_attempts_max`](crate::database::DatabaseOptions::update_attempts_max) lost races.
    pub async fn update(&self, id: &str, changes: Value) -> Result<Record> {
        self.edit(id, Edit::Merge(document(changes)?), None).await
    }

    /// The same as [`update`](Self::update): both merge.
    pub async fn patch(&self, id: &str, changes: Value) -> Result<Record> {
        self.update(id, changes).await
    }

    /// Reads a document, lets `edit` change it, and writes it back, so that no change of another writer is lost.
    ///
    /// `edit` gets the fields without the id. It runs again on what the other writer left each time that a race is
    /// lost, so that it must only compute. An error from it ends the call and nothing is written.
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use s3db_core::{Database, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let db = Database::connect("memory://shop/update_with").await?;
    /// let stock = db.create_resource(ResourceConfig::new("stock", json!({"count": "number"}))).await?;
    /// stock.insert(json!({"id": "apple", "count": 3})).await?;
    ///
    /// let sold = stock
    ///     .update_with("apple", |apple| {
    ///         let count = apple["count"].as_i64().unwrap_or(0);
    ///         apple["count"] = json!(count - 1);
    ///         Ok(())
    ///     })
    ///     .await?;
    /// assert_eq!(sold.data["count"], 2);
    /// # Ok(()) }) }
    /// ```
    ///
    /// Requests and errors: as [`update`](Self::update), and those of `edit`. A `Conflict` whose
    /// [outcome is unknown](Error::is_outcome_unknown) is not tried again, so that nothing is counted twice.
    pub async fn update_with(
        &self,
        id: &str,
        edit: impl Fn(&mut Document) -> Result<()> + Send + Sync,
    ) -> Result<Record> {
        self.edit(id, Edit::With(&edit), None).await
    }

    pub(super) async fn edit(&self, id: &str, change: Edit<'_>, if_match: Option<ETag>) -> Result<Record> {
        match self.chain() {
            None => self.update_now(id, &change, if_match.as_ref()).await,
            Some(chain) => {
                let id = id.to_owned();
                chain.run(self, Op::Update { id, change, if_match }).await?.record()
            }
        }
    }

    pub(super) async fn update_now(
        &self,
        id: &str,
        change: &Edit<'_>,
        if_match: Option<&ETag>,
    ) -> Result<Record> {
        let changed = self.change(id, Operation::Update, if_match, |data| change.apply(data)).await?;
        changed.ok_or_else(|| self.not_found(id))
    }

    /// Updates the document of this id, or creates it. The document must hold its `id`.
    ///
    /// Requests: 1 GET + 1 conditional PUT, and those of partitions and unique values.
    /// Errors: as [`update`](Self::update) and [`insert`](Self::insert).
    pub async fn upsert(&self, value: Value) -> Result<Record> {
        let document = document(value)?;
        match self.chain() {
            None => self.upsert_now(document).await,
            Some(chain) => chain.run(self, Op::Upsert { document }).await?.record(),
        }
    }

    pub(super) async fn upsert_now(&self, mut changes: Document) -> Result<Record> {
        let id = self.given_id(&mut changes)?.ok_or_else(|| {
            Error::new(ErrorKind::Validation, "upsert needs an id")
                .with("field", "id")
                .with("resource", self.name())
        })?;
        for attempt in 0..self.db.options.update_attempts_max {
            let edit = |data: &mut Document| merge::apply(data, changes.clone());
            if let Some(record) = self.change(&id, Operation::Update, None, edit).await? {
                return Ok(record);
            }
            let mut data = changes.clone();
            data.insert("id".to_owned(), Value::String(id.clone()));
            match self.insert_now(data).await {
                Err(error)
                    if error.kind() == ErrorKind::AlreadyExists
                        && !error.is_outcome_unknown()
                        && !is_of_hook(&error) =>
                {
                    self.pause(attempt).await;
                }
                result => return result,
            }
        }
        Err(self.at(self.lost_races(), &id))
    }

    /// Reads, changes and writes a document until no other writer comes between; `None` when there is none. With an
    /// expected ETag the document must have that one, and a lost race is not tried again.
    pub(super) async fn change(
        &self,
        id: &str,
        operation: Operation,
        expected: Option<&ETag>,
        edit: impl Fn(&mut Document) -> Result<()>,
    ) -> Result<Option<Record>> {
        let key = self.document_key(id)?;
        // A `Conflict` of `edit` itself, such as that of a fence, is its answer and no lost race.
        let refused = AtomicBool::new(false);
        let edit = |data: &mut Document| edit(data).inspect_err(|_| refused.store(true, Ordering::Relaxed));
        for attempt in 0..self.db.options.update_attempts_max {
            let state = self.state();
            let Some(object) = self.store.get(&key).await.map_err(|error| self.at(error, id))? else {
                return Ok(None);
            };
            self.check_expected(id, expected, &object.head.etag)?;
            match self.change_once(&state, id, &key, object, operation, &edit).await {
                Err(error) if expected.is_none() && lost_race(&error) && !refused.load(Ordering::Relaxed) => {
                    self.pause(attempt).await;
                }
                result => return result.map(Some).map_err(|error| self.at(error, id)),
            }
        }
        Err(self.at(self.lost_races(), id))
    }

    pub(super) async fn change_once(
        &self,
        state: &Arc<State>,
        id: &str,
        key: &str,
        object: Object,
        operation: Operation,
        edit: impl Fn(&mut Document) -> Result<()>,
    ) -> Result<Record> {
        let etag = object.head.etag.clone();
        let check = WriteCheck::of(&object, state.form_of(&object).behavior);
        let content = self.content_of(&object);
        let snapshot = self.snapshot_before(state, id, &object);
        let record = self.decode_stored(state, id, object).await?;
        let before = self.indexes_of(state, &record);
        let record = self.migrated(state, record).await?;
        let previous = self.is_followed().then(|| record.data.clone());
        let stored = self.has_update_hook().then(|| record.data.clone());
        let created = record.data.get("createdAt").cloned();
        let mut data = record.data;
        edit(&mut data)?;
        if let Some(other) = self.given_id(&mut data)?.filter(|other| other != id) {
            return Err(Error::new(ErrorKind::Validation, "an update cannot change the id").with("to", other));
        }
        let mut data = self.before_write(HookPoint::BeforeUpdate, Some(id), data, stored.as_ref()).await?;
        self.stamp_times(state, &mut data, created);
        let (_, data) = self.validated(state, Some(id), data, Mode::Update).await?;
        let placed = match content {
            Some(content) => self.place_beside_content(state, id, data, operation, &content).await?,
            None => self.place(state, id, data, operation).await?,
        };
        let (key, condition) = (key.to_owned(), Condition::IfMatch(etag));
        let commit = Commit { key, placed, condition, operation, check, before, previous, snapshot };
        let record = self.commit(state, id, commit).await?;
        self.after(HookPoint::AfterUpdate, record, stored).await
    }

    fn has_update_hook(&self) -> bool {
        self.has_hook(HookPoint::BeforeUpdate) || self.has_hook(HookPoint::AfterUpdate)
    }

    /// Refuses a document that is not the one that the caller has seen.
    pub(super) fn check_expected(&self, id: &str, expected: Option<&ETag>, found: &ETag) -> Result<()> {
        match expected {
            Some(expected) if expected != found => {
                let error = Error::new(ErrorKind::Conflict, "the document is not the one that was read")
                    .with("expected_etag", expected)
                    .with("found_etag", found)
                    .hint("read it again and decide anew");
                Err(self.at(error, id))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn lost_races(&self) -> Error {
        Error::new(ErrorKind::Conflict, "other writers kept changing the document")
            .with("attempts", self.db.options.update_attempts_max)
            .hint("try again later, or raise update_attempts_max")
            .retryable(true)
    }

    pub(super) async fn pause(&self, attempt: u32) {
        crate::exec::pause(self.db.env.as_ref(), attempt).await;
    }
}

/// Whether a write surely did not happen because another writer was faster, so that it can be computed anew.
pub(super) fn lost_race(error: &Error) -> bool {
    error.kind() == ErrorKind::Conflict && !error.is_outcome_unknown() && !is_of_hook(error)
}

/// Whether a hook or a witness has refused, whatever kind of error it has chosen to do so.
pub(super) fn is_of_hook(error: &Error) -> bool {
    error.context("hook").is_some() || is_of_witness(error)
}
