//! A store that remembers what was asked of it.

use std::sync::{Arc, Mutex};

use s3db::Result;
use s3db::store::{
    Capability, Condition, Head, ListPage, ListRequest, MemoryStore, Object, PutObject, PutResult, Replace,
    Store,
};

/// Requests as `VERB key`, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub(super) struct Recorder {
    inner: Arc<MemoryStore>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    /// What came since this was asked before, sorted.
    pub(super) fn take(&self) -> Vec<String> {
        let mut requests = std::mem::take(&mut *self.requests.lock().unwrap());
        requests.sort();
        requests
    }

    /// Every object: its key, ETag and time.
    pub(super) async fn objects(&self) -> Vec<String> {
        let page = self.inner.list(ListRequest::default()).await.unwrap();
        assert_eq!(page.continuation, None, "one page is enough for these tests");
        page.entries.iter().map(|entry| format!("{entry:?}")).collect()
    }

    pub(super) fn store(&self) -> &MemoryStore {
        &self.inner
    }

    fn note(&self, verb: &str, key: &str) {
        self.requests.lock().unwrap().push(format!("{verb} {key}"));
    }
}

#[async_trait::async_trait]
impl Store for Recorder {
    fn capability(&self) -> &Capability {
        self.inner.capability()
    }

    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        self.note("PUT", key);
        self.inner.put(key, object, condition).await
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        self.note("GET", key);
        self.inner.get(key).await
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        self.note("HEAD", key);
        self.inner.head(key).await
    }

    async fn copy(
        &self,
        from: &str,
        to: &str,
        replace: Option<Replace>,
        condition: Condition,
    ) -> Result<PutResult> {
        self.note("COPY", to);
        self.inner.copy(from, to, replace, condition).await
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage> {
        self.note("LIST", &request.prefix);
        self.inner.list(request).await
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        self.note("DELETE", key);
        self.inner.delete(key, condition).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        self.note("DELETE-MANY", keys.first().map_or("", String::as_str));
        self.inner.delete_many(keys).await
    }
}
