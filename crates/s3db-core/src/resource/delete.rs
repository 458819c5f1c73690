//! Deleting documents.

use futures::stream::{self, StreamExt as _};

use super::update::lost_race;
use super::{BatchError, BatchResult, Resource};
use crate::database::Action;
use crate::op::{Answer, HookPoint, Op};
use crate::plan::{self, Indexes};
use crate::store::{Condition, DELETE_MANY_MAX, ETag, ListRequest};
use crate::{Error, ErrorKind, Result};

impl Resource {
    /// Deletes a document for good.
    ///
    /// Requests: 1 HEAD (1 GET with partitions or unique fields) + 1 conditional DELETE, 1 HEAD + 1 DELETE per
    /// partition, and 1 GET + 1 DELETE per unique value.
    /// Errors: `NotFound`; `Conflict` after too many lost races.
    pub async fn delete(&self, id: &str) -> Result<()> {
        self.delete_if(id, None).await
    }

    pub(super) async fn delete_if(&self, id: &str, if_match: Option<ETag>) -> Result<()> {
        match self.chain() {
            None => self.delete_now(id, if_match.as_ref()).await,
            Some(chain) => chain.run(self, Op::Delete { id: id.to_owned(), if_match }).await?.deleted(),
        }
    }

    pub(super) async fn delete_now(&self, id: &str, expected: Option<&ETag>) -> Result<()> {
        let key = self.document_key(id)?;
        for attempt in 0..self.db.options.update_attempts_max {
            match self.delete_once(id, &key, expected).await {
                Err(error) if expected.is_none() && lost_race(&error) => self.pause(attempt).await,
                result => return result.map_err(|error: Error| self.at(error, id)),
            }
        }
        Err(self.at(self.lost_races(), id))
    }

    async fn delete_once(&self, id: &str, key: &str, expected: Option<&ETag>) -> Result<()> {
        let state = self.state();
        let is_heard = self.is_heard();
        let (etag, before, previous) =
            if state.is_indexed() || is_heard || self.is_witnessed() || self.has_delete_hook() {
                let object = self.store.get(key).await?.ok_or_else(|| self.not_found(id))?;
                let etag = object.head.etag.clone();
                // What cannot be read can still be deleted; its index entries are left for fsck.
                match self.decode_stored(&state, id, object).await {
                    Ok(record) => (etag, self.indexes_of(&state, &record), Some(record.data)),
                    Err(error) => {
                        tracing::warn!(%error, "deleting an unreadable document; its index entries stay");
                        (etag, Indexes::default(), None)
                    }
                }
            } else {
                let head = self.store.head(key).await?.ok_or_else(|| self.not_found(id))?;
                (head.etag, Indexes::default(), None)
            };
        self.check_expected(id, expected, &etag)?;
        self.ask_hooks(HookPoint::BeforeDelete, id, previous.as_ref()).await?;
        let condition = Condition::IfMatch(etag);
        let plan = plan::delete(id, key.to_owned(), condition, before, self.db.options.partition_writes);
        let witnessed = if self.is_witnessed() {
            Box::pin(self.show(id, Action::Delete, previous.clone(), None)).await?
        } else {
            None
        };
        let done = crate::exec::run(self.context(), plan, None).await;
        if let Some(witnessed) = witnessed {
            match &done {
                Ok(_) => witnessed.committed(None, &state.version),
                Err(error) => witnessed.failed(error),
            }
        }
        self.finish(id, "delete", done?).await;
        if is_heard {
            self.tell(id, Action::Delete, previous.clone(), None, None).await;
        }
        self.ask_hooks(HookPoint::AfterDelete, id, previous.as_ref()).await
    }

    fn has_delete_hook(&self) -> bool {
        // Also for handles that skip them, so that an explanation foresees the read.
        self.is_hooked(HookPoint::BeforeDelete) || self.is_hooked(HookPoint::AfterDelete)
    }

    /// Whether several documents must be deleted one by one, since somebody must know of each.
    fn deletes_one_by_one(&self) -> bool {
        self.state().is_indexed() || self.is_followed() || self.has_delete_hook()
    }

