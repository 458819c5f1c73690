//! A store in memory: an ordered map behind a lock.

use std::collections::HashMap;
use std::collections::btree_map::{self, BTreeMap};
use std::fmt;
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, RwLock};

use async_trait::async_trait;
use bytes::Bytes;

use super::paging::{Pager, Verdict};
use super::{
    ByteRange, Capability, Condition, ETag, Head, ListEntry, ListPage, ListRequest, Metadata, Object,
    PutObject, PutResult, Reading, Replace, Store, VersionPage, VersionsRequest, limits,
};
use crate::env::{Env, SystemEnv};
use crate::{Error, ErrorKind, Result};

mod persist;
#[cfg(test)]
mod tests;
mod versions;

use versions::{Kept, Versions};

/// A store in memory. Clones share the objects. Nothing is ever evicted.
///
/// It behaves as AWS S3 does: its ETags are the MD5 of the body, it enforces the metadata limit, and it checks every
/// condition atomically.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use s3db_core::store::{Condition, MemoryStore, PutObject, Store};
///
/// let store = MemoryStore::new();
/// let object = PutObject { body: "hello".into(), ..PutObject::default() };
/// let written = store.put("greeting", object, Condition::IfAbsent).await.unwrap();
/// assert_eq!(written.etag.as_str(), "5d41402abc4b2a76b9719d911017c592");
/// assert_eq!(store.get("greeting").await.unwrap().unwrap().body, "hello");
/// # });
/// ```
#[derive(Clone)]
pub struct MemoryStore(Arc<Shared>);

/// Choices of a [`MemoryStore`].
#[derive(Debug, Clone)]
pub struct MemoryOptions {
    /// What the store claims, and enforces where it is a limit. With [`Capability::object_versions`] it keeps every version
    /// of every object, as a bucket of S3 does that has versioning turned on.
    pub capability: Capability,
    /// Clock of the last change.
    pub env: Arc<dyn Env>,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self { capability: Capability::default(), env: Arc::new(SystemEnv) }
    }
}

impl MemoryOptions {
    /// Keeps every version of every object.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// use s3db_core::store::{Condition, MemoryOptions, MemoryStore, PutObject, Store, VersionsRequest};
    ///
    /// let store = MemoryStore::with(MemoryOptions::default().keep_versions());
    /// for body in ["old", "new"] {
    ///     store.put("k", PutObject { body: body.into(), ..PutObject::default() }, Condition::None).await?;
    /// }
    /// let versions = store.list_versions(VersionsRequest::prefix("k")).await?.entries;
    /// let old = store.get_version("k", &versions[1].version_id).await?.unwrap();
    /// assert_eq!(old.body, "old");
    /// # Ok::<(), s3db_core::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn keep_versions(mut self) -> Self {
        self.capability.object_versions = true;
        self
    }
}

struct Shared {
    versions: Option<Versions>,
    options: MemoryOptions,
    path: Option<PathBuf>,
    objects: RwLock<Objects>,
}

/// The objects lie behind pointers, so that a look-up holds the lock for no longer than it takes to share one, and an insert
/// moves few bytes within the map.
type Objects = BTreeMap<Arc<str>, Arc<Stored>>;

#[derive(Debug, Clone)]
struct Stored {
    metadata: Arc<Metadata>,
    body: Bytes,
    content_type: Option<Arc<str>>,
    etag: ETag,
    last_modified_ms: i64,
    version_id: Option<Arc<str>>,
}

/// All objects of a [`MemoryStore`] at one moment, with their versions where it keeps them. Bodies and metadata are shared
/// with it, not copied.
#[derive(Debug, Clone)]
pub struct Snapshot {
    objects: Objects,
    versions: Option<Kept>,
}

impl MemoryStore {
    /// An empty store with the limits of AWS and the real clock.
    pub fn new() -> Self {
        Self::with(MemoryOptions::default())
    }

    /// An empty store.
    pub fn with(options: MemoryOptions) -> Self {
        Self::persistent(options, None)
    }

    fn persistent(options: MemoryOptions, path: Option<PathBuf>) -> Self {
        let versions = options.capability.object_versions.then(Versions::default);
        Self(Arc::new(Shared { versions, options, path, objects: RwLock::default() }))
    }

    /// The store that this process keeps under a bucket name; the first call makes it.
    ///
    /// Databases opened with `memory://bucket` share it. It lives until [`MemoryStore::forget_shared`].
    pub fn shared(bucket: &str) -> Self {
        let mut stores = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        stores.entry(bucket.to_owned()).or_default().clone()
    }

    /// Takes a bucket name out of the process-wide table. Handles to its store stay valid.
    pub fn forget_shared(bucket: &str) {
        SHARED.lock().unwrap_or_else(PoisonError::into_inner).remove(bucket);
    }

