//! The old versions of a memory store.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Objects, Stored};
use crate::store::{NULL_VERSION, VersionEntry, VersionPage, VersionsRequest};
use crate::{Error, ErrorKind, Result};

/// All versions of all keys, the current ones too. It changes under the lock of the objects.
#[derive(Debug, Default)]
pub(super) struct Versions {
    keys: Mutex<Kept>,
    last: AtomicU64,
}

/// Versions by key, the oldest first.
pub(super) type Kept = BTreeMap<Arc<str>, Vec<Version>>;

#[derive(Debug, Clone)]
pub(super) struct Version {
    id: Arc<str>,
    at_ms: i64,
    /// `None` for a deletion.
    object: Option<Arc<Stored>>,
}

impl Versions {
    /// A version id that no other version has.
    pub(super) fn new_id(&self) -> Arc<str> {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        format!("memory-{number:06}").into()
    }

    /// Adds what a key holds now.
    pub(super) fn put(&self, key: Arc<str>, stored: Arc<Stored>) {
        let id = stored.version_id.clone().unwrap_or_else(|| NULL_VERSION.into());
        let version = Version { id, at_ms: stored.last_modified_ms, object: Some(stored) };
        self.kept().entry(key).or_default().push(version);
    }

    /// Adds that a key holds nothing now, as S3 does also of a key that held nothing before.
    pub(super) fn delete(&self, key: &str, at_ms: i64) {
        let version = Version { id: self.new_id(), at_ms, object: None };
        self.kept().entry(Arc::from(key)).or_default().push(version);
    }

    /// Forgets all, and takes objects for the first versions of their keys.
    pub(super) fn begin(&self, objects: &Objects) {
        self.kept().clear();
        for (key, stored) in objects {
            self.put(key.clone(), stored.clone());
        }
    }

    pub(super) fn snapshot(&self) -> Kept {
        self.kept().clone()
    }

    pub(super) fn restore(&self, kept: Kept) {
        *self.kept() = kept;
    }

    pub(super) fn get(&self, key: &str, id: &str) -> Option<Arc<Stored>> {
        let kept = self.kept();
        let version = kept.get(key)?.iter().rev().find(|version| &*version.id == id)?;
        version.object.clone()
    }

    /// A continuation is the id and the key of the last entry before it.
    pub(super) fn list(&self, request: &VersionsRequest) -> Result<VersionPage> {
        let after = match request.continuation.as_deref().map(|token| token.split_once('\n')) {
            None => None,
            Some(Some(after)) => Some(after),
            Some(None) => {
                return Err(Error::new(ErrorKind::Config, "the continuation is none of a page of versions"));
            }
        };
        let from = after.map_or(request.prefix.as_str(), |(_, key)| key);
        let kept = self.kept();
        let keys = kept.range::<str, _>((Bound::Included(from), Bound::Unbounded));
        let mut page = VersionPage::default();
        for (key, versions) in keys.take_while(|(key, _)| key.starts_with(&request.prefix)) {
            let seen = match after {
                Some((id, last)) if last == &**key => {
                    versions.iter().rev().position(|version| &*version.id == id).map_or(0, |at| at + 1)
                }
                _ => 0,
            };
            for (at, version) in versions.iter().rev().enumerate().skip(seen) {
                if page.entries.len() == request.page_size() {
                    let last = page.entries.last();
                    page.continuation = last.map(|last| format!("{}\n{}", last.version_id, last.key));
                    return Ok(page);
                }
                page.entries.push(version.entry(key, at == 0));
            }
        }
        Ok(page)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Version {
    fn entry(&self, key: &Arc<str>, is_latest: bool) -> VersionEntry {
        VersionEntry {
            key: key.clone(),
            version_id: self.id.clone(),
            is_latest,
            is_deleted: self.object.is_none(),
            etag: self.object.as_ref().map(|stored| stored.etag.clone()),
            content_length: self.object.as_ref().map_or(0, |stored| stored.body.len() as u64),
            last_modified_ms: self.at_ms,
        }
    }
}
