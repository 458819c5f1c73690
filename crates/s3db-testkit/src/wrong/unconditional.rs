//! A store that looks at no condition, before any other.

use std::sync::Arc;

use async_trait::async_trait;
use s3db_core::Result;
use s3db_core::store::{
    Capability, Condition, Head, ListPage, ListRequest, Object, PutObject, PutResult, Replace, Store,
    VersionPage, VersionsRequest,
};

/// Writes and deletes whatever the condition, on the store behind it: what a protocol of yours must not survive in a
/// [simulated world](crate::sim), if its checks are worth anything.
#[derive(Debug)]
pub struct Unconditional(Arc<dyn Store>);

impl Unconditional {
    /// Stands before a store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }
}

#[async_trait]
impl Store for Unconditional {
    fn capability(&self) -> &Capability {
        self.0.capability()
    }

    async fn put(&self, key: &str, object: PutObject, _: Condition) -> Result<PutResult> {
        self.0.put(key, object, Condition::None).await
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        self.0.get(key).await
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        self.0.head(key).await
    }

    async fn copy(&self, from: &str, to: &str, replace: Option<Replace>, _: Condition) -> Result<PutResult> {
        self.0.copy(from, to, replace, Condition::None).await
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage> {
        self.0.list(request).await
    }

    async fn delete(&self, key: &str, _: Condition) -> Result<()> {
        self.0.delete(key, Condition::None).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        self.0.delete_many(keys).await
    }

    async fn list_versions(&self, request: VersionsRequest) -> Result<VersionPage> {
        self.0.list_versions(request).await
    }

    async fn get_version(&self, key: &str, version_id: &str) -> Result<Option<Object>> {
        self.0.get_version(key, version_id).await
    }
}
