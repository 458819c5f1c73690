//! Writing documents whole.

use serde_json::Value;

use super::codec::Operation;
use super::commit::Commit;
use super::update::{is_of_hook, lost_race};
use super::{Record, Resource, WriteCheck, document};
use crate::op::{HookPoint, Op};
use crate::plan::Indexes;
use crate::schema::Mode;
use crate::store::{Condition, ETag};
use crate::{Document, Error, ErrorKind, Result};

impl Resource {
    /// Writes a document whole, whatever was there before; creates it when there was none.
    ///
    /// With `timestamps`, `createdAt` stays that of the document before unless the new one gives it.
    ///
    /// Requests: 1 PUT. With timestamps, partitions or unique fields the old document must be known: 1 GET + 1
    /// conditional PUT, and those of the partitions and unique values.
    /// Errors: `Validation`, `Unique`, `TooLarge`, `Conflict`.
    pub async fn replace(&self, id: &str, value: Value) -> Result<Record> {
        self.replace_if(id, value, None).await
    }

    pub(super) async fn replace_if(&self, id: &str, value: Value, if_match: Option<ETag>) -> Result<Record> {
        let document = document(value)?;
        match self.chain() {
            None => self.replace_now(id, document, if_match.as_ref()).await,
            Some(chain) => {
                let id = id.to_owned();
                chain.run(self, Op::Replace { id, document, if_match }).await?.record()
            }
        }
    }

    pub(super) async fn replace_now(
        &self,
        id: &str,
        data: Document,
        expected: Option<&ETag>,
    ) -> Result<Record> {
        let hooked = self.before_write(HookPoint::BeforeReplace, Some(id), data, None).await;
        let mut data = hooked.map_err(|error| self.at(error, id))?;
        if let Some(other) = self.given_id(&mut data)?.filter(|other| other != id) {
            let error = Error::new(ErrorKind::Validation, "the document names another id").with("got", other);
            return Err(self.at(error, id));
        }
        let key = self.document_key(id)?;
        let state = self.state();
        let must_read = state.timestamps || state.is_indexed() || self.is_followed();
        let replaced = if expected.is_none() && !must_read {
            self.replace_blindly(id, key, data).await
        } else {
            self.replace_known(id, &key, data, expected).await
        };
        let record = replaced.map_err(|error| self.at(error, id))?;
        self.after(HookPoint::AfterReplace, record, None).await.map_err(|error| self.at(error, id))
    }

    async fn replace_blindly(&self, id: &str, key: String, data: Document) -> Result<Record> {
        let (state, operation) = (self.state(), Operation::Replace);
        let (_, data) = self.validated(&state, Some(id), data, Mode::Replace).await?;
        let placed = self.place(&state, id, data, operation).await?;
        let (condition, check) = (Condition::None, WriteCheck::Unchecked);
        let (before, previous) = (Indexes::default(), None);
        self.commit(
            &state,
            id,
            Commit { key, placed, condition, operation, check, before, previous, snapshot: None },
        )
        .await
    }

    async fn replace_known(
        &self,
        id: &str,
        key: &str,
        data: Document,
        expected: Option<&ETag>,
    ) -> Result<Record> {
        for attempt in 0..self.db.options.update_attempts_max {
            match self.replace_once(id, key, data.clone(), expected).await {
                Err(error)
                    if expected.is_none()
                        && (lost_race(&error) || error.kind() == ErrorKind::AlreadyExists)
                        && !error.is_outcome_unknown()
                        && !is_of_hook(&error) =>
                {
                    self.pause(attempt).await;
                }
                result => return result,
            }
        }
        Err(self.lost_races())
    }

    async fn replace_once(
        &self,
        id: &str,
        key: &str,
        mut data: Document,
        expected: Option<&ETag>,
    ) -> Result<Record> {
        let (state, operation) = (self.state(), Operation::Replace);
        let object = self.store.get(key).await?;
        let mut created = data.get("createdAt").filter(|created| !created.is_null()).cloned();
        let (condition, check, before, previous) = match object {
            None if expected.is_some() => return Err(self.not_found(id)),
            None => (Condition::IfAbsent, WriteCheck::Checked, Indexes::default(), None),
            Some(object) => {
                let etag = object.head.etag.clone();
                self.check_expected(id, expected, &etag)?;
                let check = WriteCheck::of(&object, state.form_of(&object).behavior);
                // A migration that fails must not keep the document from being replaced.
                let record = self.decode_stored(&state, id, object).await?;
                created = created.or_else(|| record.data.get("createdAt").cloned());
                let before = self.indexes_of(&state, &record);
                (Condition::IfMatch(etag), check, before, Some(record.data))
            }
        };
        self.stamp_times(&state, &mut data, created);
        let (_, data) = self.validated(&state, Some(id), data, Mode::Replace).await?;
        let placed = self.place(&state, id, data, operation).await?;
        let key = key.to_owned();
        self.commit(
            &state,
            id,
            Commit { key, placed, condition, operation, check, before, previous, snapshot: None },
        )
        .await
    }
}
