//! Writes that happen only if the document is the one that the caller has read.

use serde_json::Value;

use super::{NewContent, Record, Resource, document};
use crate::op::Edit;
use crate::store::ETag;
use crate::{Document, Result};

/// Writes of a resource under the condition that the document has a given ETag; made by [`Resource::if_match`].
#[derive(Debug, Clone)]
#[must_use = "it writes nothing by itself"]
pub struct IfMatch {
    resource: Resource,
    etag: ETag,
}

impl Resource {
    /// Writes only if the document still has the ETag that the caller has seen in [`RecordMeta::etag`].
    ///
    /// How much that proves says [`RecordMeta::check`].
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use s3db_core::{Database, ErrorKind, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let db = Database::connect("memory://shop/if_match").await?;
    /// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
    /// let seen = users.insert(json!({"id": "ann", "name": "Ann"})).await?.meta.etag;
    /// users.update("ann", json!({"name": "Anna"})).await?;
    ///
    /// let refused = users.if_match(&seen).update("ann", json!({"name": "Annie"})).await;
    /// assert_eq!(refused.unwrap_err().kind(), ErrorKind::Conflict);
    /// # Ok(()) }) }
    /// ```
    ///
    /// [`RecordMeta::etag`]: crate::resource::RecordMeta::etag
    /// [`RecordMeta::check`]: crate::resource::RecordMeta::check
    pub fn if_match(&self, etag: &ETag) -> IfMatch {
        IfMatch { resource: self.clone(), etag: etag.clone() }
    }
}

impl IfMatch {
    /// As [`Resource::update`]. Errors: also `Conflict` when the document has another ETag; it is not tried again.
    pub async fn update(&self, id: &str, changes: Value) -> Result<Record> {
        self.resource.edit(id, Edit::Merge(document(changes)?), Some(self.etag.clone())).await
    }

    /// As [`Resource::update_with`]. Errors: as [`update`](Self::update).
    pub async fn update_with(
        &self,
        id: &str,
        edit: impl Fn(&mut Document) -> Result<()> + Send + Sync,
    ) -> Result<Record> {
        self.resource.edit(id, Edit::With(&edit), Some(self.etag.clone())).await
    }

    /// As [`Resource::replace`]. Requests: 1 GET + 1 conditional PUT, and those of partitions and unique values.
    /// Errors: also `Conflict` when the document has another ETag, or is absent.
    pub async fn replace(&self, id: &str, value: Value) -> Result<Record> {
        self.resource.replace_if(id, value, Some(self.etag.clone())).await
    }

    /// As [`Resource::set_content`]. Errors: as [`update`](Self::update).
    pub async fn set_content(&self, id: &str, content: impl Into<NewContent>) -> Result<Record> {
        self.resource.set_content_if(id, content.into(), Some(self.etag.clone())).await
    }

    /// As [`Resource::delete_content`]. Errors: as [`update`](Self::update).
    pub async fn delete_content(&self, id: &str) -> Result<Record> {
        self.resource.delete_content_if(id, Some(self.etag.clone())).await
    }

    /// As [`Resource::delete`]. Errors: also `Conflict` when the document has another ETag.
    pub async fn delete(&self, id: &str) -> Result<()> {
        self.resource.delete_if(id, Some(self.etag.clone())).await
    }
}
