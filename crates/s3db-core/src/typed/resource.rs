//! Resources whose documents are values of a Rust type: reading and deleting.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::convert::{Layout, stored};
use super::{Stored, TypedDocument};
use crate::resource::{BatchError, BatchResult, ListOptions, NewContent, ReadContent};
use crate::{Error, Resource, Result};

/// A [`Resource`] whose documents are values of `T`, from [`Database::resource_of`](crate::Database::resource_of).
///
/// It has the verbs of [`Resource`], and sends the same requests. Cheap to clone.
pub struct Typed<T> {
    pub(super) raw: Resource,
    pub(super) layout: Arc<Layout>,
    of: PhantomData<fn() -> T>,
}

impl<T: TypedDocument> Typed<T> {
    /// Speaks of `resource` in values of `T`. Compares no schemas: that does
    /// [`Database::resource_of`](crate::Database::resource_of).
    pub fn over(resource: Resource) -> Self {
        Self { raw: resource, layout: Arc::new(Layout::of::<T>()), of: PhantomData }
    }

    /// The same resource, which speaks of JSON.
    pub fn dynamic(&self) -> &Resource {
        &self.raw
    }

    /// As [`Resource::uncached`].
    pub fn uncached(&self) -> Self {
        Self { raw: self.raw.uncached(), ..self.clone() }
    }

    /// Name of the resource.
    pub fn name(&self) -> &str {
        self.raw.name()
    }

    /// Version of the current schema, such as `v1`.
    pub fn version(&self) -> String {
        self.raw.version()
    }

    /// As [`Resource::get`]. Errors: also `Validation` when the document does not fit the type, naming the field.
    pub async fn get(&self, id: &str) -> Result<Stored<T>> {
        self.stored(self.raw.get(id).await?)
    }

    /// As [`Resource::get_or_none`]. Errors: as [`get`](Self::get).
    pub async fn get_or_none(&self, id: &str) -> Result<Option<Stored<T>>> {
        self.raw.get_or_none(id).await?.map(|record| self.stored(record)).transpose()
    }

    /// As [`Resource::get_many`].
    pub async fn get_many<I>(&self, ids: I) -> BatchResult<Stored<T>>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let ids: Vec<String> = ids.into_iter().map(Into::into).collect();
        let found = self.raw.get_many(ids.clone()).await;
        // Items that failed are missing among those that did not.
        let mut failed: Vec<usize> = found.failed.iter().map(|failed| failed.index).collect();
        failed.sort_unstable();
        let places = (0..ids.len()).filter(|index| failed.binary_search(index).is_err());
        self.typed_batch(found.ok.into_iter().zip(places), found.failed)
    }

    /// As [`Resource::exists`].
    pub async fn exists(&self, id: &str) -> Result<bool> {
        self.raw.exists(id).await
    }

    /// As [`Resource::count`].
    pub async fn count(&self) -> Result<u64> {
        self.raw.count().await
    }

    /// As [`Resource::list_ids`].
    pub async fn list_ids(&self, options: ListOptions) -> Result<Vec<String>> {
        self.raw.list_ids(options).await
    }

    /// As [`Resource::content`].
    pub fn content(&self, id: &str) -> ReadContent {
        self.raw.content(id)
    }

    /// As [`Resource::has_content`].
    pub async fn has_content(&self, id: &str) -> Result<bool> {
        self.raw.has_content(id).await
    }

    /// As [`Resource::set_content`].
    pub async fn set_content(&self, id: &str, content: impl Into<NewContent>) -> Result<Stored<T>> {
        self.stored(self.raw.set_content(id, content).await?)
    }

    /// As [`Resource::delete_content`].
    pub async fn delete_content(&self, id: &str) -> Result<Stored<T>> {
        self.stored(self.raw.delete_content(id).await?)
    }

    /// As [`Resource::delete`].
    pub async fn delete(&self, id: &str) -> Result<()> {
        self.raw.delete(id).await
    }

    /// As [`Resource::delete_many`].
    pub async fn delete_many<I>(&self, ids: I) -> BatchResult<String>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.raw.delete_many(ids).await
    }

    /// As [`Resource::delete_all`].
    pub async fn delete_all(&self, force: bool) -> Result<u64> {
        self.raw.delete_all(force).await
    }

    pub(super) fn stored(&self, record: crate::Record) -> Result<Stored<T>> {
        stored(&self.layout, record).map_err(|error| self.at(error))
    }

    pub(super) fn at(&self, error: Error) -> Error {
        error.with("resource", self.name())
    }

    pub(super) fn typed_batch(
        &self,
        records: impl Iterator<Item = (crate::Record, usize)>,
        failed: Vec<BatchError>,
    ) -> BatchResult<Stored<T>> {
        let mut batch = BatchResult { ok: Vec::new(), failed };
        for (record, index) in records {
            let id = record.id.clone();
            match self.stored(record) {
                Ok(value) => batch.ok.push(value),
                Err(error) => batch.failed.push(BatchError { index, id: Some(id), error }),
            }
        }
        batch.failed.sort_by_key(|failed| failed.index);
        batch
    }
}

impl<T> Clone for Typed<T> {
    fn clone(&self) -> Self {
        Self { raw: self.raw.clone(), layout: self.layout.clone(), of: PhantomData }
    }
}

impl<T> fmt::Debug for Typed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Typed").field("resource", &self.raw.name()).finish_non_exhaustive()
    }
}
