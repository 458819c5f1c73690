//! What the cache of s3db.js has kept: the database of `tests/buckets/plugin-cache.json`.

use std::sync::Arc;

use s3db_cache::{Cache, CacheOptions, Tier};
use s3db_core::resource::ListOptions;
use s3db_core::store::dump::{self, Destination};
use s3db_core::store::{ListRequest, MemoryStore, Store};
use s3db_core::{Database, Record};
use s3db_testkit::TestEnv;
use serde_json::json;

const DUMP: &str = include_str!("../../../../tests/buckets/plugin-cache.json");

/// 2026-11-22T22:03:05Z, when the counts of the dump were kept, in milliseconds after the start of the test's clock.
const KEPT_MS: i64 = 1_795_384_985_000 - 1_735_689_600_000;

async fn bucket() -> Arc<MemoryStore> {
    let bucket = Arc::new(MemoryStore::new());
    let store: Arc<dyn Store> = bucket.clone();
    dump::load(&store, "", DUMP.as_bytes(), Destination::MustBeEmpty).await.unwrap();
    bucket
}

async fn open(store: &Arc<MemoryStore>, key_prefix: &str, clock_ms: i64) -> (Database, Cache) {
    let env = TestEnv::new(1);
    env.advance_ms(clock_ms);
    let tier = Tier::S3dbJs { key_prefix: key_prefix.to_owned() };
    let cache = Cache::with(CacheOptions::default().tier(tier));
    let db = Database::builder_on(store.clone(), "db").env(Arc::new(env)).plugin(cache.clone());
    (db.connect().await.unwrap(), cache)
}

fn same(cached: &Record, stored: &Record) {
    assert_eq!((&cached.id, &cached.data), (&stored.id, &stored.data));
    assert_eq!((&cached.meta.etag, &cached.meta.version), (&stored.meta.etag, &stored.meta.version));
}

#[tokio::test]
async fn entries_of_s3db_js_answer_reads_and_equal_what_is_stored() {
    let store = bucket().await;
    let (db, cache) = open(&store, "cache", KEPT_MS).await;
    let users = db.resource("users").unwrap();
    let before = db.requests();
    let cached = users.get("u01").await.unwrap();
    assert_eq!((db.requests() - before).to_string(), "1 GET");
    same(&cached, &users.uncached().get("u01").await.unwrap());

    let us = users.partition("byRegion", json!({"region": "US"})).unwrap();
    let before = db.requests();
    let cached = us.list(ListOptions::default()).await.unwrap().records;
    assert_eq!((db.requests() - before).to_string(), "1 GET");
    let stored = users.uncached().partition("byRegion", json!({"region": "US"})).unwrap();
    let mut stored = stored.list(ListOptions::default()).await.unwrap().records;
    stored.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(cached.len(), 6);
    cached.iter().zip(&stored).for_each(|(cached, stored)| same(cached, stored));
    assert_eq!(users.count().await.unwrap(), 12);
    assert_eq!((cache.stats().tier_hits, cache.tier_stats()[0].hits), (3, 3));
}

#[tokio::test]
async fn entries_of_s3db_js_whose_time_is_over_are_not_read() {
    // The count has a time of its own, 60 seconds; the list under the other prefix expires with its object.
    for (prefix, resource, later_ms, hits) in [
        ("cache", "users", 59_000, 1),
        ("cache", "users", 61_000, 0),
        ("ttl90", "notes", 89_000, 1),
        ("ttl90", "notes", 92_000, 0),
    ] {
        let (db, cache) = open(&bucket().await, prefix, KEPT_MS + later_ms).await;
        let rows = db.resource(resource).unwrap();
        if prefix == "cache" {
            assert_eq!(rows.count().await.unwrap(), 12);
        } else {
            assert_eq!(rows.list(ListOptions::default()).await.unwrap().records.len(), 1);
        }
        assert_eq!(cache.tier_stats()[0].hits, hits, "{prefix} {later_ms}");
    }
}

#[tokio::test]
async fn a_write_clears_what_s3db_js_has_kept_of_the_resource() {
    let store = bucket().await;
    let (db, _) = open(&store, "cache", KEPT_MS).await;
    let users = db.resource("users").unwrap();
    let kept = async |resource: &str| {
        let prefix = format!("db/plugin=cache/cache/resource={resource}/");
        store.list(ListRequest::prefix(prefix)).await.unwrap().entries.len()
    };
    assert!(kept("users").await > 20 && kept("notes").await == 1);
    users.update("u01", json!({"name": "New"})).await.unwrap();
    assert_eq!((kept("users").await, kept("notes").await), (0, 1));
    assert_eq!(users.get("u01").await.unwrap().data["name"], "New");
}