    /// All objects at this moment.
    pub fn snapshot(&self) -> Snapshot {
        let versions = |_: &Objects| self.0.versions.as_ref().map(Versions::snapshot);
        let (objects, versions) = self.read(|objects| (objects.clone(), versions(objects)));
        Snapshot { objects, versions }
    }

    /// Puts back the objects of a snapshot; all others go.
    pub fn restore(&self, snapshot: &Snapshot) {
        let (objects, kept) = (snapshot.objects.clone(), snapshot.versions.clone());
        self.write(|current| {
            match (&self.0.versions, kept) {
                (Some(versions), Some(kept)) => versions.restore(kept),
                (Some(versions), None) => versions.begin(&objects),
                (None, _) => {}
            }
            std::mem::replace(current, objects)
        });
    }

    /// Removes every object, and every version.
    pub fn clear(&self) {
        self.write(|objects| {
            if let Some(versions) = &self.0.versions {
                versions.restore(Kept::new());
            }
            std::mem::take(objects)
        });
    }

    /// Number of objects.
    pub fn len(&self) -> usize {
        self.read(BTreeMap::len)
    }

    /// Whether there are no objects.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every object with its key, in order, for tests and dumps.
    pub fn objects(&self) -> Vec<(Arc<str>, Object)> {
        self.read(|objects| objects.iter().map(|(key, stored)| (key.clone(), stored.object())).collect())
    }

