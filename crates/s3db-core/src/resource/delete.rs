//! Deleting documents.

use futures::stream::{self, StreamExt as _};

use super::{BatchError, BatchResult, Resource};
use crate::plan;
use crate::store::{Condition, DELETE_MANY_MAX, ListRequest};
use crate::{Error, ErrorKind, Result};

impl Resource {
    /// Deletes a document for good.
    ///
    /// Requests: 1 HEAD (1 GET with partitions) + 1 conditional DELETE, and 1 HEAD + 1 DELETE per partition.
    /// Errors: `NotFound`; `Conflict` after too many lost races.
    pub async fn delete(&self, id: &str) -> Result<()> {
        let state = self.state();
        let key = self.document_key(id)?;
        for attempt in 0..self.db.options.update_attempts_max {
            let delete = async {
                let (etag, references) = if state.partitions.is_empty() {
                    let head = self.db.store.head(&key).await?.ok_or_else(|| self.not_found(id))?;
                    (head.etag, Vec::new())
                } else {
                    let object = self.db.store.get(&key).await?.ok_or_else(|| self.not_found(id))?;
                    let etag = object.head.etag.clone();
                    // What cannot be read can still be deleted; its references are left for fsck.
                    let references = match self.decode(&state, id, object).await {
                        Ok(record) => self.references_of(&state, &record),
                        Err(error) => {
                            tracing::warn!(%error, "deleting an unreadable document; its references stay");
                            Vec::new()
                        }
                    };
                    (etag, references)
                };
                let plan = plan::delete(key.clone(), Condition::IfMatch(etag), references);
                crate::exec::run(self.db.store.as_ref(), plan, None).await
            };
            match delete.await {
                Err(error) if error.kind() == ErrorKind::Conflict => self.pause(attempt).await,
                result => return result.map(drop).map_err(|error: Error| self.at(error, id)),
            }
        }
        Err(self.at(self.lost_races(), id))
    }

    /// Deletes documents. Without partitions an absent id counts as deleted; with partitions it fails its item.
    ///
    /// Requests: 1 DeleteObjects per 1,000 ids; with partitions, those of [`delete`](Self::delete) for each.
    pub async fn delete_many<I>(&self, ids: I) -> BatchResult<String>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let ids: Vec<String> = ids.into_iter().map(Into::into).collect();
        let mut results = if self.state().partitions.is_empty() {
            self.delete_objects(&ids).await
        } else {
            let deletes = ids.iter().map(|id| self.delete(id));
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
            match self.db.store.delete_many(keys).await {
                Ok(deleted) => {
                    for (place, result) in places.iter().zip(deleted) {
                        results[*place] = result.map_err(|error| self.at(error, &ids[*place]));
                    }
                }
                Err(error) => {
                    for place in places {
                        let copy = Error::new(error.kind(), error.message()).retryable(error.is_retryable());
                        results[*place] = Err(self.at(copy, &ids[*place]));
                    }
                }
            }
        }
        results
    }

    /// Deletes every document of the resource and its references, and returns how many documents there were.
    ///
    /// Requests: 1 LIST + 1 DeleteObjects per 1,000 objects.
    /// Errors: `Denied` when the resource is paranoid, which is the default, and `force` is false.
    pub async fn delete_all(&self, force: bool) -> Result<u64> {
        if self.state().paranoid && !force {
            return Err(Error::new(
                ErrorKind::Denied,
                "the resource is paranoid and refuses to delete everything",
            )
            .with("resource", self.name())
            .hint("pass force, or create the resource with paranoid off"));
        }
        let documents = self.delete_prefix(self.db.keys.documents(self.name())?).await?;
        self.delete_prefix(self.db.keys.partitions(self.name(), None)?).await?;
        Ok(documents)
    }

    async fn delete_prefix(&self, prefix: String) -> Result<u64> {
        let mut deleted = 0;
        loop {
            // Always the first page: what it held is gone when the next one is asked for.
            let page = self.db.store.list(ListRequest::prefix(prefix.clone())).await?;
            if page.entries.is_empty() {
                return Ok(deleted);
            }
            let keys: Vec<String> = page.entries.iter().map(|entry| entry.key.to_string()).collect();
            for result in self.db.store.delete_many(&keys).await? {
                result?;
            }
            deleted += keys.len() as u64;
        }
    }
}
