//! What a read or write returns.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::behavior::Behavior;
use crate::query::Filter;
use crate::store::{ETag, Metadata, Object};
use crate::{Document, Error};

/// A document with its id and what the store knows of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Record {
    /// Id.
    pub id: String,
    /// Fields, without the id.
    pub data: Document,
    /// What the store knows of it.
    pub meta: RecordMeta,
}

/// What the store knows of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordMeta {
    /// ETag of the object.
    pub etag: ETag,
    /// Version of the schema that the document was written under, such as `v1`.
    pub version: String,
    /// Last change, in milliseconds since 1970, by the store's clock; `None` right after a write.
    pub last_modified_ms: Option<i64>,
    /// Bytes of the object's body.
    pub content_length: u64,
    /// Content type of the object.
    #[serde(with = "shared_text")]
    pub content_type: Option<Arc<str>>,
    /// Whether the body holds the user's own content.
    pub has_content: bool,
    /// Whether this write put fields into the body because the metadata was full.
    pub overflowed: bool,
    /// Fields that this write cut or dropped to fit, under `truncate-data`.
    pub truncated: Vec<String>,
    /// How far the ETag tells of changes by others: after a read those that the next update can see, after a write
    /// those that this write has seen.
    pub check: WriteCheck,
}

/// How far a conditional write sees that others have changed the document.
///
/// An ETag is the hash of the body alone, so that it depends on who wrote the document last. The weaker check is the
/// greater one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum WriteCheck {
    /// Every change is seen: the document carries a stamp, or was to be absent.
    Checked,
    /// Changes by stamping writers are seen. A second one by s3db.js, or by a database with stamps off, is not: these
    /// leave the ETag as it is.
    StampedOnly,
    /// Nothing was checked, or no more than the user's content in the body.
    Unchecked,
}

impl WriteCheck {
    pub(crate) fn of(object: &Object, behavior: Behavior) -> Self {
        let has_content = crate::behavior::is_content(&object.head.metadata, &object.body);
        match crate::behavior::stamp_of(&object.body) {
            Some(_) => Self::Checked,
            None if has_content => Self::Unchecked,
            // The body is the document, so that its hash is all there is to see.
            None if behavior == Behavior::BodyOnly => Self::Checked,
            None => Self::StampedOnly,
        }
    }

    /// Short lower-case name, stable.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Checked => "checked",
            Self::StampedOnly => "stamped-only",
            Self::Unchecked => "unchecked",
        }
    }
}

/// Version of the schema that an object was written under; the current one where it names none.
pub(super) fn version_of(metadata: &Metadata, current: &str) -> String {
    let version = metadata.get("_v").unwrap_or(current);
    // Releases of s3db.js write a bare number next to raw content.
    if version.starts_with('v') { version.to_owned() } else { format!("v{version}") }
}

impl RecordMeta {
    pub(crate) fn of(object: &Object, behavior: Behavior, current_version: &str) -> Self {
        let head = &object.head;
        let version = version_of(&head.metadata, current_version);
        Self {
            etag: head.etag.clone(),
            version,
            last_modified_ms: Some(head.last_modified_ms),
            content_length: head.content_length,
            content_type: head.content_type.clone(),
            has_content: crate::behavior::is_content(&head.metadata, &object.body),
            overflowed: head.metadata.get("_overflow") == Some("true"),
            truncated: Vec::new(),
            check: WriteCheck::of(object, behavior),
        }
    }
}

impl Record {
    /// The value at a dotted path.
    pub fn get(&self, path: &str) -> Option<&Value> {
        Filter::lookup(&self.data, path)
    }

    /// `id` and the fields, as one JSON object.
    pub fn fields(&self) -> Document {
        let mut out = Document::with_capacity(self.data.len() + 7);
        out.insert("id".to_owned(), Value::String(self.id.clone()));
        for (name, value) in &self.data {
            if name != "id" {
                out.insert(name.clone(), value.clone());
            }
        }
        out
    }

    /// `id`, the fields, and the system fields under the names that s3db.js gives them: `_v`, `_etag`,
    /// `_lastModified`, `_contentLength`, `_mimeType`, `_hasContent`.
    pub fn to_json(&self) -> Value {
        let mut out = self.fields();
        let meta = &self.meta;
        out.insert("_v".to_owned(), json!(meta.version));
        out.insert("_etag".to_owned(), json!(format!("\"{}\"", meta.etag)));
        if let Some(at) = meta.last_modified_ms.and_then(crate::encoding::time::iso_from_ms) {
            out.insert("_lastModified".to_owned(), Value::String(at));
        }
        out.insert("_contentLength".to_owned(), json!(meta.content_length));
        if let Some(content_type) = &meta.content_type {
            out.insert("_mimeType".to_owned(), json!(&**content_type));
        }
        out.insert("_hasContent".to_owned(), json!(meta.has_content));
        if meta.overflowed {
            out.insert("_overflow".to_owned(), json!(true));
        }
        if !meta.truncated.is_empty() {
            out.insert("_truncated".to_owned(), json!(meta.truncated));
        }
        Value::Object(out)
    }
}

/// A document that could not be read, beside those that could.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Unreadable {
    /// Id.
    pub id: String,
    /// Why.
    pub error: Error,
}

/// Records in the order of their ids, and the documents among them that could not be read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Listing {
    /// Readable documents.
    pub records: Vec<Record>,
    /// Unreadable documents; their errors say why.
    #[serde(skip)]
    pub unreadable: Vec<Unreadable>,
}

/// One page of records.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Page {
    /// Readable documents.
    pub records: Vec<Record>,
    /// Unreadable documents met on the way; their errors say why.
    #[serde(skip)]
    pub unreadable: Vec<Unreadable>,
    /// Pass it on to get the next page; `None` on the last.
    pub next_cursor: Option<String>,
}

/// Outcome of a batch: every item succeeded or failed by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BatchResult<T> {
    /// Results of the items that succeeded, in input order.
    pub ok: Vec<T>,
    /// Items that failed, in input order.
    #[serde(skip)]
    pub failed: Vec<BatchError>,
}

impl<T> Default for BatchResult<T> {
    fn default() -> Self {
        Self { ok: Vec::new(), failed: Vec::new() }
    }
}

impl<T> BatchResult<T> {
    /// A batch in which every item failed for one reason.
    pub(crate) fn all_failed(ids: Vec<String>, error: &Error) -> Self {
        let failed = ids.into_iter().enumerate();
        let failed = failed.map(|(index, id)| BatchError { index, id: Some(id), error: error.clone() });
        Self { ok: Vec::new(), failed: failed.collect() }
    }

    /// The results, or the first failure.
    pub fn into_result(self) -> crate::Result<Vec<T>> {
        match self.failed.into_iter().next() {
            None => Ok(self.ok),
            Some(failed) => Err(failed.error),
        }
    }
}

/// An item of a batch that failed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BatchError {
    /// Place in the input, from 0.
    pub index: usize,
    /// Id, where the item had one.
    pub id: Option<String>,
    /// Why.
    pub error: Error,
}

/// `Arc<str>` as text.
mod shared_text {
    use std::sync::Arc;

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(
        text: &Option<Arc<str>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        text.as_deref().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<str>>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(Arc::from))
    }
}
