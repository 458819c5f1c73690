//! Old versions of objects, where a store keeps them.

use std::sync::Arc;

use super::{ETag, LIST_PAGE_MAX};
use crate::{Error, ErrorKind};

/// The version id that S3 gives to objects which were written while their bucket kept no versions.
pub const NULL_VERSION: &str = "null";

/// What [`Store::list_versions`](super::Store::list_versions) lists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VersionsRequest {
    /// Keys start with this.
    pub prefix: String,
    /// Where the page before ended: [`VersionPage::continuation`].
    pub continuation: Option<String>,
    /// Most entries of the page; [`LIST_PAGE_MAX`] when absent or larger, one when zero.
    pub max_keys: Option<usize>,
}

impl VersionsRequest {
    /// All versions of all keys that start with `prefix`.
    pub fn prefix(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..Self::default() }
    }

    pub(crate) fn page_size(&self) -> usize {
        self.max_keys.unwrap_or(LIST_PAGE_MAX).clamp(1, LIST_PAGE_MAX)
    }
}

/// One page of versions.
#[derive(Debug, Clone, Default)]
pub struct VersionPage {
    /// Versions: keys in ascending order of their UTF-8 bytes, of each key the newest first.
    pub entries: Vec<VersionEntry>,
    /// Pass it to [`VersionsRequest::continuation`] for the next page; `None` on the last.
    pub continuation: Option<String>,
}

/// One version of an object, or the mark that it was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionEntry {
    /// Key.
    pub key: Arc<str>,
    /// Id of the version; [`NULL_VERSION`] of what was written while the bucket kept none.
    pub version_id: Arc<str>,
    /// Whether it is what the key holds now.
    pub is_latest: bool,
    /// Whether it says that the object was deleted. There is nothing to read then.
    pub is_deleted: bool,
    /// ETag; `None` of a deletion.
    pub etag: Option<ETag>,
    /// Bytes of the body.
    pub content_length: u64,
    /// When it was written, in milliseconds since 1970, by the store's clock. S3 tells whole seconds.
    pub last_modified_ms: i64,
}

/// The error of a store that has no old versions.
pub(super) fn unsupported() -> Error {
    Error::new(ErrorKind::Unsupported, "the store keeps no old versions of objects")
        .hint("keep the database in a bucket of S3 with versioning turned on")
}
