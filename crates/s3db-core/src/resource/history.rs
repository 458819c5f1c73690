//! Old versions of documents, where the bucket keeps versions of its objects.

use futures::stream::{self, StreamExt as _};

use super::{Record, Resource};
use crate::op::{HookPoint, Op, VersionAt};
use crate::store::{NULL_VERSION, VersionEntry, VersionsRequest};
use crate::{Error, ErrorKind, Result};

/// How much of a history is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistoryOptions {
    /// Most versions, the newest of them; all when absent.
    pub limit: Option<usize>,
    /// Whether the documents are read: 1 GET a version. True by default.
    pub documents: bool,
}

impl Default for HistoryOptions {
    fn default() -> Self {
        Self { limit: None, documents: true }
    }
}

impl HistoryOptions {
    /// Only so many, the newest of them.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// When the document was changed, without the documents.
    #[must_use]
    pub fn without_documents(mut self) -> Self {
        self.documents = false;
        self
    }
}

/// A document as it was after one write, or that it was deleted.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DocumentVersion {
    /// Id that the bucket has given to the version of the object.
    pub version_id: String,
    /// When it was written, in milliseconds since 1970, by the store's clock. S3 tells whole seconds.
    pub at_ms: i64,
    /// Whether it is what is stored now.
    pub is_latest: bool,
    /// Whether it says that the document was deleted.
    pub is_deleted: bool,
    /// The document, read as [`get`](Resource::get) reads; `None` of a deletion, of one that cannot be read, and where
    /// documents were not asked for.
    pub record: Option<Record>,
    /// Why it cannot be read.
    pub unreadable: Option<Error>,
}

impl Resource {
    /// Every version of a document that the bucket has kept, the newest first.
    ///
    /// The bucket must keep versions of its objects: on S3 that is a setting of the bucket, a [`MemoryStore`] has an
    /// [option](crate::store::MemoryOptions::keep_versions). A version that cannot be read is told of in its place.
    ///
    /// ```
    /// # fn main() -> s3db_core::Result<()> { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use std::sync::Arc;
    /// use s3db_core::store::{MemoryOptions, MemoryStore};
    /// use s3db_core::{Database, ResourceConfig};
    /// use serde_json::json;
    ///
    /// let bucket = Arc::new(MemoryStore::with(MemoryOptions::default().keep_versions()));
    /// let db = Database::builder_on(bucket, "").connect().await?;
    /// let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
    /// users.insert(json!({"id": "ann", "name": "Ann"})).await?;
    /// users.update("ann", json!({"name": "Anna"})).await?;
    ///
    /// let history = users.history("ann").await?;
    /// let names = history.iter().filter_map(|version| version.record.as_ref()?.data["name"].as_str());
    /// assert_eq!(names.collect::<Vec<_>>(), ["Anna", "Ann"]);
    ///
    /// users.undo("ann").await?;
    /// assert_eq!(users.get("ann").await?.data["name"], "Ann");
    /// # Ok(()) }) }
    /// ```
    ///
    /// Requests: 1 LIST for each 1,000 versions, 1 GET a version.
    /// Errors: `Unsupported` when the store, or its bucket, keeps no versions; `NotFound` when nothing is kept of this
    /// document.
    ///
    /// [`MemoryStore`]: crate::store::MemoryStore
    pub async fn history(&self, id: &str) -> Result<Vec<DocumentVersion>> {
        self.history_with(id, HistoryOptions::default()).await
    }

    /// The versions of a document, as many as are asked for, with or without the documents.
    ///
    /// Requests and errors: as [`history`](Self::history).
    pub async fn history_with(&self, id: &str, options: HistoryOptions) -> Result<Vec<DocumentVersion>> {
        match self.chain() {
            None => self.history_now(id, options).await,
            Some(chain) => chain.run(self, Op::History { id: id.to_owned(), options }).await?.history(),
        }
    }

    pub(super) async fn history_now(
        &self,
        id: &str,
        options: HistoryOptions,
    ) -> Result<Vec<DocumentVersion>> {
        self.ask_hooks(HookPoint::BeforeGet, id, None).await.map_err(|error| self.at(error, id))?;
        let key = self.document_key(id)?;
        let mut wanted = options.limit.unwrap_or(usize::MAX);
        let entries = self
            .versions_until(id, &key, |_| {
                wanted = wanted.saturating_sub(1);
                wanted == 0
            })
            .await?;
        let limit = options.limit.unwrap_or(usize::MAX);
        let versions = entries.into_iter().take(limit).map(|entry| self.version_of(id, &key, entry, options));
        let mut versions = stream::iter(versions).buffered(self.db.options.parallelism);
        let mut all = Vec::new();
        while let Some(version) = versions.next().await {
            all.push(version?);
        }
        Ok(all)
    }

    async fn version_of(
        &self,
        id: &str,
        key: &str,
        entry: VersionEntry,
        options: HistoryOptions,
    ) -> Result<DocumentVersion> {
        let mut version = DocumentVersion {
            version_id: entry.version_id.to_string(),
            at_ms: entry.last_modified_ms,
            is_latest: entry.is_latest,
            is_deleted: entry.is_deleted,
            record: None,
            unreadable: None,
        };
        if !options.documents || entry.is_deleted {
            return Ok(version);
        }
        match self.read_version(id, key, &entry.version_id).await {
            Ok(Some(record)) => version.record = Some(record),
            Ok(None) => version.unreadable = Some(self.no_version(id, &entry.version_id)),
            Err(error) if is_of_store(&error) => return Err(error),
            Err(error) => version.unreadable = Some(error),
        }
        Ok(version)
    }

