//! The store of a rehearsal.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::rehearsal::Stage;
use crate::store::{
    ByteRange, Capability, Condition, ETag, Head, ListPage, ListRequest, Metadata, Object, PutObject,
    PutResult, Reading, Replace, Store, Verb, VersionPage, VersionsRequest, limits,
};
use crate::{Error, ErrorKind, Result};

#[derive(Debug)]
pub(super) struct Rehearsed {
    pub(super) inner: Arc<dyn Store>,
    pub(super) stage: Arc<Stage>,
}

impl Rehearsed {
    async fn read(&self, key: &str) -> Result<Option<Object>> {
        let written = self.stage.scene().overlay.get(key);
        if let Some(object) = written {
            return Ok(object);
        }
        if self.stage.skips(key) {
            return Ok(Some(self.blank()));
        }
        self.stage.scene().sent.get += 1;
        let found = self.inner.get(key).await?;
        self.stage.scene().overlay.see(key, found.as_ref().map(|object| &object.head.etag));
        Ok(found)
    }

    async fn open(&self, key: &str, range: ByteRange, if_match: Option<&ETag>) -> Result<Option<Reading>> {
        let written = self.stage.scene().overlay.get(key);
        let object = match written {
            Some(object) => object,
            None if self.stage.skips(key) => Some(self.blank()),
            None => {
                self.stage.scene().sent.get += 1;
                let found = self.inner.read_range(key, range, if_match).await?;
                self.stage.scene().overlay.see(key, found.as_ref().map(|reading| &reading.head.etag));
                return Ok(found);
            }
        };
        object.map(|object| Reading::of(key, object, range, if_match)).transpose()
    }

    async fn look(&self, key: &str) -> Result<Option<Head>> {
        let written = self.stage.scene().overlay.get(key);
        if let Some(object) = written {
            return Ok(object.map(|object| object.head));
        }
        if self.stage.skips(key) {
            return Ok(Some(self.blank().head));
        }
        self.stage.scene().sent.head += 1;
        let found = self.inner.head(key).await?;
        self.stage.scene().overlay.see(key, found.as_ref().map(|head| &head.etag));
        Ok(found)
    }

    /// Stands for a document of which nobody needs to know what it holds.
    fn blank(&self) -> Object {
        let head = Head {
            metadata: Arc::new(Metadata::new()),
            etag: ETag::md5_of(b""),
            last_modified_ms: self.stage.env.now_ms(),
            content_length: 0,
            content_type: None,
            version_id: None,
        };
        Object { head, body: Bytes::new() }
    }

    /// Refuses what the store itself would refuse. A key that this rehearsal knows nothing of is looked at, which costs
    /// a request that the call itself does not send.
    async fn check(&self, key: &str, condition: &Condition) -> Result<()> {
        let wanted = match condition {
            Condition::None => return Ok(()),
            Condition::IfAbsent => None,
            Condition::IfMatch(etag) => Some(etag),
        };
        let known = self.stage.scene().overlay.etag(key);
        let found = match known {
            Some(etag) => etag,
            None => {
                self.stage.scene().sent.head += 1;
                let head = self.inner.head(key).await?;
                let etag = head.map(|head| head.etag);
                self.stage.scene().overlay.see(key, etag.as_ref());
                etag
            }
        };
        if found.as_ref() == wanted { Ok(()) } else { Err(limits::condition_failed(key, condition)) }
    }

    fn write(&self, key: &str, object: PutObject) -> PutResult {
        let now_ms = self.stage.env.now_ms();
        PutResult::new(self.stage.scene().overlay.put(key, object, now_ms))
    }

    async fn try_put(&self, key: &str, object: PutObject, condition: &Condition) -> Result<PutResult> {
        limits::check_key(key)?;
        limits::check_metadata(key, &object.metadata, self.capability())?;
        if *condition != Condition::None && !self.capability().conditional_put {
            return Err(unconditional(key));
        }
        self.check(key, condition).await?;
        Ok(self.write(key, object))
    }

