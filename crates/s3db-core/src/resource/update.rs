//! Changing documents.

use std::time::Duration;

use serde_json::Value;

use super::codec::Operation;
use super::{Record, Resource, State, document, merge};
use crate::store::{Condition, Object};
use crate::{Document, Error, ErrorKind, Result};

/// First and longest pause before an update that lost a race is tried again.
const BACKOFF_MS: (u64, u64) = (5, 500);

impl Resource {
    /// Changes fields of a document and returns it whole.
    ///
    /// Plain objects merge into what is there, at every depth; a dotted name sets one leaf and keeps its siblings; null
    /// and arrays replace; `{"$unset": ["field"]}` removes. When another writer was faster the document is read again
    /// and the change applied to what that writer left.
    ///
    /// Requests: 1 GET + 1 conditional PUT, and 1 HEAD + 1 PUT + 1 DELETE for each partition whose value changes.
    /// Errors: `NotFound`, `Validation`, `TooLarge`, `Conflict` after
    /// [`update_attempts_max`](crate::database::DatabaseOptions::update_attempts_max) lost races.
    pub async fn update(&self, id: &str, changes: Value) -> Result<Record> {
        let changes = document(changes)?;
        self.change(id, Operation::Update, |_| Ok(changes.clone())).await?.ok_or_else(|| self.not_found(id))
    }

    /// The same as [`update`](Self::update): both merge.
    pub async fn patch(&self, id: &str, changes: Value) -> Result<Record> {
        self.update(id, changes).await
    }

    /// Updates the document of this id, or creates it. The document must hold its `id`.
    ///
    /// Requests: 1 GET + 1 conditional PUT, and those of the partitions.
    /// Errors: as [`update`](Self::update) and [`insert`](Self::insert).
    pub async fn upsert(&self, value: Value) -> Result<Record> {
        let mut changes = document(value)?;
        let id = self.given_id(&mut changes)?.ok_or_else(|| {
            Error::new(ErrorKind::Validation, "upsert needs an id")
                .with("field", "id")
                .with("resource", self.name())
        })?;
        for attempt in 0..self.db.options.update_attempts_max {
            if let Some(record) = self.change(&id, Operation::Update, |_| Ok(changes.clone())).await? {
                return Ok(record);
            }
            let mut data = changes.clone();
            data.insert("id".to_owned(), Value::String(id.clone()));
            match self.insert(Value::Object(data)).await {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => self.pause(attempt).await,
                result => return result,
            }
        }
        Err(self.at(self.lost_races(), &id))
    }

    /// Reads, changes and writes a document until no other writer comes between; `None` when there is none.
    pub(super) async fn change(
        &self,
        id: &str,
        operation: Operation,
        changes: impl Fn(&Record) -> Result<Document>,
    ) -> Result<Option<Record>> {
        let key = self.document_key(id)?;
        let state = self.state();
        for attempt in 0..self.db.options.update_attempts_max {
            let Some(object) = self.db.store.get(&key).await.map_err(|error| self.at(error, id))? else {
                return Ok(None);
            };
            match self.change_once(&state, id, &key, object, operation, &changes).await {
                Err(error) if error.kind() == ErrorKind::Conflict => self.pause(attempt).await,
                result => return result.map(Some).map_err(|error| self.at(error, id)),
            }
        }
        Err(self.at(self.lost_races(), id))
    }

    async fn change_once(
        &self,
        state: &std::sync::Arc<State>,
        id: &str,
        key: &str,
        object: Object,
        operation: Operation,
        changes: impl Fn(&Record) -> Result<Document>,
    ) -> Result<Record> {
        let etag = object.head.etag.clone();
        let content = self.content_of(&object);
        let before = self.decode(state, id, object).await?;
        let references_before = self.references_of(state, &before);
        let mut changes = changes(&before)?;
        if let Some(other) = self.given_id(&mut changes)?.filter(|other| other != id) {
            return Err(Error::new(ErrorKind::Validation, "an update cannot change the id").with("to", other));
        }
        let created = before.data.get("createdAt").cloned();
        let mut data = before.data;
        merge::apply(&mut data, changes)?;
        self.stamp_times(state, &mut data, created);
        let data = state.schema.validate(data, crate::schema::Mode::Update)?;
        let placed = match content {
            Some(content) => self.place_beside_content(state, id, data, operation, content).await?,
            None => self.place(state, id, data, operation).await?,
        };
        self.commit(state, id, key.to_owned(), placed, Condition::IfMatch(etag), references_before).await
    }

    pub(super) fn lost_races(&self) -> Error {
        Error::new(ErrorKind::Conflict, "other writers kept changing the document")
            .with("attempts", self.db.options.update_attempts_max)
            .hint("try again later, or raise update_attempts_max")
            .retryable(true)
    }

    /// Exponential back-off with full jitter, so that writers who collided do not collide again.
    pub(super) async fn pause(&self, attempt: u32) {
        let (first, longest) = BACKOFF_MS;
        let ceiling = first.saturating_mul(1 << attempt.min(16)).min(longest);
        let mut bytes = [0_u8; 8];
        self.db.env.fill(&mut bytes);
        let pause = u64::from_le_bytes(bytes) % (ceiling + 1);
        self.db.env.sleep(Duration::from_millis(pause)).await;
    }
}
