//! Creating documents.

use serde_json::Value;

use super::codec::{Operation, Placed};
use super::{Record, RecordMeta, Resource, State, document};
use crate::plan::{self, WriteRequest};
use crate::store::Condition;
use crate::{Document, Error, ErrorKind, Result};

impl Resource {
    /// Creates a document. `id` comes from the document, or is generated.
    ///
    /// Requests: 1 conditional PUT, and 1 PUT per partition before it.
    /// Errors: `Validation` with every failing field, `AlreadyExists` when the id is taken, `TooLarge`, `Crypto` when
    /// the document holds a secret and the database has no passphrase. Nothing was written then, except possibly
    /// references that readers skip.
    pub async fn insert(&self, value: Value) -> Result<Record> {
        let state = self.state();
        let mut data = document(value)?;
        let id = self.take_id(&state, &mut data)?;
        self.stamp_times(&state, &mut data, None);
        self.create(&state, &id, data).await.map_err(|error| self.at(error, &id))
    }

    async fn create(&self, state: &std::sync::Arc<State>, id: &str, data: Document) -> Result<Record> {
        let key = self.document_key(id)?;
        let data = state.schema.validate(data, crate::schema::Mode::Insert)?;
        let placed = self.place(state, id, data, Operation::Insert).await?;
        self.commit(state, id, key, placed, Condition::IfAbsent, Vec::new()).await
    }

    /// Runs the plan of a write and builds its record.
    pub(super) async fn commit(
        &self,
        state: &State,
        id: &str,
        key: String,
        placed: Placed,
        condition: Condition,
        references_before: Vec<String>,
    ) -> Result<Record> {
        let Placed { data, event, object, stamp, references, overflowed, truncated } = placed;
        let meta = RecordMeta {
            etag: crate::store::ETag::new(""),
            version: state.version.clone(),
            last_modified_ms: None,
            content_length: object.body.len() as u64,
            content_type: object.content_type.clone(),
            has_content: object.metadata.get("_hascontent") == Some("true"),
            overflowed,
            truncated,
        };
        let plan = plan::write(WriteRequest {
            key,
            object,
            condition,
            references_before,
            references_after: references,
        });
        let outcome = crate::exec::run(self.db.store.as_ref(), plan, stamp.as_deref()).await?;
        let put =
            outcome.put.ok_or_else(|| Error::new(ErrorKind::Unavailable, "the plan wrote no document"))?;
        if let Some(event) = event {
            self.db.events.emit(event);
        }
        Ok(Record { id: id.to_owned(), data, meta: RecordMeta { etag: put.etag, ..meta } })
    }

    /// Takes `id` out of the document, or generates one.
    pub(super) fn take_id(&self, state: &State, data: &mut Document) -> Result<String> {
        match self.given_id(data)? {
            Some(id) => Ok(id),
            None => Ok(crate::id::random_id(self.db.env.as_ref(), state.id_size)),
        }
    }

    /// Takes `id` out of the document, if it is there. A number is taken as its text, as s3db.js does.
    pub(super) fn given_id(&self, data: &mut Document) -> Result<Option<String>> {
        match data.shift_remove("id") {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(id)) if id.is_empty() => Ok(None),
            Some(Value::String(id)) => Ok(Some(id)),
            Some(Value::Number(id)) => Ok(Some(id.to_string())),
            Some(_) => Err(Error::new(ErrorKind::Validation, "the id is a text or a number")
                .with("field", "id")
                .with("resource", self.name())),
        }
    }

    /// Sets `createdAt` and `updatedAt`. `created` keeps the time of an older version of the document.
    pub(super) fn stamp_times(&self, state: &State, data: &mut Document, created: Option<Value>) {
        if !state.timestamps {
            return;
        }
        let now = crate::encoding::time::iso_from_ms(self.db.env.now_ms()).map_or(Value::Null, Value::String);
        data.insert("createdAt".to_owned(), created.unwrap_or_else(|| now.clone()));
        data.insert("updatedAt".to_owned(), now);
    }
}
