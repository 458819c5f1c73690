//! Documents whose body is the user's own content: set, read and deleted here, and kept by updates.

use std::sync::Arc;

use bytes::Bytes;

mod read;
mod stream;
mod to_file;

pub use read::{Content, ReadContent};
pub use stream::{ContentStream, OpenedContent};

use super::codec::{Operation, Placed};
use super::commit::Commit;
use super::update::lost_race;
use super::{Record, Resource, State, WriteCheck};
use crate::behavior::{self, Behavior, Told, private};
use crate::op::Op;
use crate::plan::{Indexes, STAMP};
use crate::store::{Condition, ETag, Metadata, Object, PutObject};
use crate::{Document, Error, ErrorKind, Result};

/// Entries that describe content, as s3db.js writes them.
pub(super) const ENTRIES: [&str; 3] = [private::HAS_CONTENT, private::MIME_TYPE, private::CONTENT_LENGTH];

/// Type of a body that is a stamp.
pub(super) const JSON: &str = "application/json";

/// Type of content that comes without one.
const CONTENT_TYPE_DEFAULT: &str = "application/octet-stream";

/// Longest content type, in bytes: it stands in a header, and in the metadata.
const CONTENT_TYPE_BYTES_MAX: usize = 255;

/// Content of a document, to be written by [`Resource::set_content`].
///
/// ```
/// use s3db_core::resource::NewContent;
///
/// let logo = NewContent::new(vec![0x89, b'P', b'N', b'G']).content_type("image/png");
/// ```
#[derive(Debug, Clone)]
pub struct NewContent {
    bytes: Bytes,
    content_type: Arc<str>,
}

impl NewContent {
    /// Content of the type `application/octet-stream`.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), content_type: CONTENT_TYPE_DEFAULT.into() }
    }

    /// Its type, such as `image/png`: it stands in the header `Content-Type` of the object.
    #[must_use]
    pub fn content_type(mut self, content_type: impl AsRef<str>) -> Self {
        self.content_type = content_type.as_ref().into();
        self
    }

    fn check(&self) -> Result<()> {
        let refused = |message, field| Error::new(ErrorKind::Validation, message).with("field", field);
        if self.bytes.is_empty() {
            return Err(refused("content cannot be empty", "content").hint("delete_content takes it away"));
        }
        let text = &self.content_type;
        let is_type = text.contains('/') && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if !is_type || text.len() > CONTENT_TYPE_BYTES_MAX {
            return Err(refused("the content type is none", "content_type")
                .with("got", text.escape_debug())
                .hint("type/subtype in ASCII, such as image/png, of at most 255 bytes"));
        }
        Ok(())
    }
}

impl From<Bytes> for NewContent {
    fn from(bytes: Bytes) -> Self {
        Self::new(bytes)
    }
}

impl From<Vec<u8>> for NewContent {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

impl From<&'static [u8]> for NewContent {
    fn from(bytes: &'static [u8]) -> Self {
        Self::new(bytes)
    }
}

/// The body of a document with content, and the entries that describe it.
pub(super) struct Kept {
    body: Bytes,
    content_type: Option<Arc<str>>,
    entries: Vec<(&'static str, String)>,
}

impl Kept {
    fn new(content: &NewContent) -> Self {
        let values = ["true".to_owned(), content.content_type.to_string(), content.bytes.len().to_string()];
        Self {
            body: content.bytes.clone(),
            content_type: Some(content.content_type.clone()),
            entries: ENTRIES.into_iter().zip(values).collect(),
        }
    }

    fn entry_bytes(&self) -> usize {
        self.entries.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    fn describe(&self, metadata: &mut Metadata) {
        for (name, value) in &self.entries {
            metadata.insert(name, value);
        }
    }
}

impl Resource {
    /// Gives a document content of the user's own, such as a picture, in place of what it had. Its fields stay as they
    /// are.
    ///
    /// The content takes the body of the document's object, so that all fields must fit the metadata, whatever the
    /// behavior of the resource: the format has no room for both in the body.
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use s3db_core::resource::NewContent;
    /// use s3db_core::{Database, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let db = Database::connect("memory://shop/content").await?;
    /// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
    /// users.insert(json!({"id": "ann", "name": "Ann"})).await?;
    ///
    /// let picture = NewContent::new(vec![1, 2, 3]).content_type("image/png");
    /// let ann = users.set_content("ann", picture).await?;
    /// assert!(ann.meta.has_content && ann.data["name"] == "Ann");
    /// let content = users.content("ann").await?.expect("it was set");
    /// assert_eq!(content.content_type.as_deref(), Some("image/png"));
    /// # Ok(()) }) }
    /// ```
    ///
    /// Requests: 1 GET + 1 conditional PUT. When another writer was faster the document is read again.
    /// Errors: `NotFound`; `Validation` for empty content or a bad content type; `TooLarge` when the fields do not fit
    /// the metadata; `Conflict` after too many lost races. Nothing was written then.
    pub async fn set_content(&self, id: &str, content: impl Into<NewContent>) -> Result<Record> {
        self.set_content_if(id, content.into(), None).await
    }