    async fn try_copy(
        &self,
        from: &str,
        to: &str,
        replace: Option<Replace>,
        condition: &Condition,
    ) -> Result<PutResult> {
        limits::check_key(to)?;
        if *condition != Condition::None && !self.capability().conditional_copy {
            return Err(unconditional(to));
        }
        let source = self.read(from).await?;
        let source = source.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the object to copy does not exist").with("key", from)
        })?;
        self.check(to, condition).await?;
        let (metadata, content_type) = match replace {
            Some(replace) => (replace.metadata, replace.content_type),
            None => (source.head.metadata, source.head.content_type),
        };
        Ok(self.write(to, PutObject { metadata, body: source.body, content_type }))
    }

    async fn try_list(&self, request: ListRequest) -> Result<ListPage> {
        let mut request = self.stage.scene().overlay.narrow(request);
        loop {
            self.stage.scene().sent.list += 1;
            let page = self.inner.list(request.clone()).await?;
            let page = self.stage.scene().overlay.merge(&request, page);
            let is_empty = page.entries.is_empty() && page.common_prefixes.is_empty();
            match &page.continuation {
                // All of it was deleted in this rehearsal: the store would begin its page behind it.
                Some(next) if is_empty => request.continuation = Some(next.clone()),
                _ => return Ok(page),
            }
        }
    }

    async fn try_delete(&self, key: &str, condition: &Condition) -> Result<()> {
        limits::check_delete_condition(key, condition)?;
        if *condition != Condition::None && !self.capability().conditional_delete {
            return Err(unconditional(key));
        }
        self.check(key, condition).await?;
        self.stage.scene().overlay.delete(key);
        Ok(())
    }
}

fn unconditional(key: &str) -> Error {
    Error::new(ErrorKind::Unsupported, "the store does not check this condition").with("key", key)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for Rehearsed {
    fn capability(&self) -> &Capability {
        self.inner.capability()
    }

    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        let bytes = object.metadata.size_bytes() + object.body.len();
        let begun = self.stage.begin(Verb::Put, key, &condition, bytes).await;
        let result = self.try_put(key, object, &condition).await;
        self.stage.end(begun);
        result
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        let begun = self.stage.begin(Verb::Get, key, &Condition::None, 0).await;
        let result = self.read(key).await;
        self.stage.end(begun);
        result
    }

    async fn read_range(
        &self,
        key: &str,
        range: ByteRange,
        if_match: Option<&ETag>,
    ) -> Result<Option<Reading>> {
        let begun = self.stage.begin(Verb::Get, key, &Condition::None, 0).await;
        let result = self.open(key, range, if_match).await;
        self.stage.end(begun);
        result
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        let begun = self.stage.begin(Verb::Head, key, &Condition::None, 0).await;
        let result = self.look(key).await;
        self.stage.end(begun);
        result
    }

    async fn copy(
        &self,
        from: &str,
        to: &str,
        replace: Option<Replace>,
        condition: Condition,
    ) -> Result<PutResult> {
        let bytes = replace.as_ref().map_or(0, |replace| replace.metadata.size_bytes());
        let begun = self.stage.begin(Verb::Copy, to, &condition, bytes).await;
        let result = self.try_copy(from, to, replace, &condition).await;
        self.stage.end(begun);
        result
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage> {
        let begun = self.stage.begin(Verb::List, &request.prefix, &Condition::None, 0).await;
        let result = self.try_list(request).await;
        self.stage.end(begun);
        result
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        let begun = self.stage.begin(Verb::Delete, key, &condition, 0).await;
        let result = self.try_delete(key, &condition).await;
        self.stage.end(begun);
        result
    }

    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        limits::check_delete_many(keys)?;
        let first = keys.first().map_or("", String::as_str);
        let begun = self.stage.begin(Verb::DeleteMany, first, &Condition::None, 0).await;
        {
            let mut scene = self.stage.scene();
            keys.iter().for_each(|key| scene.overlay.delete(key));
        }
        self.stage.end(begun);
        Ok(keys.iter().map(|_| Ok(())).collect())
    }

    async fn list_versions(&self, request: VersionsRequest) -> Result<VersionPage> {
        let begun = self.stage.begin(Verb::List, &request.prefix, &Condition::None, 0).await;
        self.stage.scene().sent.list += 1;
        let result = self.inner.list_versions(request).await;
        self.stage.end(begun);
        result
    }

    async fn get_version(&self, key: &str, version_id: &str) -> Result<Option<Object>> {
        let begun = self.stage.begin(Verb::Get, key, &Condition::None, 0).await;
        let result = if self.stage.skips(key) {
            Ok(Some(self.blank()))
        } else {
            self.stage.scene().sent.get += 1;
            self.inner.get_version(key, version_id).await
        };
        self.stage.end(begun);
        result
    }
}
