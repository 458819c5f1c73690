//! Taking changes of documents back.

use super::codec::Operation;
use super::commit::Commit;
use super::update::{is_of_hook, lost_race};
use super::{Record, Resource, WriteCheck};
use crate::op::{HookPoint, Op};
use crate::plan::Indexes;
use crate::schema::Mode;
use crate::store::{Condition, Object, VersionEntry};
use crate::{Error, ErrorKind, Result};

impl Resource {
    /// Writes the version before the current one back, and brings back a document that was deleted.
    ///
    /// It is a write as any other: the document is validated and written under the current schema, with its index entries,
    /// unique values and content, only if nobody has changed it meanwhile; hooks of `replace` run. With `timestamps`,
    /// `updatedAt` is the time of the undoing. The version that it takes back stays in the history, so that undoing once more
    /// brings that one back.
    ///
    /// Requests: 1 LIST + 2 GET + 1 conditional PUT, and those of partitions and unique values.
    /// Errors: `NotFound` when there is no version before, or the document was not there before; those of
    /// [`history`](Self::history) and of [`replace`](Self::replace).
    pub async fn undo(&self, id: &str) -> Result<Record> {
        self.undo_to(id, None).await
    }

    /// Writes an old version back, by the id that [`history`](Self::history) tells.
    ///
    /// Requests: 2 GET + 1 conditional PUT, and those of partitions and unique values.
    /// Errors: `NotFound` when there is no such version, or it is a deletion; and those of [`undo`](Self::undo).
    pub async fn restore_version(&self, id: &str, version_id: &str) -> Result<Record> {
        self.undo_to(id, Some(version_id.to_owned())).await
    }

    async fn undo_to(&self, id: &str, version_id: Option<String>) -> Result<Record> {
        match self.chain() {
            None => self.undo_now(id, version_id.as_deref()).await,
            Some(chain) => chain.run(self, Op::Undo { id: id.to_owned(), version_id }).await?.record(),
        }
    }

    pub(super) async fn undo_now(&self, id: &str, version_id: Option<&str>) -> Result<Record> {
        let key = self.document_key(id)?;
        for attempt in 0..self.db.options.update_attempts_max {
            let undone = match version_id {
                Some(version_id) => self.restore_once(id, &key, version_id, None).await,
                None => self.undo_once(id, &key).await,
            };
            match undone {
                Err(error)
                    if (lost_race(&error) || error.kind() == ErrorKind::AlreadyExists)
                        && !error.is_outcome_unknown()
                        && !is_of_hook(&error) =>
                {
                    self.pause(attempt).await;
                }
                result => return result.map_err(|error| self.at(error, id)),
            }
        }
        Err(self.at(self.lost_races(), id))
    }

    async fn undo_once(&self, id: &str, key: &str) -> Result<Record> {
        let mut latest_is_deleted = None;
        let is_enough = |entry: &VersionEntry| match latest_is_deleted {
            None => {
                latest_is_deleted = Some(entry.is_deleted);
                false
            }
            // What was deleted twice was there before both.
            Some(true) => !entry.is_deleted,
            Some(false) => true,
        };
        let entries = self.versions_until(id, key, is_enough).await?;
        let (latest, before) = match entries.as_slice() {
            [latest, .., before] => (latest, before),
            _ => {
                return Err(Error::new(ErrorKind::NotFound, "there is no version before the current one")
                    .hint("`delete` takes back that the document was written at all"));
            }
        };
        if before.is_deleted {
            return Err(Error::new(ErrorKind::NotFound, "before this version the document was not there")
                .hint("`delete` takes it away again; `restore_version` brings an older version back"));
        }
        self.restore_once(id, key, &before.version_id, Some(latest)).await
    }

    /// Writes a version over what is there now, which must be `latest` where that is given.
    async fn restore_once(
        &self,
        id: &str,
        key: &str,
        version_id: &str,
        latest: Option<&VersionEntry>,
    ) -> Result<Record> {
        let (state, operation) = (self.state(), Operation::Replace);
        let old = self.store.get_version(key, version_id).await?;
        let old = old.ok_or_else(|| self.no_version(id, version_id))?;
        let current = self.store.get(key).await?;
        if latest.is_some_and(|latest| !is_it(latest, current.as_ref())) {
            return Err(Error::new(ErrorKind::Conflict, "another writer has changed the document"));
        }
        let content = self.content_of(&old);
        let restored =
            self.decode(&state, id, old).await.map_err(|error| error.with("version_id", version_id))?;
        let mut created = restored.data.get("createdAt").filter(|created| !created.is_null()).cloned();
        let hooked = self.before_write(HookPoint::BeforeReplace, Some(id), restored.data, None).await;
        let mut data = hooked?;
        if let Some(other) = self.given_id(&mut data)?.filter(|other| other != id) {
            return Err(Error::new(ErrorKind::Validation, "the document names another id").with("got", other));
        }
        let (condition, check, before, previous) = match current {
            None => (Condition::IfAbsent, WriteCheck::Checked, Indexes::default(), None),
            Some(object) => {
                let etag = object.head.etag.clone();
                let check = WriteCheck::of(&object, state.form_of(&object).behavior);
                let record = self.decode_stored(&state, id, object).await?;
                created = created.or_else(|| record.data.get("createdAt").cloned());
                let before = self.indexes_of(&state, &record);
                (Condition::IfMatch(etag), check, before, Some(record.data))
            }
        };
        self.stamp_times(&state, &mut data, created);
        let (_, data) = self.validated(&state, Some(id), data, Mode::Replace).await?;
        let placed = match content {
            Some(content) => self.place_beside_content(&state, id, data, operation, &content).await?,
            None => self.place(&state, id, data, operation).await?,
        };
        let key = key.to_owned();
        let commit = Commit { key, placed, condition, operation, check, before, previous, snapshot: None };
        let record = self.commit(&state, id, commit).await?;
        self.after(HookPoint::AfterReplace, record, None).await
    }
}

/// Whether an object is the version that was listed as the latest one.
fn is_it(latest: &VersionEntry, current: Option<&Object>) -> bool {
    match current {
        None => latest.is_deleted,
        Some(object) => match &object.head.version_id {
            Some(version_id) => *version_id == latest.version_id,
            None => latest.etag.as_ref() == Some(&object.head.etag),
        },
    }
}