    pub(super) async fn set_content_if(
        &self,
        id: &str,
        content: NewContent,
        if_match: Option<ETag>,
    ) -> Result<Record> {
        match self.chain() {
            None => self.set_content_now(id, &content, if_match.as_ref()).await,
            Some(chain) => {
                let id = id.to_owned();
                chain.run(self, Op::SetContent { id, content, if_match }).await?.record()
            }
        }
    }

    pub(super) async fn set_content_now(
        &self,
        id: &str,
        content: &NewContent,
        expected: Option<&ETag>,
    ) -> Result<Record> {
        content.check().map_err(|error| self.at(error, id))?;
        self.change_content(id, Some(content), expected).await
    }

    /// Takes the content of a document away. Its fields stay. A document without content stays as it is.
    ///
    /// Requests: 1 GET + 1 conditional PUT; 1 GET where there is no content.
    /// Errors: `NotFound`; `Conflict` after too many lost races.
    pub async fn delete_content(&self, id: &str) -> Result<Record> {
        self.delete_content_if(id, None).await
    }

    pub(super) async fn delete_content_if(&self, id: &str, if_match: Option<ETag>) -> Result<Record> {
        match self.chain() {
            None => self.delete_content_now(id, if_match.as_ref()).await,
            Some(chain) => chain.run(self, Op::DeleteContent { id: id.to_owned(), if_match }).await?.record(),
        }
    }

    pub(super) async fn delete_content_now(&self, id: &str, expected: Option<&ETag>) -> Result<Record> {
        self.change_content(id, None, expected).await
    }

    /// Whether a document has content. False when there is no such document.
    ///
    /// Requests: 1 HEAD; 1 GET more for JSON, and for texts that s3db.js has written, where only the body tells.
    pub async fn has_content(&self, id: &str) -> Result<bool> {
        match self.chain() {
            None => self.has_content_now(id).await,
            Some(chain) => chain.run(self, Op::HasContent { id: id.to_owned() }).await?.exists(),
        }
    }

    pub(super) async fn has_content_now(&self, id: &str) -> Result<bool> {
        let key = self.document_key(id)?;
        let Some(head) = self.store.head(&key).await.map_err(|error| self.at(error, id))? else {
            return Ok(false);
        };
        match behavior::told(&head.metadata, head.content_length, head.content_type.as_deref()) {
            Told::Content => Ok(true),
            Told::NoContent => Ok(false),
            Told::Nothing => {
                let object = self.store.get(&key).await.map_err(|error| self.at(error, id))?;
                Ok(object.is_some_and(|object| behavior::is_content(&object.head.metadata, &object.body)))
            }
        }
    }

    /// Writes content, or takes it away, until no other writer comes between.
    async fn change_content(
        &self,
        id: &str,
        content: Option<&NewContent>,
        expected: Option<&ETag>,
    ) -> Result<Record> {
        let key = self.document_key(id)?;
        for attempt in 0..self.db.options.update_attempts_max {
            let found = self.store.get(&key).await.map_err(|error| self.at(error, id))?;
            let object = found.ok_or_else(|| self.not_found(id))?;
            self.check_expected(id, expected, &object.head.etag)?;
            match self.change_content_once(id, &key, object, content).await {
                Err(error) if expected.is_none() && lost_race(&error) => self.pause(attempt).await,
                result => return result.map_err(|error| self.at(error, id)),
            }
        }
        Err(self.at(self.lost_races(), id))
    }

