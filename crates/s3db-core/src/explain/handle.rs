//! The verbs of a resource, explained instead of run.

use serde_json::Value;

use super::{ExplainQuery, Explanation, Rehearsal};
use crate::resource::{BatchResult, ListOptions, NewContent};
use crate::store::ETag;
use crate::{Document, Error, ErrorKind, Resource, Result};

/// The verbs of a [`Resource`], each of which says what it would send and changes nothing.
///
/// Errors, for every verb: those of the store, when a read that decides what comes next fails. That the call itself would
/// be refused is no error here, but told by [`Explanation::refused`].
#[derive(Debug, Clone)]
#[must_use = "it explains nothing by itself"]
pub struct Explain {
    resource: Resource,
}

impl Resource {
    /// Explains calls instead of running them.
    ///
    /// Nothing is changed: no object, no event, no change feed, no index write of the background, no number of a sequence.
    /// Reads that a write needs are sent. Closures that are given, such as those of `update_with`, run.
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use s3db_core::{Database, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let db = Database::connect("memory://shop/explain").await?;
    /// let config = ResourceConfig::new("users", json!({"name": "string", "city": "string"}))
    ///     .partitions(json!({"byCity": {"fields": {"city": "string"}}}));
    /// let users = db.create_resource(config).await?;
    /// users.insert(json!({"id": "ann", "name": "Ann", "city": "Porto"})).await?;
    ///
    /// let plan = users.explain().update("ann", json!({"city": "Lisbon"})).await?;
    /// println!("{plan}");
    /// assert_eq!(plan.requests.to_string(), "1 GET + 1 HEAD + 2 PUT + 1 DELETE");
    /// assert_eq!(users.get("ann").await?.data["city"], "Porto");
    /// # Ok(()) }) }
    /// ```
    pub fn explain(&self) -> Explain {
        Explain { resource: self.clone() }
    }
}

impl Explain {
    /// Explains any calls: runs them on a handle that changes nothing, and returns what they returned as well.
    pub async fn run<T>(&self, calls: impl AsyncFnOnce(Resource) -> T) -> (T, Explanation) {
        let (resource, rehearsal) = self.rehearsal();
        let result = calls(resource).await;
        (result, rehearsal.explanation())
    }

    /// Explains [`Resource::insert`].
    pub async fn insert(&self, value: Value) -> Result<Explanation> {
        self.write(async |users| users.insert(value).await).await
    }

    /// Explains [`Resource::insert_many`].
    pub async fn insert_many(&self, values: impl IntoIterator<Item = Value>) -> Result<Explanation> {
        self.batch(async |users| users.insert_many(values).await).await
    }

    /// Explains [`Resource::update`].
    pub async fn update(&self, id: &str, changes: Value) -> Result<Explanation> {
        self.write(async |users| users.update(id, changes).await).await
    }

    /// Explains [`Resource::patch`].
    pub async fn patch(&self, id: &str, changes: Value) -> Result<Explanation> {
        self.update(id, changes).await
    }

    /// Explains [`Resource::update_with`]. `edit` runs on the document as it is.
    pub async fn update_with(
        &self,
        id: &str,
        edit: impl Fn(&mut Document) -> Result<()> + Send + Sync,
    ) -> Result<Explanation> {
        self.write(async |users| users.update_with(id, edit).await).await
    }

    /// Explains [`Resource::upsert`].
    pub async fn upsert(&self, value: Value) -> Result<Explanation> {
        self.write(async |users| users.upsert(value).await).await
    }

    /// Explains [`Resource::replace`].
    pub async fn replace(&self, id: &str, value: Value) -> Result<Explanation> {
        self.write(async |users| users.replace(id, value).await).await
    }

    /// Explains [`Resource::delete`].
    pub async fn delete(&self, id: &str) -> Result<Explanation> {
        self.write(async |users| users.delete(id).await).await
    }

    /// Explains [`Resource::delete_many`].
    pub async fn delete_many<I>(&self, ids: I) -> Result<Explanation>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.batch(async |users| users.delete_many(ids).await).await
    }

    /// Explains [`Resource::delete_all`]. All keys are listed for that.
    pub async fn delete_all(&self, force: bool) -> Result<Explanation> {
        self.write(async |users| users.delete_all(force).await).await
    }

    /// Explains [`Resource::set_content`].
    pub async fn set_content(&self, id: &str, content: impl Into<NewContent>) -> Result<Explanation> {
        self.write(async |users| users.set_content(id, content).await).await
    }

    /// Explains [`Resource::delete_content`].
    pub async fn delete_content(&self, id: &str) -> Result<Explanation> {
        self.write(async |users| users.delete_content(id).await).await
    }

    /// Explains [`Resource::undo`]. The versions that it needs are read for that.
    pub async fn undo(&self, id: &str) -> Result<Explanation> {
        self.write(async |users| users.undo(id).await).await
    }

    /// Explains [`Resource::restore_version`]. The version is read for that.
    pub async fn restore_version(&self, id: &str, version_id: &str) -> Result<Explanation> {
        self.write(async |users| users.restore_version(id, version_id).await).await
    }

