//! Object stores: the small contract that every backend keeps, and the backends of this crate.
//!
//! A store keeps objects under keys. An object is user metadata, a body and a content type, which change
//! together or not at all. Every write may carry a [`Condition`]; a store that cannot check one must refuse the
//! call with [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) and say so in its [`Capability`], never
//! ignore it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::Result;

pub mod dump;
mod etag;
pub mod file;
pub mod layers;
pub(crate) mod limits;
pub mod memory;
mod metadata;
mod open;
mod paging;
pub(crate) mod reading;
pub(crate) mod retries;
#[cfg(feature = "s3")]
pub mod s3;
mod verb;
mod versions;

pub use etag::ETag;
pub use file::{FileOptions, FileStore, Fsync};
pub use layers::{Meter, Outcome, Request, RequestObserver, Requests, StoreLayer, Traffic};
pub use memory::{MemoryOptions, MemoryStore};
pub use metadata::Metadata;
pub use open::open;
pub use reading::{BodyStream, ByteRange, Reading};
#[cfg(feature = "s3")]
pub use s3::{S3Config, S3Store};
pub use verb::Verb;
pub use versions::{NULL_VERSION, VersionEntry, VersionPage, VersionsRequest};

/// Most objects that one [`Store::delete_many`] takes.
pub const DELETE_MANY_MAX: usize = 1000;

/// Most entries that one page of [`Store::list`] holds.
pub const LIST_PAGE_MAX: usize = 1000;

/// Longest key, in bytes of UTF-8.
pub const KEY_BYTES_MAX: usize = 1024;

/// An object store.
///
/// All methods are cancellation safe: a dropped call has either happened or not, and nothing half-written is visible.
///
/// Errors, for every method: `Denied`, `Throttled`, `Unavailable`; `NotFound` with `bucket` in its context when the
/// bucket does not exist; `Config` for an empty key, `TooLarge` for a key over [`KEY_BYTES_MAX`] or metadata over
/// [`Capability::metadata_bytes_max`].
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// What this store can do. Ask this, never for a vendor.
    fn capability(&self) -> &Capability;

    /// Writes an object, replacing one that exists.
    ///
    /// Errors: `Conflict` when `condition` does not hold, also [`Condition::IfMatch`] on an absent key. A store that
    /// sends a request again by itself must mark a `Conflict` that follows such a retry as
    /// [`outcome_unknown`](crate::Error::outcome_unknown): it may be the refusal of its own success.
    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult>;

    /// Reads an object; `None` when it is absent.
    async fn get(&self, key: &str) -> Result<Option<Object>>;

    /// Reads an object as a stream, whole or in part; `None` when it is absent.
    ///
    /// All bytes are of one version of the object: when another one takes its place meanwhile, the stream goes on with
    /// the old one or ends with an error. A stream that breaks off can be gone on with by another read from there, with
    /// `if_match`. Dropping the stream ends the request.
    ///
    /// By default the object is read [whole](Self::get) first.
    ///
    /// Errors: `Conflict` when the object is there and has not the ETag `if_match`; `Validation` when `range` holds no byte
    /// of it, but for all bytes of an empty object.
    async fn read_range(
        &self,
        key: &str,
        range: ByteRange,
        if_match: Option<&ETag>,
    ) -> Result<Option<Reading>> {
        let found = self.get(key).await?;
        found.map(|object| Reading::of(key, object, range, if_match)).transpose()
    }

    /// Reads an object without its body; `None` when it is absent.
    async fn head(&self, key: &str) -> Result<Option<Head>>;

    /// Copies an object within the store; `replace` gives the new metadata and content type, otherwise they are kept.
    ///
    /// Errors: `NotFound` when `from` is absent; `Conflict` when `condition`, checked on `to`, does not hold.
    async fn copy(
        &self,
        from: &str,
        to: &str,
        replace: Option<Replace>,
        condition: Condition,
    ) -> Result<PutResult>;

    /// Lists keys in ascending order of their UTF-8 bytes.
    async fn list(&self, request: ListRequest) -> Result<ListPage>;

    /// Deletes an object. Deleting an absent key succeeds, unless a condition is given.
    ///
    /// Errors: `Conflict` when `condition` does not hold, also [`Condition::IfMatch`] on an absent key; `Unsupported`
    /// for [`Condition::IfAbsent`], which would delete nothing.
    async fn delete(&self, key: &str, condition: Condition) -> Result<()>;

    /// Deletes up to [`DELETE_MANY_MAX`] objects; absent keys count as deleted. Returns one result a key, in order.
    ///
    /// Errors: `Config` for more keys, with nothing deleted.
    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>>;

    /// Lists what was kept of objects that were overwritten or deleted, and what they are now: keys in ascending order, of
    /// each key the newest first. In a bucket that keeps no versions these are the objects of the moment alone, with the id
    /// [`NULL_VERSION`] or none at all.
    ///
    /// This method and [`get_version`](Self::get_version) are optional: as they stand they refuse. A layer forwards both.
    ///
    /// Errors: `Unsupported` without [`Capability::object_versions`].
    async fn list_versions(&self, request: VersionsRequest) -> Result<VersionPage> {
        Err(versions::unsupported().with("prefix", request.prefix))
    }

    /// Reads a version of an object; `None` when there is no such version, or it is a deletion.
    ///
    /// Errors: `Unsupported` without [`Capability::object_versions`].
    async fn get_version(&self, key: &str, version_id: &str) -> Result<Option<Object>> {
        Err(versions::unsupported().with("key", key).with("version_id", version_id))
    }
}

