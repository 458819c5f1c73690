use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use s3db_cache::{Cache, CacheOptions};
use s3db_core::env::{Env, Random, SystemEnv};
use s3db_core::store::{MemoryStore, Requests};
use s3db_core::{Database, Resource, ResourceConfig};
use s3db_testkit::TestEnv;
use serde_json::json;

/// A database in memory with a cache, whose clock moves when it is told to.
pub(crate) struct World {
    pub(crate) db: Database,
    pub(crate) cache: Cache,
    pub(crate) env: Arc<Clock>,
    pub(crate) store: Arc<MemoryStore>,
}

/// A clock that moves when it is told to, and alarms of the real one: files are read on other threads, which the limit on
/// what that may take must let work.
#[derive(Debug)]
pub(crate) struct Clock(TestEnv);

impl Clock {
    pub(crate) fn advance_ms(&self, milliseconds: i64) {
        self.0.advance_ms(milliseconds);
    }
}

impl Random for Clock {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.fill(buffer);
    }
}

#[async_trait]
impl Env for Clock {
    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    async fn sleep(&self, duration: Duration) {
        SystemEnv.sleep(duration).await;
    }
}

pub(crate) async fn world(options: CacheOptions) -> World {
    world_on(Arc::new(MemoryStore::new()), 1, options).await
}

/// A process more on the same bucket. Each has a `seed` of its own.
pub(crate) async fn world_on(store: Arc<MemoryStore>, seed: u64, options: CacheOptions) -> World {
    let (cache, env) = (Cache::with(options), Arc::new(Clock(TestEnv::new(seed))));
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
