//! Creating documents.

use std::sync::Arc;

use serde_json::Value;

use super::codec::Operation;
use super::commit::Commit;
use super::{Record, Resource, State, WriteCheck, document};
use crate::op::{HookPoint, Op};
use crate::plan::Indexes;
use crate::schema::Mode;
use crate::store::Condition;
use crate::{Document, Error, ErrorKind, Result};

impl Resource {
    /// Creates a document. `id` comes from the document, or is generated.
    ///
    /// Requests: 1 conditional PUT, before it 1 PUT per partition, and before these 1 PUT per unique value. An
    /// incremental id takes 1 GET + 1 conditional PUT first; in fast mode once per batch.
    /// Errors: `Validation` with every failing field, `AlreadyExists` when the id is taken, `Unique` when another
    /// document holds a value that no two may hold, `TooLarge`, `Crypto` when
    /// the document holds a secret and the database has no passphrase. Nothing was written then, except possibly
    /// references that readers skip.
    pub async fn insert(&self, value: Value) -> Result<Record> {
        let document = document(value)?;
        match self.chain() {
            None => self.insert_now(document).await,
            Some(chain) => chain.run(self, Op::Insert { document }).await?.record(),
        }
    }

    pub(super) async fn insert_now(&self, data: Document) -> Result<Record> {
        let state = self.state();
        let mut data = self.hooked_before_insert(data).await?;
        let given = self.given_id(&mut data)?;
        if let Some(id) = &given {
            self.document_key(id)?;
        }
        self.stamp_times(&state, &mut data, None);
        let valid = self.validated(&state, given.as_deref(), data, Mode::Insert).await;
        // Only now, so that a document that is refused takes no number of a sequence.
        let (id, data) = match (given, valid) {
            (Some(id), valid) => {
                let (left, data) = valid.map_err(|error| self.at(error, &id))?;
                (left.unwrap_or(id), data)
            }
            (None, valid) => {
                let (_, data) = valid.map_err(|error| error.with("resource", self.name()))?;
                (self.draw_id(&state, &data).await?, data)
            }
        };
        let record = self.create(&state, &id, data).await.map_err(|error| self.at(error, &id))?;
        self.after(HookPoint::AfterInsert, record, None).await
    }

    async fn hooked_before_insert(&self, data: Document) -> Result<Document> {
        if !self.has_hook(HookPoint::BeforeInsert) {
            return Ok(data);
        }
        let id = data.get("id").and_then(Value::as_str).map(str::to_owned);
        let hooked = self.before_write(HookPoint::BeforeInsert, id.as_deref(), data, None).await;
        hooked.map_err(|error| error.with("resource", self.name()))
    }

    async fn create(&self, state: &Arc<State>, id: &str, data: Document) -> Result<Record> {
        let key = self.document_key(id)?;
        let operation = Operation::Insert;
        let placed = self.place(state, id, data, operation).await?;
        let (condition, check) = (Condition::IfAbsent, WriteCheck::Checked);
        let (before, previous) = (Indexes::default(), None);
        self.commit(
            state,
            id,
            Commit { key, placed, condition, operation, check, before, previous, snapshot: None },
        )
        .await
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
