//! What is cached, and how much.

use std::sync::Arc;

use async_trait::async_trait;
use s3db_cache::{Cache, CacheOptions, MemoryLimit};
use s3db_core::plugin::{Installer, Manifest, Plugin};
use s3db_core::{Database, ResourceConfig, Result};
use serde_json::json;

use crate::support::{resource, world};

#[tokio::test]
async fn the_limits_of_bytes_and_items_hold() {
    let text = "x".repeat(1_000);
    for (options, items, bytes) in [
        (CacheOptions::default().memory(MemoryLimit::Bytes(100_000)), 80, 100_000),
        (CacheOptions::default().items_max(20), 20, 64 << 20),
    ] {
        let world = world(options).await;
        let users = resource(&world.db, "users").await;
        for n in 0..500 {
            let id = format!("user-{n}");
            users.insert(json!({"id": id, "name": text})).await.unwrap();
            users.get(&id).await.unwrap();
        }
        let stats = world.cache.stats();
        assert!(stats.entries > 0 && stats.entries <= items && stats.bytes <= bytes, "{stats:?}");
    }
}

#[tokio::test]
async fn one_document_that_would_sweep_out_the_rest_is_not_kept() {
    let world = world(CacheOptions::default().memory(MemoryLimit::Bytes(20_000))).await;
    let users = resource(&world.db, "users").await;
    users.insert(json!({"id": "ann", "name": "x".repeat(3_000)})).await.unwrap();
    for _ in 0..2 {
        let (_, sent) = world.sent(users.get("ann")).await;
        assert_eq!(sent.to_string(), "1 GET");
    }
    assert_eq!(world.cache.stats().entries, 0);
}

#[tokio::test]
async fn what_is_kept_is_not_shown() {
    let world = world(CacheOptions::default()).await;
    let users = resource(&world.db, "users").await;
    users.insert(json!({"id": "ann", "name": "hunter2"})).await.unwrap();
    users.get("ann").await.unwrap();
    assert!(world.cache.stats().entries == 1 && !format!("{:?}", world.cache).contains("hunter2"));
}

#[derive(Debug)]
struct Notes;

#[async_trait]
impl Plugin for Notes {
    fn manifest(&self) -> Manifest {
        Manifest::new("notes", "1.0.0")
    }

    async fn install(&self, installer: &mut Installer) -> Result<()> {
        let attributes = || json!({"name": "string"});
        installer.resource(ResourceConfig::new("notes", attributes())).await?;
        installer.resource_named(ResourceConfig::new("own_name", attributes())).await.map(drop)
    }
}

#[tokio::test]
async fn resources_of_plugins_are_left_out_unless_they_are_included() {
    let check = async |options: CacheOptions, cached: &[&str]| {
        let db = Database::builder_on(Arc::new(s3db_core::store::MemoryStore::new()), "");
        let db = db.plugin(Notes).plugin(Cache::with(options)).connect().await.unwrap();
        resource(&db, "users").await;
        let mut found = Vec::new();
        for name in ["users", "plg_notes", "own_name"] {
            let rows = db.resource(name).unwrap();
            rows.insert(json!({"id": "a", "name": "A"})).await.unwrap();
            rows.get("a").await.unwrap();
            let before = db.requests();
            rows.get("a").await.unwrap();
            if db.requests() == before {
                found.push(name);
            }
        }
        assert_eq!(found, cached);
        db.close().await;
    };
    check(CacheOptions::default(), &["users"]).await;
    check(CacheOptions::default().exclude("users"), &[]).await;
    check(CacheOptions::default().include("plg_notes"), &["plg_notes"]).await;
    check(CacheOptions::default().include("own_name").include("users"), &["users", "own_name"]).await;
    check(CacheOptions::default().include("users").exclude("users"), &[]).await;
}
