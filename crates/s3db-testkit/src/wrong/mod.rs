//! Stores that break one rule of the contract each, to prove that the conformance kit sees it; [`plugin`] has such plugins.

pub mod plugin;
mod unconditional;

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;
use s3db_core::store::{
    BodyStream, ByteRange, Capability, Condition, ETag, Head, ListPage, ListRequest, MemoryOptions,
    MemoryStore, Metadata, Object, PutObject, PutResult, Reading, Replace, Store, VersionPage,
    VersionsRequest,
};
use s3db_core::{Error, ErrorKind, Result};

pub use unconditional::Unconditional;

/// The rule that a [`WrongStore`] breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Conditions are taken and not looked at.
    IgnoresConditions,
    /// Conditions are checked by a read before the write.
    ChecksBeforeWrite,
    /// `IfMatch` on an absent key creates it.
    MatchesAbsent,
    /// Metadata is not kept.
    DropsMetadata,
    /// More metadata than the limit is taken.
    HasNoLimit,
    /// The content type is not kept.
    DropsContentType,
    /// Pages are in descending order.
    ListsBackwards,
    /// A full page lacks its last key.
    LosesLastOfPage,
    /// `start_after` is included.
    StartsAtStart,
    /// A listing does not show the newest object.
    ListsLate,
    /// The delimiter is not looked at.
    IgnoresDelimiter,
    /// A copy keeps the metadata of its source, whatever is asked for.
    CopyKeepsMetadata,
    /// Deleting an absent key is an error.
    DeleteNeedsObject,
    /// Keys are compared without case.
    IgnoresCase,
    /// A path of segments is made shorter, as a web server does.
    NormalisesKeys,
    /// It says that it cannot check conditions on deletes, and then ignores them.
    IgnoresWhatItCannot,
    /// Versions are listed from the oldest on.
    ListsOldestFirst,
    /// Whatever version is asked for, the current one is read.
    ForgetsVersions,
    /// It says that it has no old versions, and lists them.
    HidesVersions,
    /// A range is taken for the whole body.
    IgnoresRange,
    /// The condition of a read is not looked at.
    ReadsUnchecked,
    /// A stream looks for the object again with each of its parts.
    MixesVersions,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 22] = [
        Self::IgnoresConditions,
        Self::ChecksBeforeWrite,
        Self::MatchesAbsent,
        Self::DropsMetadata,
        Self::HasNoLimit,
        Self::DropsContentType,
        Self::ListsBackwards,
        Self::LosesLastOfPage,
        Self::StartsAtStart,
        Self::ListsLate,
        Self::IgnoresDelimiter,
        Self::CopyKeepsMetadata,
        Self::DeleteNeedsObject,
        Self::IgnoresCase,
        Self::NormalisesKeys,
        Self::IgnoresWhatItCannot,
        Self::ListsOldestFirst,
        Self::ForgetsVersions,
        Self::HidesVersions,
        Self::IgnoresRange,
        Self::ReadsUnchecked,
        Self::MixesVersions,
    ];
}

/// A memory store with one [`Fault`].
#[derive(Debug)]
pub struct WrongStore {
    inner: MemoryStore,
    fault: Fault,
    claimed: Capability,
    newest: std::sync::Mutex<Option<String>>,
}

impl WrongStore {
    /// An empty store with a fault.
    pub fn new(fault: Fault) -> Self {
        let mut options = MemoryOptions::default();
        let mut claimed = options.capability.clone();
        if fault == Fault::HasNoLimit {
            options.capability.metadata_bytes_max = usize::MAX;
        }
        if fault == Fault::IgnoresWhatItCannot {
            claimed.conditional_delete = false;
        }
        if matches!(fault, Fault::ListsOldestFirst | Fault::ForgetsVersions | Fault::HidesVersions) {
            options = options.keep_versions();
            claimed.object_versions = fault != Fault::HidesVersions;
        }
        Self { inner: MemoryStore::with(options), fault, claimed, newest: std::sync::Mutex::default() }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn key(&self, key: &str) -> String {
        match self.fault {
            Fault::IgnoresCase => key.to_lowercase(),
            Fault::NormalisesKeys => normalise(key),
            _ => key.to_owned(),
        }
    }

    /// The condition that the inner store gets to see.
    async fn condition(&self, key: &str, condition: Condition) -> Result<Condition> {
        match self.fault {
            Fault::IgnoresConditions => Ok(Condition::None),
            Fault::MatchesAbsent if self.inner.head(key).await?.is_none() => Ok(Condition::None),
            Fault::ChecksBeforeWrite if condition != Condition::None => {
                let present = self.inner.head(key).await?;
                let holds = match &condition {
                    Condition::IfMatch(etag) => present.is_some_and(|head| head.etag == *etag),
                    _ => present.is_none(),
                };
                // Here another writer can come in between.
                tokio::task::yield_now().await;
                if holds {
                    Ok(Condition::None)
                } else {
                    Err(Error::new(ErrorKind::Conflict, "the condition does not hold"))
                }
            }
            _ => Ok(condition),
        }
    }

    fn remember(&self, key: &str) {
        *self.newest.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(key.to_owned());
    }

    fn is_newest(&self, key: &str) -> bool {
        self.newest.lock().unwrap_or_else(std::sync::PoisonError::into_inner).as_deref() == Some(key)
    }
}

/// Reads each part of a body anew.
fn mixed(store: MemoryStore, key: String, range: Range<u64>) -> BodyStream {
    const PART_BYTES: u64 = 64 << 10;
    futures::stream::unfold((store, key, range), async |(store, key, range)| {
        let end = range.end.min(range.start + PART_BYTES);
        if range.start >= end {
            return None;
        }
        let object = store.get(&key).await.ok().flatten()?;
        let bounds = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(object.body.len());
        let bytes = object.body.slice(bounds(range.start)..bounds(end));
        Some((Ok(bytes), (store, key, end..range.end)))
    })
    .boxed()
}

fn normalise(key: &str) -> String {
    let mut segments = Vec::new();
    for segment in key.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    segments.join("/")
}

#[async_trait]
impl Store for WrongStore {
    fn capability(&self) -> &Capability {
        &self.claimed
    }

