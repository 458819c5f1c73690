//! Writing values of a Rust type.

use std::borrow::Borrow;

use serde_json::Value;

use super::convert::{Layout, carry_over};
use super::{Patch, Stored, Typed, TypedDocument};
use crate::resource::{BatchError, BatchResult, IfMatch};
use crate::store::ETag;
use crate::{Document, Error, ErrorKind, Result};

/// How often an upsert that finds the document now there, now gone, goes on.
const UPSERT_ATTEMPTS_MAX: u32 = 16;

impl<T: TypedDocument> Typed<T> {
    /// As [`Resource::insert`](crate::Resource::insert). The id is that of the id field, where the type has one and it is
    /// not empty; else it is generated. Returns the value as it is stored.
    ///
    /// Errors: also `Validation` of `validator::Validate`, where the type derives it.
    pub async fn insert(&self, value: &T) -> Result<Stored<T>> {
        let document = self.checked(value)?;
        self.stored(self.raw.insert(Value::Object(document)).await?)
    }

    /// As [`Resource::insert_many`](crate::Resource::insert_many).
    pub async fn insert_many<I>(&self, values: I) -> BatchResult<Stored<T>>
    where
        I: IntoIterator,
        I::Item: Borrow<T>,
    {
        let (mut documents, mut places, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for (index, value) in values.into_iter().enumerate() {
            match self.checked(value.borrow()) {
                Ok(document) => {
                    documents.push(Value::Object(document));
                    places.push(index);
                }
                Err(error) => refused.push(BatchError { index, id: None, error }),
            }
        }
        let inserted = self.raw.insert_many(documents).await;
        let mut failed_at: Vec<usize> = inserted.failed.iter().map(|failed| failed.index).collect();
        failed_at.sort_unstable();
        let place = |at: usize| places.get(at).copied().unwrap_or(at);
        let ok = (0..places.len()).filter(|at| failed_at.binary_search(at).is_err()).map(place);
        let failed =
            inserted.failed.into_iter().map(|failed| BatchError { index: place(failed.index), ..failed });
        refused.extend(failed);
        self.typed_batch(inserted.ok.into_iter().zip(ok), refused)
    }

    /// As [`Resource::replace`](crate::Resource::replace): fields that the type does not know are gone.
    pub async fn replace(&self, id: &str, value: &T) -> Result<Stored<T>> {
        let document = self.checked(value)?;
        self.stored(self.raw.replace(id, Value::Object(document)).await?)
    }

    /// Changes fields of a document: `users.update("ann", User::age().set(31))`, or a list of changes. When another writer
    /// was faster the changes are made to what that writer left.
    ///
    /// Requests and errors: as [`Resource::update`](crate::Resource::update); `Validation` when the document does not fit
    /// the type after the change.
    pub async fn update(&self, id: &str, changes: impl Into<Patch<T>>) -> Result<Stored<T>> {
        let changes = changes.into();
        self.stored(self.raw.update_with(id, |data| self.patch_document(id, data, &changes)).await?)
    }

    /// The same as [`update`](Self::update).
    pub async fn patch(&self, id: &str, changes: impl Into<Patch<T>>) -> Result<Stored<T>> {
        self.update(id, changes).await
    }

    /// Reads a value, lets `edit` change it, and writes what is different, so that no change of another writer is lost,
    /// and no field that the type does not know.
    ///
    /// `edit` runs again each time that a race is lost, so that it must only compute.
    ///
    /// Requests and errors: as [`Resource::update_with`](crate::Resource::update_with).
    pub async fn update_with(
        &self,
        id: &str,
        edit: impl Fn(&mut T) -> Result<()> + Send + Sync,
    ) -> Result<Stored<T>> {
        self.stored(self.raw.update_with(id, |data| self.edit_document(id, data, &edit)).await?)
    }

    /// Sets all fields of the document of this id, or creates it. Fields that the type does not know stay.
    ///
    /// Requests: 1 GET + 1 conditional PUT, and those of partitions and unique values.
    /// Errors: `Validation` when the value holds no id; else as [`update`](Self::update) and [`insert`](Self::insert).
    pub async fn upsert(&self, value: &T) -> Result<Stored<T>> {
        let document = self.checked(value)?;
        let mut fields = document.clone();
        let Some(id) = Layout::take_id(&mut fields) else {
            return Err(self.at(Error::new(ErrorKind::Validation, "upsert needs an id")
                .hint("mark the field that holds it with #[document(id)]")));
        };
        for _ in 0..UPSERT_ATTEMPTS_MAX {
            let overwrite = |data: &mut Document| {
                self.layout.overwrite(data, &fields);
                Ok(())
            };
            match self.raw.update_with(&id, overwrite).await {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                updated => return self.stored(updated?),
            }
            match self.raw.insert(Value::Object(document.clone())).await {
                Err(error) if error.kind() == ErrorKind::AlreadyExists && !error.is_outcome_unknown() => {}
                inserted => return self.stored(inserted?),
            }
        }
        Err(self.at(Error::new(ErrorKind::Conflict, "other writers kept creating and deleting the document")
            .with("id", id)
            .retryable(true)))
    }

    /// As [`Resource::if_match`](crate::Resource::if_match): the next write happens only if the document has this ETag.
    pub fn if_match(&self, etag: &ETag) -> TypedIfMatch<T> {
        TypedIfMatch { resource: self.clone(), raw: self.raw.if_match(etag) }
    }

    pub(super) fn checked(&self, value: &T) -> Result<Document> {
        value.check().and_then(|()| self.layout.to_document(value)).map_err(|error| self.at(error))
    }

    fn patch_document(&self, id: &str, data: &mut Document, changes: &Patch<T>) -> Result<()> {
        changes.apply(data)?;
        self.layout.to_value::<T>(id, data.clone())?.check()
    }

    fn edit_document(
        &self,
        id: &str,
        data: &mut Document,
        edit: impl Fn(&mut T) -> Result<()> + Send + Sync,
    ) -> Result<()> {
        let mut value: T = self.layout.to_value(id, data.clone())?;
        let before = self.layout.to_document(&value)?;
        edit(&mut value)?;
        value.check()?;
        carry_over(data, &before, &self.layout.to_document(&value)?);
        Ok(())
    }
}

/// Writes of a typed resource under the condition that the document has a given ETag; made by [`Typed::if_match`].
#[derive(Debug, Clone)]
#[must_use = "it writes nothing by itself"]
pub struct TypedIfMatch<T> {
    resource: Typed<T>,
    raw: IfMatch,
}

impl<T: TypedDocument> TypedIfMatch<T> {
    /// As [`Typed::update`]. Errors: also `Conflict` when the document has another ETag; it is not tried again.
    pub async fn update(&self, id: &str, changes: impl Into<Patch<T>>) -> Result<Stored<T>> {
        let (changes, typed) = (changes.into(), &self.resource);
        typed.stored(self.raw.update_with(id, |data| typed.patch_document(id, data, &changes)).await?)
    }

    /// As [`Typed::update_with`]. Errors: as [`update`](Self::update).
    pub async fn update_with(
        &self,
        id: &str,
        edit: impl Fn(&mut T) -> Result<()> + Send + Sync,
    ) -> Result<Stored<T>> {
        let typed = &self.resource;
        typed.stored(self.raw.update_with(id, |data| typed.edit_document(id, data, &edit)).await?)
    }

    /// As [`Typed::replace`]. Errors: also `Conflict` when the document has another ETag, or is absent.
    pub async fn replace(&self, id: &str, value: &T) -> Result<Stored<T>> {
        let document = self.resource.checked(value)?;
        self.resource.stored(self.raw.replace(id, Value::Object(document)).await?)
    }

    /// As [`Typed::delete`]. Errors: also `Conflict` when the document has another ETag.
    pub async fn delete(&self, id: &str) -> Result<()> {
        self.raw.delete(id).await
    }
}
