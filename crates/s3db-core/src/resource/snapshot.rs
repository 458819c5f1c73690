//! Snapshots: what a document was before an update brought it to a new version of its schema.

use std::sync::Arc;

use bytes::Bytes;

use super::content::{ENTRIES, JSON};
use super::record::version_of;
use super::{Record, Resource, State};
use crate::behavior;
use crate::encoding::{iso_from_ms, text};
use crate::op::{HookPoint, VersionAt};
use crate::plan::{STAMP, Snapshot};
use crate::store::{Metadata, Object, PutObject};
use crate::{Error, Result};

/// When a snapshot was kept, as s3db.js writes it.
const KEPT_AT: &str = "_historicaltimestamp";

impl Resource {
    /// What the document was before an update last brought it to a new version of its schema; `None` when no update has.
    ///
    /// Databases with the option [`versioning`](crate::database::DatabaseOptions::versioning) keep it at every such update,
    /// one a document, at the place of s3db.js's `createHistoricalVersion`. It is read with the types and keys that it was
    /// written with, and without migrations: [`RecordMeta::version`] tells its version, and
    /// [`RecordMeta::last_modified_ms`] when it was kept. It outlives the document, and the content of the document is not
    /// in it.
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use s3db_core::{Database, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let db = Database::builder("memory://shop/snapshot")?.options(|options| options.versioning = true).connect().await?;
    /// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string", "age": "string"}))).await?;
    /// users.insert(json!({"id": "ann", "name": "Ann", "age": "30"})).await?;
    /// users.update_attributes(json!({"name": "string", "age": "number"})).await?;
    /// users.update("ann", json!({"age": 31})).await?;
    ///
    /// let before = users.snapshot("ann").await?.unwrap();
    /// assert_eq!((&before.data["age"], before.meta.version.as_str()), (&json!("30"), "v1"));
    /// # Ok(()) }) }
    /// ```
    ///
    /// Requests: 1 GET. Errors: `Corrupt` when it does not decode; `Crypto` when a secret does not open.
    ///
    /// [`RecordMeta::version`]: crate::resource::RecordMeta::version
    /// [`RecordMeta::last_modified_ms`]: crate::resource::RecordMeta::last_modified_ms
    pub async fn snapshot(&self, id: &str) -> Result<Option<Record>> {
        self.get_at(id, VersionAt::Snapshot).await
    }

    pub(super) async fn read_snapshot(&self, id: &str) -> Result<Option<Record>> {
        let at = |error: Error| self.at(error, id);
        let key = self.db.keys.historical(self.name(), id).map_err(at)?;
        let Some(object) = self.store.get(&key).await.map_err(at)? else {
            return Ok(None);
        };
        let of_snapshot = |error: Error| self.at(error, id).with("key", &key);
        let record = self.decode_stored(&self.state(), id, object).await.map_err(of_snapshot)?;
        self.after(HookPoint::AfterGet, record, None).await.map(Some).map_err(of_snapshot)
    }

    /// What is to be kept of a document that an update is about to bring to the current version.
    pub(super) fn snapshot_before(&self, state: &State, id: &str, stored: &Object) -> Option<Snapshot> {
        let is_left =
            self.db.options.versioning && version_of(&stored.head.metadata, &state.version) != state.version;
        if !is_left {
            return None;
        }
        match self.db.keys.historical(self.name(), id) {
            Ok(key) => Some(Snapshot { key, object: self.kept(id, stored) }),
            // The key is a little longer than that of the document, which must not fail for it.
            Err(error) => {
                tracing::warn!(resource = self.name(), id, %error, "no snapshot is kept");
                None
            }
        }
    }

    /// The stored document, to the byte, with its id and the time where there is room for them. Content stays where it is: in
    /// the document.
    fn kept(&self, id: &str, stored: &Object) -> PutObject {
        let Object { head, body } = stored;
        let is_content = behavior::is_content(&head.metadata, body);
        let is_bare = is_content || body.is_empty() || behavior::is_stamp_alone(body);
        let left_out = |name: &str| is_content && (name == STAMP || ENTRIES.contains(&name));
        let mut metadata = head.metadata.iter().filter(|(name, _)| !left_out(name)).collect::<Metadata>();
        let now = iso_from_ms(self.db.env.now_ms()).unwrap_or_default();
        let limit = self.db.metadata_bytes_max();
        for (name, value) in [(KEPT_AT, text::encode(&now)), ("id", text::encode(id))] {
            if metadata.size_bytes() + name.len() + value.len() <= limit {
                metadata.insert(name, value.as_ref());
            }
        }
        // A snapshot without a body needs a stamp of its own, so that no other one has its ETag.
        let (body, content_type) = match is_bare.then_some(self.db.options.stamps) {
            None => (body.clone(), head.content_type.clone()),
            Some(true) => {
                let stamp = crate::id::stamp(self.db.env.as_ref());
                (behavior::stamp_alone(&stamp).into(), Some(Arc::from(JSON)))
            }
            Some(false) => (Bytes::new(), None),
        };
        PutObject { metadata: Arc::new(metadata), body, content_type }
    }
}