    async fn change_content_once(
        &self,
        id: &str,
        key: &str,
        object: Object,
        content: Option<&NewContent>,
    ) -> Result<Record> {
        let state = self.state();
        let condition = Condition::IfMatch(object.head.etag.clone());
        let check = WriteCheck::of(&object, state.form_of(&object).behavior);
        let has_content = behavior::is_content(&object.head.metadata, &object.body);
        let metadata = object.head.metadata.clone();
        // Fields are nowhere but in the metadata.
        let is_bare = has_content || object.body.is_empty() || behavior::is_stamp_alone(&object.body);
        let stored = self.decode_stored(&state, id, object).await?;
        if content.is_none() && !has_content {
            return self.migrated(&state, stored).await;
        }
        let stored_indexes = self.indexes_of(&state, &stored);
        let record = self.migrated(&state, stored).await?;
        let previous = self.is_followed().then(|| record.data.clone());
        let kept = content.map(Kept::new);
        let operation = if kept.is_some() { Operation::SetContent } else { Operation::DeleteContent };
        let own_body = kept.is_none() && state.behavior == Behavior::BodyOnly;
        let (before, placed) = if is_bare && !own_body {
            // What is stored of the fields stays as it is, to the byte.
            (Indexes::default(), self.place_as_it_is(&metadata, record.data, kept.as_ref())?)
        } else {
            let placed = match &kept {
                Some(kept) => self.place_beside_content(&state, id, record.data, operation, kept).await?,
                None => self.place(&state, id, record.data, operation).await?,
            };
            (stored_indexes, placed)
        };
        if kept.is_some() && behavior::is_like_ours(&placed.object.body) {
            return Err(Error::new(
                ErrorKind::Validation,
                "the content looks like a body that s3db writes itself",
            )
            .with("field", "content")
            .hint("wrap it, for instance by compressing it"));
        }
        let key = key.to_owned();
        self.commit(
            &state,
            id,
            Commit { key, placed, condition, operation, check, before, previous, snapshot: None },
        )
        .await
    }

    /// A document whose metadata stays, with new content or without any.
    ///
    /// Errors: `TooLarge` when the entries that describe content do not fit beside the fields.
    fn place_as_it_is(&self, stored: &Metadata, data: Document, kept: Option<&Kept>) -> Result<Placed> {
        let stamp = self.db.options.stamps.then(|| crate::id::stamp(self.db.env.as_ref()));
        let ours = |name: &str| name == STAMP || ENTRIES.contains(&name);
        let mut metadata = stored.iter().filter(|(name, _)| !ours(name)).collect::<Metadata>();
        let (body, content_type) = match (kept, &stamp) {
            (Some(kept), stamp) => {
                kept.describe(&mut metadata);
                if let Some(stamp) = stamp {
                    metadata.insert(STAMP, stamp);
                }
                (kept.body.clone(), kept.content_type.clone())
            }
            (None, Some(stamp)) => (behavior::stamp_alone(stamp).into(), Some(Arc::from(JSON))),
            (None, None) => (Bytes::new(), None),
        };
        let (bytes, limit) = (metadata.size_bytes(), self.db.store.capability().metadata_bytes_max);
        if bytes > limit {
            return Err(no_room(
                Error::new(ErrorKind::TooLarge, "the document does not fit beside content")
                    .with("bytes", bytes)
                    .with("limit", limit),
            ));
        }
        Ok(Placed {
            data,
            event: None,
            object: PutObject { metadata: Arc::new(metadata), body, content_type },
            stamp,
            references: Vec::new(),
            claims: Vec::new(),
            overflowed: false,
            truncated: Vec::new(),
        })
    }

    /// The user's content, where the body is that.
    pub(super) fn content_of(&self, object: &Object) -> Option<Kept> {
        let metadata = &object.head.metadata;
        if !behavior::is_content(metadata, &object.body) {
            return None;
        }
        let entries =
            ENTRIES.iter().filter_map(|name| Some((*name, metadata.get(name)?.to_owned()))).collect();
        Some(Kept { body: object.body.clone(), content_type: object.head.content_type.clone(), entries })
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
        content: &Kept,
    ) -> Result<Placed> {
        let taken = content.entry_bytes() + STAMP.len() + crate::id::STAMP_BYTES_MAX;
        let limit = self.db.metadata_bytes_max().saturating_sub(taken);
        let mut placed = self
            .place_as(Behavior::EnforceLimits, limit, state, id, data, operation)
            .await
            .map_err(no_room)?;
        let mut metadata = Arc::unwrap_or_clone(placed.object.metadata);
        content.describe(&mut metadata);
        if let Some(stamp) = &placed.stamp {
            metadata.insert(STAMP, stamp.as_str());
        }
        placed.object.metadata = Arc::new(metadata);
        placed.object.body = content.body.clone();
        placed.object.content_type = content.content_type.clone();
        Ok(placed)
    }
}

fn no_room(error: Error) -> Error {
    error.hint("the body holds the document's content, so its fields must fit the metadata: keep long fields elsewhere")
}
