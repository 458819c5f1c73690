//! What the cases put beside the plugin: a plugin that fails to start, and a store whose plugin storage can be down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use s3db_core::plugin::{Context, Installer, Manifest, Plugin};
use s3db_core::store::{
    ByteRange, Capability, Condition, ETag, Head, ListPage, ListRequest, Object, PutObject, PutResult,
    Reading, Replace, Store, StoreLayer, VersionPage, VersionsRequest,
};
use s3db_core::{Error, ErrorKind, Result};

/// Installs, and does not start.
#[derive(Debug)]
pub(super) struct Broken;

#[async_trait]
impl Plugin for Broken {
    fn manifest(&self) -> Manifest {
        Manifest::new("kit-broken", "1.0.0")
    }

    async fn install(&self, _: &mut Installer) -> Result<()> {
        Ok(())
    }

    async fn start(&self, _: &Context) -> Result<()> {
        Err(Error::new(ErrorKind::Unavailable, "the neighbour does not start"))
    }
}

/// Refuses requests for the storage of one plugin while it is down.
#[derive(Debug, Clone)]
pub(super) struct Outage {
    pub(super) slug: String,
    pub(super) is_down: Arc<AtomicBool>,
}

impl StoreLayer for Outage {
    fn wrap(&self, inner: Arc<dyn Store>) -> Arc<dyn Store> {
        Arc::new(Flaky { inner, outage: self.clone() })
    }
}

#[derive(Debug)]
struct Flaky {
    inner: Arc<dyn Store>,
    outage: Outage,
}

impl Flaky {
    fn reach(&self, key: &str) -> Result<()> {
        let is_hit = key.contains(&format!("plugin={}/", self.outage.slug));
        if is_hit && self.outage.is_down.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Denied, "the storage of the plugin is down"));
        }
        Ok(())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for Flaky {
    fn capability(&self) -> &Capability {
        self.inner.capability()
    }

    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        self.reach(key)?;
        self.inner.put(key, object, condition).await
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        self.reach(key)?;
        self.inner.get(key).await
    }

    async fn read_range(
        &self,
        key: &str,
        range: ByteRange,
        if_match: Option<&ETag>,
    ) -> Result<Option<Reading>> {
        self.reach(key)?;
        self.inner.read_range(key, range, if_match).await
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        self.reach(key)?;
        self.inner.head(key).await
    }

    async fn copy(
        &self,
        from: &str,
        to: &str,
        replace: Option<Replace>,
        condition: Condition,
    ) -> Result<PutResult> {
        self.reach(to)?;
        self.inner.copy(from, to, replace, condition).await
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage> {
        self.reach(&request.prefix)?;
        self.inner.list(request).await
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        self.reach(key)?;
        self.inner.delete(key, condition).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        keys.iter().try_for_each(|key| self.reach(key))?;
        self.inner.delete_many(keys).await
    }

    async fn list_versions(&self, request: VersionsRequest) -> Result<VersionPage> {
        self.reach(&request.prefix)?;
        self.inner.list_versions(request).await
    }

    async fn get_version(&self, key: &str, version_id: &str) -> Result<Option<Object>> {
        self.reach(key)?;
        self.inner.get_version(key, version_id).await
    }
}