    /// Explains [`Resource::content`]. Sends nothing.
    pub async fn content(&self, id: &str) -> Result<Explanation> {
        self.read(async |users| users.content(id).await).await
    }

    /// Explains [`Resource::has_content`]. Sends nothing; where only the body tells, the call sends a GET more.
    pub async fn has_content(&self, id: &str) -> Result<Explanation> {
        self.read(async |users| users.has_content(id).await).await
    }

    /// Explains writes under the condition of [`Resource::if_match`].
    pub fn if_match(&self, etag: &ETag) -> ExplainIfMatch {
        ExplainIfMatch { explain: self.clone(), etag: etag.clone() }
    }

    /// Explains [`Resource::get`]. Sends nothing: whether the document is there makes no difference.
    pub async fn get(&self, id: &str) -> Result<Explanation> {
        self.read(async |users| users.get(id).await).await
    }

    /// Explains [`Resource::get_many`]. Sends nothing.
    pub async fn get_many<I>(&self, ids: I) -> Result<Explanation>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.read(async |users| {
            users.get_many(ids).await;
            Ok(())
        })
        .await
    }

    /// Explains [`Resource::exists`]. Sends nothing.
    pub async fn exists(&self, id: &str) -> Result<Explanation> {
        self.read(async |users| users.exists(id).await).await
    }

    /// Explains [`Resource::list_ids`]. The ids are listed for that.
    pub async fn list_ids(&self, options: ListOptions) -> Result<Explanation> {
        self.read(async |users| users.list_ids(options).await).await
    }

    /// Explains [`Resource::list`]. The ids are listed for that; the documents are not read.
    pub async fn list(&self, options: ListOptions) -> Result<Explanation> {
        self.read(async |users| users.list(options).await).await
    }

    /// Explains [`Resource::get_all`]. As [`list`](Self::list).
    pub async fn get_all(&self) -> Result<Explanation> {
        self.list(ListOptions::default()).await
    }

    /// Explains [`Resource::count`]. The keys are listed for that.
    pub async fn count(&self) -> Result<Explanation> {
        self.read(async |users| users.count().await).await
    }

    /// Explains [`Resource::page`]. The ids of the page are listed for that; the documents are not read.
    pub async fn page(&self, size: usize, cursor: Option<&str>) -> Result<Explanation> {
        self.read(async |users| users.page(size, cursor).await).await
    }

    /// Explains [`Resource::query`].
    pub fn query(&self, filter: Value) -> ExplainQuery {
        ExplainQuery::new(self.resource.query(filter))
    }

    /// Explains calls that write.
    async fn write<T>(&self, calls: impl AsyncFnOnce(Resource) -> Result<T>) -> Result<Explanation> {
        let (result, explanation) = self.run(calls).await;
        with_refusals(explanation, result.err())
    }

    /// Explains a call on many documents.
    async fn batch<T>(&self, calls: impl AsyncFnOnce(Resource) -> BatchResult<T>) -> Result<Explanation> {
        let (batch, explanation) = self.run(calls).await;
        with_refusals(explanation, batch.failed.into_iter().map(|failed| failed.error))
    }

    /// Explains calls that only read, without reading documents.
    pub(super) async fn read<T>(
        &self,
        calls: impl AsyncFnOnce(Resource) -> Result<T>,
    ) -> Result<Explanation> {
        let (resource, rehearsal) = self.rehearsal();
        rehearsal.skip_documents();
        let refused = match calls(resource).await {
            // Of documents that were not read nothing is known.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Corrupt) => None,
            result => result.err(),
        };
        with_refusals(rehearsal.explanation(), refused)
    }

    fn rehearsal(&self) -> (Resource, Rehearsal) {
        self.resource.rehearsed()
    }
}

/// The verbs of [`IfMatch`](crate::resource::IfMatch), explained.
#[derive(Debug, Clone)]
#[must_use = "it explains nothing by itself"]
pub struct ExplainIfMatch {
    explain: Explain,
    etag: ETag,
}

impl ExplainIfMatch {
    /// Explains [`IfMatch::update`](crate::resource::IfMatch::update).
    pub async fn update(&self, id: &str, changes: Value) -> Result<Explanation> {
        self.explain.write(async |users| users.if_match(&self.etag).update(id, changes).await).await
    }

    /// Explains [`IfMatch::replace`](crate::resource::IfMatch::replace).
    pub async fn replace(&self, id: &str, value: Value) -> Result<Explanation> {
        self.explain.write(async |users| users.if_match(&self.etag).replace(id, value).await).await
    }

    /// Explains [`IfMatch::delete`](crate::resource::IfMatch::delete).
    pub async fn delete(&self, id: &str) -> Result<Explanation> {
        self.explain.write(async |users| users.if_match(&self.etag).delete(id).await).await
    }
}

/// Adds why the call would be refused. That the store failed is no refusal: nothing can then be said of the call.
pub(super) fn with_refusals(
    mut explanation: Explanation,
    errors: impl IntoIterator<Item = Error>,
) -> Result<Explanation> {
    for error in errors {
        let of_store = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Throttled)
            || error.kind() == ErrorKind::NotFound && error.context("bucket").is_some();
        if of_store {
            return Err(error);
        }
        explanation.refused.push(error);
    }
    Ok(explanation)
}