    async fn put(&self, key: &str, mut object: PutObject, condition: Condition) -> Result<PutResult> {
        let key = self.key(key);
        if self.is(Fault::DropsMetadata) && object.metadata.size_bytes() <= self.claimed.metadata_bytes_max {
            object.metadata = Arc::new(Metadata::new());
        }
        if self.is(Fault::DropsContentType) {
            object.content_type = None;
        }
        let condition = self.condition(&key, condition).await?;
        let written = self.inner.put(&key, object, condition).await?;
        self.remember(&key);
        Ok(written)
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        self.inner.get(&self.key(key)).await
    }

    async fn read_range(
        &self,
        key: &str,
        range: ByteRange,
        if_match: Option<&ETag>,
    ) -> Result<Option<Reading>> {
        let key = self.key(key);
        let range = if self.is(Fault::IgnoresRange) { ByteRange::ALL } else { range };
        let if_match = if_match.filter(|_| !self.is(Fault::ReadsUnchecked));
        let mut found = self.inner.read_range(&key, range, if_match).await?;
        if let Some(reading) = found.as_mut().filter(|_| self.is(Fault::MixesVersions)) {
            reading.body = mixed(self.inner.clone(), key, reading.range.clone());
        }
        Ok(found)
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        self.inner.head(&self.key(key)).await
    }

    async fn copy(
        &self,
        from: &str,
        to: &str,
        replace: Option<Replace>,
        condition: Condition,
    ) -> Result<PutResult> {
        let to = self.key(to);
        let condition = self.condition(&to, condition).await?;
        let too_large = |new: &Replace| new.metadata.size_bytes() > self.claimed.metadata_bytes_max;
        let replace = replace.filter(|new| !self.is(Fault::CopyKeepsMetadata) || too_large(new));
        self.inner.copy(&self.key(from), &to, replace, condition).await
    }

    async fn list(&self, mut request: ListRequest) -> Result<ListPage> {
        if self.is(Fault::IgnoresDelimiter) {
            request.delimiter = None;
        }
        let start = request.start_after.clone().filter(|_| self.is(Fault::StartsAtStart));
        let first = match (&request.continuation, start) {
            (None, Some(start)) if start.starts_with(&request.prefix) => Some(start),
            _ => None,
        };
        let mut page = self.inner.list(request).await?;
        if let Some(start) = first
            && let Some(head) = self.inner.head(&start).await.ok().flatten()
        {
            let entry = s3db_core::store::ListEntry {
                key: start.into(),
                etag: head.etag,
                content_length: head.content_length,
                last_modified_ms: head.last_modified_ms,
            };
            page.entries.insert(0, entry);
        }
        match self.fault {
            Fault::ListsBackwards => page.entries.reverse(),
            Fault::LosesLastOfPage if page.continuation.is_some() => drop(page.entries.pop()),
            Fault::ListsLate => page.entries.retain(|entry| !self.is_newest(&entry.key)),
            _ => {}
        }
        Ok(page)
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        let key = self.key(key);
        if self.is(Fault::DeleteNeedsObject)
            && condition == Condition::None
            && self.inner.head(&key).await?.is_none()
        {
            return Err(Error::new(ErrorKind::NotFound, "there is no such object"));
        }
        let condition = match condition {
            Condition::IfAbsent => condition,
            Condition::IfMatch(_) if self.is(Fault::IgnoresWhatItCannot) => Condition::None,
            condition => self.condition(&key, condition).await?,
        };
        self.inner.delete(&key, condition).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        let keys = keys.iter().map(|key| self.key(key)).collect::<Vec<_>>();
        self.inner.delete_many(&keys).await
    }

    async fn list_versions(&self, request: VersionsRequest) -> Result<VersionPage> {
        let mut page = self.inner.list_versions(request).await?;
        if self.is(Fault::ListsOldestFirst) {
            page.entries.reverse();
        }
        Ok(page)
    }

    async fn get_version(&self, key: &str, version_id: &str) -> Result<Option<Object>> {
        if self.is(Fault::ForgetsVersions) {
            return self.inner.get(key).await;
        }
        self.inner.get_version(key, version_id).await
    }
}