    /// Reads one version of a document, by the id that [`history`](Self::history) tells.
    ///
    /// Requests: 1 GET. Errors: `NotFound` when there is no such version, or it is a deletion; `Unsupported` when the store
    /// keeps no versions; and those of [`get`](Self::get).
    pub async fn get_version(&self, id: &str, version_id: &str) -> Result<Record> {
        let found = self.get_at(id, VersionAt::Id(version_id.to_owned())).await?;
        found.ok_or_else(|| self.no_version(id, version_id))
    }

    /// Reads a document as it was at a time, in milliseconds since 1970, by the store's clock. S3 tells the times of versions
    /// in whole seconds, so that what was written within the second of `at_ms` may be in it already.
    ///
    /// Requests: 1 LIST for each 1,000 versions down to that time, 1 GET.
    /// Errors: `NotFound` when the document was not there at that time, or what it was is not kept; and those of
    /// [`history`](Self::history).
    pub async fn get_as_of(&self, id: &str, at_ms: i64) -> Result<Record> {
        let found = self.get_at(id, VersionAt::Time(at_ms)).await?;
        found.ok_or_else(|| {
            let error = Error::new(ErrorKind::NotFound, "the document was not there at that time");
            self.at(error.with("at", time(at_ms)), id).hint("`history` tells when it was written and deleted")
        })
    }

    pub(super) async fn get_at(&self, id: &str, at: VersionAt) -> Result<Option<Record>> {
        match self.chain() {
            None => self.get_at_now(id, &at).await,
            Some(chain) => chain.run(self, Op::GetVersion { id: id.to_owned(), at }).await?.found(),
        }
    }

    pub(super) async fn get_at_now(&self, id: &str, at: &VersionAt) -> Result<Option<Record>> {
        self.ask_hooks(HookPoint::BeforeGet, id, None).await.map_err(|error| self.at(error, id))?;
        let key = self.document_key(id)?;
        let at_ms = match at {
            VersionAt::Id(version_id) => return self.read_version(id, &key, version_id).await,
            VersionAt::Time(at_ms) => *at_ms,
            VersionAt::Snapshot => return self.read_snapshot(id).await,
        };
        let is_of_then = |entry: &VersionEntry| entry.last_modified_ms <= at_ms;
        let entries = self.versions_until(id, &key, is_of_then).await?;
        match entries.into_iter().find(is_of_then).filter(|entry| !entry.is_deleted) {
            Some(entry) => self.read_version(id, &key, &entry.version_id).await,
            None => Ok(None),
        }
    }

    /// A version as `get` would give it.
    async fn read_version(&self, id: &str, key: &str, version_id: &str) -> Result<Option<Record>> {
        let found = self.store.get_version(key, version_id).await.map_err(|error| self.at(error, id))?;
        let Some(object) = found else {
            return Ok(None);
        };
        let of_version = |error: Error| self.at(error, id).with("version_id", version_id);
        let record = self.decode(&self.state(), id, object).await.map_err(of_version)?;
        self.after(HookPoint::AfterGet, record, None).await.map(Some).map_err(of_version)
    }

    /// The versions of an object, the newest first, at least up to the one that is enough.
    ///
    /// Errors: `NotFound` when there is none; `Unsupported` when all there is was written by a bucket without versions.
    pub(super) async fn versions_until(
        &self,
        id: &str,
        key: &str,
        mut is_enough: impl FnMut(&VersionEntry) -> bool,
    ) -> Result<Vec<VersionEntry>> {
        // Whole pages: some servers lose versions between small ones.
        let mut request = VersionsRequest::prefix(key);
        let mut all = Vec::new();
        'pages: loop {
            let listed = self.store.list_versions(request.clone()).await;
            let page = listed.map_err(|error| self.at(error, id))?;
            for entry in page.entries {
                // Other keys that begin with this one come after it.
                if *entry.key != *key {
                    break 'pages;
                }
                let enough = is_enough(&entry);
                all.push(entry);
                if enough {
                    break 'pages;
                }
            }
            match page.continuation {
                Some(next) => request.continuation = Some(next),
                None => break,
            }
        }
        if all.is_empty() {
            let error = Error::new(ErrorKind::NotFound, "no version of the document is kept");
            return Err(self
                .at(error, id)
                .hint("it was never written, or its bucket keeps no versions of objects"));
        }
        if all.iter().all(|entry| &*entry.version_id == NULL_VERSION) {
            let error =
                Error::new(ErrorKind::Unsupported, "the bucket has kept no old versions of the document");
            return Err(self.at(error, id).hint(
                "turn versioning on, on AWS by `aws s3api put-bucket-versioning`: what is overwritten from then on is kept",
            ));
        }
        Ok(all)
    }

    pub(super) fn no_version(&self, id: &str, version_id: &str) -> Error {
        let error = Error::new(ErrorKind::NotFound, "there is no such version of the document");
        self.at(error.with("version_id", version_id), id).hint(
            "`history` lists the versions; one that says that the document was deleted has nothing to read",
        )
    }
}

/// Whether the store has failed, so that nothing can be said of one version.
fn is_of_store(error: &Error) -> bool {
    use ErrorKind::{Budget, Denied, Throttled, Unavailable, Unsupported};
    matches!(error.kind(), Budget | Denied | Throttled | Unavailable | Unsupported)
}

fn time(at_ms: i64) -> String {
    crate::encoding::time::iso_from_ms(at_ms).unwrap_or_else(|| at_ms.to_string())
}
