//! Writing documents whole.

use serde_json::Value;

use super::codec::Operation;
use super::{Record, Resource, document};
use crate::store::Condition;
use crate::{Error, ErrorKind, Result};

impl Resource {
    /// Writes a document whole, whatever was there before; creates it when there was none.
    ///
    /// With `timestamps`, `createdAt` stays that of the document before unless the new one gives it.
    ///
    /// Requests: 1 PUT. With timestamps or partitions the old document must be known: 1 GET + 1 conditional PUT, and
    /// those of the partitions.
    /// Errors: `Validation`, `TooLarge`, `Conflict`.
    pub async fn replace(&self, id: &str, value: Value) -> Result<Record> {
        let mut data = document(value)?;
        if let Some(other) = self.given_id(&mut data)?.filter(|other| other != id) {
            let error = Error::new(ErrorKind::Validation, "the document names another id").with("got", other);
            return Err(self.at(error, id));
        }
        let state = self.state();
        let key = self.document_key(id)?;
        if !state.timestamps && state.partitions.is_empty() {
            let replace = async {
                let data = state.schema.validate(data, crate::schema::Mode::Replace)?;
                let placed = self.place(&state, id, data, Operation::Replace).await?;
                self.commit(&state, id, key, placed, Condition::None, Vec::new()).await
            };
            return replace.await.map_err(|error: Error| self.at(error, id));
        }
        for attempt in 0..self.db.options.update_attempts_max {
            let replace = async {
                let object = self.db.store.get(&key).await?;
                let mut data = data.clone();
                let mut created = data.get("createdAt").filter(|created| !created.is_null()).cloned();
                let (condition, before) = match object {
                    None => (Condition::IfAbsent, Vec::new()),
                    Some(object) => {
                        let etag = object.head.etag.clone();
                        let before = self.decode(&state, id, object).await?;
                        created = created.or_else(|| before.data.get("createdAt").cloned());
                        (Condition::IfMatch(etag), self.references_of(&state, &before))
                    }
                };
                self.stamp_times(&state, &mut data, created);
                let data = state.schema.validate(data, crate::schema::Mode::Replace)?;
                let placed = self.place(&state, id, data, Operation::Replace).await?;
                self.commit(&state, id, key.clone(), placed, condition, before).await
            };
            match replace.await {
                Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::AlreadyExists) => {
                    self.pause(attempt).await;
                }
                result => return result.map_err(|error: Error| self.at(error, id)),
            }
        }
        Err(self.at(self.lost_races(), id))
    }
}