/// What must hold for a write to happen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Condition {
    /// Nothing.
    #[default]
    None,
    /// The key holds no object.
    IfAbsent,
    /// The key holds the object with this ETag.
    IfMatch(ETag),
}

/// What a store can do. The defaults are those of AWS S3, without versions of objects.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capability {
    /// [`Condition::IfAbsent`] and [`Condition::IfMatch`] on `put` are checked atomically.
    pub conditional_put: bool,
    /// [`Condition::IfMatch`] on `delete` is checked atomically.
    pub conditional_delete: bool,
    /// Conditions on the destination of `copy` are checked atomically.
    pub conditional_copy: bool,
    /// `copy` can replace metadata.
    pub copy_replaces_metadata: bool,
    /// A listing shows every write that has returned.
    pub list_is_consistent: bool,
    /// A listing is in ascending order of UTF-8 bytes across `/`.
    pub list_is_ordered: bool,
    /// Metadata entries with an empty value come back. Where they do not, or nobody knows, s3db writes an empty value in
    /// a longer form that reads the same ([`EMPTY`](crate::encoding::text::EMPTY)).
    pub keeps_empty_metadata: bool,
    /// Most bytes of metadata, names and values added up.
    pub metadata_bytes_max: usize,
    /// Longest stretch of a key between two `/`, in bytes.
    pub key_segment_bytes_max: usize,
    /// Keys may hold `//`.
    pub keeps_double_slash: bool,
    /// [`Store::list_versions`] and [`Store::get_version`] are there. Whether a bucket of S3 keeps versions is a setting of
    /// that bucket.
    pub object_versions: bool,
}

impl Default for Capability {
    fn default() -> Self {
        Self {
            conditional_put: true,
            conditional_delete: true,
            conditional_copy: true,
            copy_replaces_metadata: true,
            list_is_consistent: true,
            list_is_ordered: true,
            keeps_empty_metadata: true,
            metadata_bytes_max: 2048,
            key_segment_bytes_max: KEY_BYTES_MAX,
            keeps_double_slash: true,
            object_versions: false,
        }
    }
}

/// An object to write.
#[derive(Debug, Clone, Default)]
pub struct PutObject {
    /// User metadata.
    pub metadata: Arc<Metadata>,
    /// Body.
    pub body: Bytes,
    /// Content type; the store's own default when absent.
    pub content_type: Option<Arc<str>>,
}

/// New metadata and content type for [`Store::copy`].
#[derive(Debug, Clone, Default)]
pub struct Replace {
    /// User metadata.
    pub metadata: Arc<Metadata>,
    /// Content type.
    pub content_type: Option<Arc<str>>,
}

/// What a write left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PutResult {
    /// ETag of the new object.
    pub etag: ETag,
    /// Version of the new object, where the bucket keeps versions.
    pub version_id: Option<Arc<str>>,
}

impl PutResult {
    /// The result of a write to a bucket without versions.
    pub fn new(etag: ETag) -> Self {
        Self { etag, version_id: None }
    }

    /// Adds the version of the new object.
    #[must_use]
    pub fn version_id(mut self, version_id: Option<Arc<str>>) -> Self {
        self.version_id = version_id;
        self
    }
}

/// An object without its body.
#[derive(Debug, Clone)]
pub struct Head {
    /// User metadata.
    pub metadata: Arc<Metadata>,
    /// ETag.
    pub etag: ETag,
    /// Last change, in milliseconds since 1970, by the store's clock.
    pub last_modified_ms: i64,
    /// Bytes of the body.
    pub content_length: u64,
    /// Content type.
    pub content_type: Option<Arc<str>>,
    /// Version, where the bucket keeps versions.
    pub version_id: Option<Arc<str>>,
}

/// An object.
#[derive(Debug, Clone)]
pub struct Object {
    /// All but the body.
    pub head: Head,
    /// Body.
    pub body: Bytes,
}

/// Which keys to list.
#[derive(Debug, Clone, Default)]
pub struct ListRequest {
    /// Keys start with this.
    pub prefix: String,
    /// Keys come after this one; ignored when `continuation` is set.
    pub start_after: Option<String>,
    /// Where the page before ended: [`ListPage::continuation`].
    pub continuation: Option<String>,
    /// Rolls keys up to this text into [`ListPage::common_prefixes`].
    pub delimiter: Option<String>,
    /// Most entries and common prefixes of the page; [`LIST_PAGE_MAX`] when absent or larger, one when zero.
    pub max_keys: Option<usize>,
}

impl ListRequest {
    /// All keys that start with `prefix`.
    pub fn prefix(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..Self::default() }
    }
}

/// One page of keys.
#[derive(Debug, Clone, Default)]
pub struct ListPage {
    /// Objects, in key order.
    pub entries: Vec<ListEntry>,
    /// Rolled up keys, in order, each ending with the delimiter.
    pub common_prefixes: Vec<String>,
    /// Pass it to [`ListRequest::continuation`] for the next page; `None` on the last.
    pub continuation: Option<String>,
}

/// One listed object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListEntry {
    /// Key.
    pub key: Arc<str>,
    /// ETag.
    pub etag: ETag,
    /// Bytes of the body.
    pub content_length: u64,
    /// Last change, in milliseconds since 1970, by the store's clock.
    pub last_modified_ms: i64,
}