    fn read<T>(&self, f: impl FnOnce(&Objects) -> T) -> T {
        f(&self.0.objects.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, f: impl FnOnce(&mut Objects) -> T) -> T {
        f(&mut self.0.objects.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn shared_object(&self, key: &str) -> Option<Arc<Stored>> {
        self.read(|objects| objects.get(key).cloned())
    }

    fn new_version_id(&self) -> Option<Arc<str>> {
        self.0.versions.as_ref().map(Versions::new_id)
    }

    /// Writes an object when its condition holds, and hands out the one that it replaces.
    fn insert(
        &self,
        objects: &mut Objects,
        key: Arc<str>,
        stored: Arc<Stored>,
        condition: &Condition,
    ) -> Result<Option<Arc<Stored>>> {
        let Some(versions) = &self.0.versions else {
            return insert(objects, key, stored, condition);
        };
        let replaced = insert(objects, key.clone(), stored.clone(), condition)?;
        versions.put(key, stored);
        Ok(replaced)
    }

    fn remove(&self, objects: &mut Objects, key: &str) -> Option<Arc<Stored>> {
        if let Some(versions) = &self.0.versions {
            versions.delete(key, self.0.options.env.now_ms());
        }
        objects.remove(key)
    }

    fn check_metadata(&self, key: &str, metadata: &Metadata) -> Result<()> {
        limits::check_metadata(key, metadata, &self.0.options.capability)
    }
}

static SHARED: LazyLock<Mutex<HashMap<String, MemoryStore>>> = LazyLock::new(Mutex::default);

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("objects", &self.len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn capability(&self) -> &Capability {
        &self.0.options.capability
    }

    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        limits::check_key(key)?;
        self.check_metadata(key, &object.metadata)?;
        let etag = ETag::md5_of(&object.body);
        let stored = Stored {
            metadata: object.metadata,
            body: object.body,
            content_type: object.content_type,
            etag: etag.clone(),
            last_modified_ms: self.0.options.env.now_ms(),
            version_id: self.new_version_id(),
        };
        let version_id = stored.version_id.clone();
        let (key, stored) = (Arc::from(key), Arc::new(stored));
        // The replaced object is handed out of the lock, so that freeing it holds up nobody.
        let _replaced = self.write(|objects| self.insert(objects, key, stored, &condition))?;
        Ok(PutResult::new(etag).version_id(version_id))
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        limits::check_key(key)?;
        Ok(self.shared_object(key).map(|stored| stored.object()))
    }

    async fn read_range(
        &self,
        key: &str,
        range: ByteRange,
        if_match: Option<&ETag>,
    ) -> Result<Option<Reading>> {
        limits::check_key(key)?;
        let found = self.shared_object(key);
        found.map(|stored| Reading::of(key, stored.object(), range, if_match)).transpose()
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        limits::check_key(key)?;
        Ok(self.shared_object(key).map(|stored| stored.head()))
    }

    async fn copy(
        &self,
        from: &str,
        to: &str,
        replace: Option<Replace>,
        condition: Condition,
    ) -> Result<PutResult> {
        limits::check_key(from)?;
        limits::check_key(to)?;
        if let Some(replace) = &replace {
            self.check_metadata(to, &replace.metadata)?;
        }
        let now_ms = self.0.options.env.now_ms();
        self.write(|objects| {
            let source = objects.get(from).ok_or_else(|| {
                Error::new(ErrorKind::NotFound, "the object to copy does not exist").with("key", from)
            })?;
            let version_id = self.new_version_id();
            let source = Stored::clone(source);
            let mut stored = Stored { last_modified_ms: now_ms, version_id: version_id.clone(), ..source };
            if let Some(replace) = replace {
                stored.metadata = replace.metadata;
                stored.content_type = replace.content_type;
            }
            let etag = stored.etag.clone();
            self.insert(objects, Arc::from(to), Arc::new(stored), &condition)?;
            Ok(PutResult::new(etag).version_id(version_id))
        })
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage> {
        let mut pager = Pager::new(&request)?;
        let Some(seek) = pager.seek() else {
            return Ok(ListPage::default());
        };
        let entries = self.read(|objects| {
            let mut entries = Vec::new();
            let mut keys = range(objects, &seek);
            while let Some((key, stored)) = keys.next() {
                match pager.offer(key) {
                    Verdict::Take => {
                        if entries.is_empty() {
                            entries.reserve_exact((pager.room() + 1).min(objects.len()));
                        }
                        entries.push(stored.entry(key));
                    }
                    Verdict::Jump(Some(next)) => keys = range(objects, &next),
                    Verdict::Jump(None) | Verdict::Stop => break,
                }
            }
            entries
        });
        Ok(pager.finish(entries))
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        limits::check_key(key)?;
        limits::check_delete_condition(key, &condition)?;
        let _removed = self.write(|objects| {
            check_condition(objects.get(key).map(Arc::as_ref), key, &condition)?;
            Ok::<_, Error>(self.remove(objects, key))
        })?;
        Ok(())
    }

    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        limits::check_delete_many(keys)?;
        Ok(self.write(|objects| {
            keys.iter()
                .map(|key| {
                    limits::check_key(key)?;
                    self.remove(objects, key);
                    Ok(())
                })
                .collect()
        }))
    }

    async fn list_versions(&self, request: VersionsRequest) -> Result<VersionPage> {
        match &self.0.versions {
            Some(versions) => versions.list(&request),
            None => Err(not_kept()),
        }
    }

    async fn get_version(&self, key: &str, version_id: &str) -> Result<Option<Object>> {
        limits::check_key(key)?;
        match &self.0.versions {
            Some(versions) => Ok(versions.get(key, version_id).map(|stored| stored.object())),
            None => Err(not_kept().with("key", key)),
        }
    }
}

fn not_kept() -> Error {
    Error::new(ErrorKind::Unsupported, "this memory store keeps no old versions of objects")
        .hint("make it with `MemoryOptions::keep_versions`")
}

impl Stored {
    fn head(&self) -> Head {
        Head {
            metadata: self.metadata.clone(),
            etag: self.etag.clone(),
            last_modified_ms: self.last_modified_ms,
            content_length: self.body.len() as u64,
            content_type: self.content_type.clone(),
            version_id: self.version_id.clone(),
        }
    }

    fn object(&self) -> Object {
        Object { head: self.head(), body: self.body.clone() }
    }

    fn entry(&self, key: &Arc<str>) -> ListEntry {
        ListEntry {
            key: key.clone(),
            etag: self.etag.clone(),
            content_length: self.body.len() as u64,
            last_modified_ms: self.last_modified_ms,
        }
    }
}

/// Writes an object when its condition holds, and hands out the one that it replaces.
fn insert(
    objects: &mut Objects,
    key: Arc<str>,
    stored: Arc<Stored>,
    condition: &Condition,
) -> Result<Option<Arc<Stored>>> {
    match objects.entry(key) {
        btree_map::Entry::Occupied(mut present) => {
            check_condition(Some(present.get()), present.key(), condition)?;
            Ok(Some(present.insert(stored)))
        }
        btree_map::Entry::Vacant(absent) => {
            check_condition(None, absent.key(), condition)?;
            absent.insert(stored);
            Ok(None)
        }
    }
}

fn check_condition(present: Option<&Stored>, key: &str, condition: &Condition) -> Result<()> {
    let holds = match condition {
        Condition::None => true,
        Condition::IfAbsent => present.is_none(),
        Condition::IfMatch(etag) => present.is_some_and(|stored| stored.etag == *etag),
    };
    if holds { Ok(()) } else { Err(limits::condition_failed(key, condition)) }
}

fn range<'a>(objects: &'a Objects, from: &Bound<String>) -> btree_map::Range<'a, Arc<str>, Arc<Stored>> {
    let from = from.as_ref().map(String::as_str);
    objects.range::<str, _>((from, Bound::Unbounded))
}
