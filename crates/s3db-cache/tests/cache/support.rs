use std::sync::Arc;

use s3db_cache::{Cache, CacheOptions};
use s3db_core::store::{MemoryStore, Requests};
use s3db_core::{Database, Resource, ResourceConfig};
use s3db_testkit::TestEnv;
use serde_json::json;

/// A database in memory with a cache, whose clock moves when it is told to.
pub(crate) struct World {
    pub(crate) db: Database,
    pub(crate) cache: Cache,
    pub(crate) env: Arc<TestEnv>,
    pub(crate) store: Arc<MemoryStore>,
}

pub(crate) async fn world(options: CacheOptions) -> World {
    let (cache, env, store) = (Cache::with(options), Arc::new(TestEnv::new(1)), Arc::new(MemoryStore::new()));
    let db = Database::builder_on(store.clone(), "")
        .env(env.clone())
        .plugin(cache.clone())
        .connect()
        .await
        .unwrap();
    World { db, cache, env, store }
}

pub(crate) async fn resource(db: &Database, name: &str) -> Resource {
    let attributes = json!({"name": "string", "n": "number|optional", "at": "string|optional"});
    db.create_resource(ResourceConfig::new(name, attributes).paranoid(false)).await.unwrap()
}

impl World {
    /// Requests that `calls` send.
    pub(crate) async fn sent<T>(&self, calls: impl Future<Output = T>) -> (T, Requests) {
        let before = self.db.requests();
        let result = calls.await;
        (result, self.db.requests() - before)
    }
}