    /// Deletes documents. Without partitions and unique fields an absent id counts as deleted; with them it fails its
    /// item.
    ///
    /// Requests: 1 DeleteObjects per 1,000 ids; with partitions, unique fields or somebody who follows
    /// [`changes`](crate::Database::changes), those of [`delete`](Self::delete) for each.
    pub async fn delete_many<I>(&self, ids: I) -> BatchResult<String>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let ids: Vec<String> = ids.into_iter().map(Into::into).collect();
        let Some(chain) = self.chain() else {
            return self.delete_many_now(ids).await;
        };
        let answered = chain.run(self, Op::DeleteMany { ids: ids.clone() }).await;
        answered.and_then(Answer::batch).unwrap_or_else(|error| BatchResult::all_failed(ids, &error))
    }

    pub(super) async fn delete_many_now(&self, ids: Vec<String>) -> BatchResult<String> {
        let mut results = if !self.deletes_one_by_one() {
            self.delete_objects(&ids).await
        } else {
            let deletes = ids.iter().cloned().map(|id| async move { self.delete_now(&id, None).await });
            stream::iter(deletes).buffered(self.db.options.parallelism).collect().await
        };
        let mut batch = BatchResult::default();
        for (index, (id, result)) in ids.into_iter().zip(results.drain(..)).enumerate() {
            match result {
                Ok(()) => batch.ok.push(id),
                Err(error) => batch.failed.push(BatchError { index, id: Some(id), error }),
            }
        }
        batch
    }

    async fn delete_objects(&self, ids: &[String]) -> Vec<Result<()>> {
        let mut results: Vec<Result<()>> = Vec::with_capacity(ids.len());
        let mut keys = Vec::new();
        let mut places = Vec::new();
        for (place, id) in ids.iter().enumerate() {
            match self.document_key(id) {
                Ok(key) => {
                    keys.push(key);
                    places.push(place);
                    results.push(Ok(()));
                }
                Err(error) => results.push(Err(error)),
            }
        }
        for (keys, places) in keys.chunks(DELETE_MANY_MAX).zip(places.chunks(DELETE_MANY_MAX)) {
            match self.store.delete_many(keys).await {
                Ok(deleted) => {
                    for (place, result) in places.iter().zip(deleted) {
                        results[*place] = result.map_err(|error| self.at(error, &ids[*place]));
                    }
                }
                Err(error) => {
                    for place in places {
                        results[*place] = Err(self.at(error.clone(), &ids[*place]));
                    }
                }
            }
        }
        results
    }

    /// Deletes every document of the resource its references and its claims, and returns how many documents there were.
    ///
    /// Requests: 1 LIST + 1 DeleteObjects per 1,000 objects.
    /// Errors: `Denied` when the resource is paranoid, which is the default, and `force` is false.
    pub async fn delete_all(&self, force: bool) -> Result<u64> {
        match self.chain() {
            None => self.delete_all_now(force).await,
            Some(chain) => chain.run(self, Op::DeleteAll { force }).await?.count(),
        }
    }

    pub(super) async fn delete_all_now(&self, force: bool) -> Result<u64> {
        if self.state().paranoid && !force {
            return Err(Error::new(
                ErrorKind::Denied,
                "the resource is paranoid and refuses to delete everything",
            )
            .with("resource", self.name())
            .hint("pass force, or create the resource with paranoid off"));
        }
        if self.is_followed() || self.has_delete_hook() {
            return self.delete_each().await;
        }
        let documents = self.delete_prefix(self.db.keys.documents(self.name())?).await?;
        self.delete_prefix(self.db.keys.partitions(self.name(), None)?).await?;
        self.delete_prefix(self.db.keys.claims(self.name(), None)?).await?;
        Ok(documents)
    }

    /// Deletes one by one, so that those who follow changes hear of each document.
    async fn delete_each(&self) -> Result<u64> {
        let ids = self.list_ids_now(super::ListOptions::default()).await?;
        let deleted = self.delete_many_now(ids).await.into_result()?;
        Ok(deleted.len() as u64)
    }

    async fn delete_prefix(&self, prefix: String) -> Result<u64> {
        let mut deleted = 0;
        loop {
            // Always the first page: what it held is gone when the next one is asked for.
            let page = self.store.list(ListRequest::prefix(prefix.clone())).await;
            let page = page.map_err(|error| error.with("deleted", deleted))?;
            if page.entries.is_empty() {
                return Ok(deleted);
            }
            let keys: Vec<String> = page.entries.iter().map(|entry| entry.key.to_string()).collect();
            let results =
                self.store.delete_many(&keys).await.map_err(|error| error.with("deleted", deleted))?;
            for result in results {
                result?;
            }
            deleted += keys.len() as u64;
        }
    }
}
