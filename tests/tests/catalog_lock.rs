//! The lock that s3db.js takes around its writes of the catalogue: waited for, taken over, released.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use s3db::env::Env;
use s3db::store::{
    Capability, Condition, Head, ListPage, ListRequest, MemoryOptions, MemoryStore, Object, PutObject,
    PutResult, Replace, Store,
};
use s3db::{Database, ErrorKind, ResourceConfig, Result};
use s3db_testkit::TestEnv;
use serde_json::{Value, json};

const LOCK: &str = "plugin=s3db-core/locks/namespace=metadata/s3db-metadata.json";

struct World {
    env: Arc<TestEnv>,
    store: MemoryStore,
    db: Database,
}

async fn world() -> World {
    let env = Arc::new(TestEnv::new(1));
    let store = MemoryStore::with(MemoryOptions { env: env.clone(), ..MemoryOptions::default() });
    let db = open(Arc::new(store.clone()), env.clone()).await;
    World { env, store, db }
}

async fn open(store: Arc<dyn Store>, env: Arc<TestEnv>) -> Database {
    let builder = Database::builder_on(store, "").env(env);
    builder.options(|options| options.respect_s3db_js_lock = true).connect().await.unwrap()
}

fn users(field: &str) -> ResourceConfig {
    ResourceConfig::new("users", json!({ field: "string" }))
}

impl World {
    async fn hold(&self, body: Value) {
        let object = PutObject { body: body.to_string().into(), ..PutObject::default() };
        self.store.put(LOCK, object, Condition::None).await.unwrap();
    }

    async fn hold_for_ms(&self, ms: i64) {
        let now = self.env.now_ms();
        let body = json!({"lockId": "l", "holderId": "js-1", "acquiredAt": now, "expiresAt": now + ms,
            "_expiresAt": now + ms + 60_000});
        self.hold(body).await;
    }

    async fn is_locked(&self) -> bool {
        self.store.get(LOCK).await.unwrap().is_some()
    }
}

#[tokio::test]
async fn the_lock_is_released_and_costs_three_requests_of_a_change_only() {
    let world = world().await;
    let before = world.db.requests();
    world.db.create_resource(users("a")).await.unwrap();
    let spent = world.db.requests();
    assert_eq!((spent.get - before.get, spent.put - before.put), (1, 2), "the lock and the catalogue");
    assert_eq!((spent.head - before.head, spent.delete - before.delete), (1, 1), "looked at again, released");
    assert!(!world.is_locked().await);
    world.db.create_resource(users("a")).await.unwrap();
    assert_eq!(world.db.requests().put, spent.put, "nothing changed, nothing locked");
}

#[tokio::test]
async fn a_held_lock_is_waited_for_until_its_time_is_over() {
    let world = world().await;
    world.hold_for_ms(20_000).await;
    let start = world.env.now_ms();
    world.db.create_resource(users("a")).await.unwrap();
    let waited = world.env.now_ms() - start;
    assert!((20_000..22_000).contains(&waited), "{waited}");
    assert!(!world.is_locked().await);
}

#[tokio::test]
async fn an_expired_or_unreadable_lock_is_taken_over() {
    let world = world().await;
    world.hold_for_ms(-1).await;
    let start = world.env.now_ms();
    world.db.create_resource(users("a")).await.unwrap();
    assert_eq!(world.env.now_ms(), start, "without a pause");
    assert!(!world.is_locked().await);

    world.hold(json!("nonsense")).await;
    world.env.advance_ms(30_000);
    let start = world.env.now_ms();
    world.db.create_resource(users("b")).await.unwrap();
    assert_eq!(world.env.now_ms(), start);
    assert!(!world.is_locked().await);
}

#[tokio::test]
async fn a_lock_that_is_held_for_ever_is_an_error_that_names_the_holder() {
    let world = world().await;
    world.hold_for_ms(3_600_000).await;
    let error = world.db.create_resource(users("a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.is_retryable() && error.suggestion().is_some(), "{error:?}");
    for text in ["lock of the catalogue", "js-1", LOCK] {
        assert!(format!("{error:?}").contains(text), "{error:?}");
    }
    assert!(world.is_locked().await, "it is not ours to delete");
    assert!(world.db.catalog()["resources"]["users"].is_null());
}

#[tokio::test]
async fn without_the_option_the_lock_is_not_looked_at() {
    let world = world().await;
    world.hold_for_ms(3_600_000).await;
    let store = Arc::new(world.store.clone());
    let db = Database::builder_on(store, "").env(world.env.clone()).connect().await.unwrap();
    db.create_resource(users("a")).await.unwrap();
    assert_eq!(db.requests().put, 1);
}

/// A store in which s3db.js, whose lock had run out, writes its old view over our first catalogue.
#[derive(Debug)]
struct Overwriting {
    inner: MemoryStore,
    old: Mutex<Option<PutObject>>,
}

#[async_trait]
impl Store for Overwriting {
    fn capability(&self) -> &Capability {
        self.inner.capability()
    }
    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        let put = self.inner.put(key, object, condition).await?;
        let old = if key == "s3db.json" { self.old.lock().unwrap().take() } else { None };
        if let Some(old) = old {
            self.inner.put(key, old, Condition::None).await?;
        }
        Ok(put)
    }
    async fn get(&self, key: &str) -> Result<Option<Object>> {
        self.inner.get(key).await
    }
    async fn head(&self, key: &str) -> Result<Option<Head>> {
        self.inner.head(key).await
    }
    async fn copy(&self, from: &str, to: &str, r: Option<Replace>, c: Condition) -> Result<PutResult> {
        self.inner.copy(from, to, r, c).await
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

#[tokio::test]
async fn a_change_that_was_overwritten_is_made_again() {
    let world = world().await;
    world.db.create_resource(ResourceConfig::new("others", json!({"x": "string"}))).await.unwrap();
    let old = world.store.get("s3db.json").await.unwrap().unwrap();
    let old = PutObject { body: old.body, ..PutObject::default() };
    let store = Overwriting { inner: world.store.clone(), old: Mutex::new(Some(old)) };
    let db = open(Arc::new(store), world.env.clone()).await;
    db.create_resource(users("a")).await.unwrap();
    let again = Database::builder_on(Arc::new(world.store.clone()), "").connect().await.unwrap();
    assert_eq!(again.resource_names(), ["others", "users"]);
    assert!(!world.is_locked().await);
}
