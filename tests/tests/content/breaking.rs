//! A store whose streams break off.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::StreamExt as _;
use s3db::store::{
    ByteRange, Capability, Condition, ETag, Head, ListPage, ListRequest, MemoryStore, Object, PutObject,
    PutResult, Reading, Replace, Store,
};
use s3db::{Error, ErrorKind, Result};

/// A memory store. Each stream takes the first of `cuts` and breaks off after so many bytes; without one it is whole.
#[derive(Debug, Clone, Default)]
pub(super) struct Breaking {
    pub(super) inner: MemoryStore,
    cuts: Arc<Mutex<VecDeque<usize>>>,
}

impl Breaking {
    pub(super) fn cut(&self, cuts: impl IntoIterator<Item = usize>) {
        *self.cuts.lock().unwrap() = cuts.into_iter().collect();
    }

    pub(super) fn cuts_left(&self) -> usize {
        self.cuts.lock().unwrap().len()
    }
}

#[async_trait]
impl Store for Breaking {
    fn capability(&self) -> &Capability {
        self.inner.capability()
    }

    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        self.inner.put(key, object, condition).await
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        self.inner.get(key).await
    }

    async fn read_range(
        &self,
        key: &str,
        range: ByteRange,
        if_match: Option<&ETag>,
    ) -> Result<Option<Reading>> {
        let mut found = self.inner.read_range(key, range, if_match).await?;
        let cut = self.cuts.lock().unwrap().pop_front();
        if let (Some(reading), Some(cut)) = (&mut found, cut) {
            let body = std::mem::replace(&mut reading.body, futures::stream::empty().boxed());
            // A thousand bytes at a time.
            let bytes = body.flat_map(|bytes| {
                let bytes = bytes.unwrap();
                let parts =
                    (0..bytes.len()).step_by(1000).map(move |at| bytes.slice(at..bytes.len().min(at + 1000)));
                futures::stream::iter(parts)
            });
            let broken = Error::new(ErrorKind::Unavailable, "the connection is gone");
            reading.body =
                bytes.take(cut.div_ceil(1000)).map(Ok).chain(futures::stream::iter([Err(broken)])).boxed();
        }
        Ok(found)
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        self.inner.head(key).await
    }

    async fn copy(
        &self,
        from: &str,
        to: &str,
        replace: Option<Replace>,
        condition: Condition,
    ) -> Result<PutResult> {
        self.inner.copy(from, to, replace, condition).await
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage> {
        self.inner.list(request).await
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        self.inner.delete(key, condition).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        self.inner.delete_many(keys).await
    }
}
