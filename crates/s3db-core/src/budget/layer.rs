//! The store that pays before it sends.

use std::sync::Arc;

use async_trait::async_trait;

use super::account::Payer;
use crate::Result;
use crate::store::{
    ByteRange, Capability, Condition, ETag, Head, ListPage, ListRequest, Object, PutObject, PutResult,
    Reading, Replace, Store, Verb, VersionPage, VersionsRequest,
};

#[derive(Debug)]
pub(super) struct Budgeted {
    inner: Arc<dyn Store>,
    payer: Payer,
}

impl Budgeted {
    pub(super) fn new(inner: Arc<dyn Store>, payer: Payer) -> Self {
        Self { inner, payer }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for Budgeted {
    fn capability(&self) -> &Capability {
        self.inner.capability()
    }

    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        self.payer.pay(Verb::Put, key)?;
        self.inner.put(key, object, condition).await
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        self.payer.pay(Verb::Get, key)?;
        self.inner.get(key).await
    }

    async fn read_range(
        &self,
        key: &str,
        range: ByteRange,
        if_match: Option<&ETag>,
    ) -> Result<Option<Reading>> {
        self.payer.pay(Verb::Get, key)?;
        self.inner.read_range(key, range, if_match).await
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        self.payer.pay(Verb::Head, key)?;
        self.inner.head(key).await
    }

    async fn copy(
        &self,
        from: &str,
        to: &str,
        replace: Option<Replace>,
        condition: Condition,
    ) -> Result<PutResult> {
        self.payer.pay(Verb::Copy, to)?;
        self.inner.copy(from, to, replace, condition).await
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage> {
        self.payer.pay(Verb::List, &request.prefix)?;
        self.inner.list(request).await
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        self.payer.pay(Verb::Delete, key)?;
        self.inner.delete(key, condition).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        self.payer.pay(Verb::DeleteMany, keys.first().map_or("", String::as_str))?;
        self.inner.delete_many(keys).await
    }

    async fn list_versions(&self, request: VersionsRequest) -> Result<VersionPage> {
        self.payer.pay(Verb::List, &request.prefix)?;
        self.inner.list_versions(request).await
    }

    async fn get_version(&self, key: &str, version_id: &str) -> Result<Option<Object>> {
        self.payer.pay(Verb::Get, key)?;
        self.inner.get_version(key, version_id).await
    }
}
