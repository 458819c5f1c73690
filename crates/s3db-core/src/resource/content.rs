//! Documents whose body is the user's own content: updates keep it.

use std::sync::Arc;

use bytes::Bytes;

use super::codec::{Operation, Placed};
use super::{Resource, State};
use crate::behavior::Behavior;
use crate::store::Object;
use crate::{Document, Result};

/// Entries that describe raw content, as s3db.js writes them.
const ENTRIES: [&str; 3] = ["_hascontent", "_mimetype", "_contentlength"];

/// The content of a document, and the entries that describe it.
pub(super) struct Content {
    body: Bytes,
    content_type: Option<Arc<str>>,
    entries: Vec<(&'static str, String)>,
}

impl Content {
    fn entry_bytes(&self) -> usize {
        self.entries.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}

impl Resource {
    /// The user's content, where the body is that.
    pub(super) fn content_of(&self, object: &Object) -> Option<Content> {
        let metadata = &object.head.metadata;
        if metadata.get("_hascontent") != Some("true") || object.body.is_empty() {
            return None;
        }
        let entries =
            ENTRIES.iter().filter_map(|name| Some((*name, metadata.get(name)?.to_owned()))).collect();
        Some(Content { body: object.body.clone(), content_type: object.head.content_type.clone(), entries })
    }

    /// Places a document whose body is taken by content: all fields go to the metadata, whatever the behavior.
    ///
    /// Errors: `TooLarge` when they do not fit there.
    pub(super) async fn place_beside_content(
        &self,
        state: &Arc<State>,
        id: &str,
        data: Document,
        operation: Operation,
        content: Content,
    ) -> Result<Placed> {
        let taken = content.entry_bytes() + crate::plan::STAMP.len() + crate::id::STAMP_BYTES_MAX;
        let limit = self.db.metadata_bytes_max().saturating_sub(taken);
        let mut placed = self
            .place_as(Behavior::EnforceLimits, limit, state, id, data, operation)
            .await
            .map_err(|error| {
                error.hint("the body holds the document's content, so its fields must fit the metadata")
            })?;
        let mut metadata = Arc::unwrap_or_clone(placed.object.metadata);
        for (name, value) in content.entries {
            metadata.insert(name, value);
        }
        if let Some(stamp) = &placed.stamp {
            metadata.insert(crate::plan::STAMP, stamp.as_str());
        }
        placed.object.metadata = Arc::new(metadata);
        placed.object.body = content.body;
        placed.object.content_type = content.content_type;
        Ok(placed)
    }
}
