use std::sync::Arc;

use s3db_cache::{Cache, CacheOptions, FileTier, Tier, register};
use s3db_core::plugin::{Plugin, PluginRegistry, Purge};
use s3db_core::store::{FileOptions, FileStore, Fsync, MemoryStore};
use s3db_core::{Document, ErrorKind};
use s3db_testkit::plugins::{self, Options};
use serde_json::json;

use crate::support::{resource, world};

fn factory(namespace: Option<&str>) -> Arc<dyn Plugin> {
    let options = CacheOptions::default();
    Arc::new(Cache::with(match namespace {
        Some(namespace) => options.namespace(namespace),
        None => options,
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_cache_conforms_in_memory_and_in_a_folder() {
    plugins::check(Arc::new(MemoryStore::new()), factory, Options::default()).await.assert_green();
    let folder = tempfile::tempdir().unwrap();
    let options = FileOptions { fsync: Fsync::Never, ..FileOptions::default() };
    let store = FileStore::open(folder.path(), options).await.unwrap();
    plugins::check(Arc::new(store), factory, Options::default()).await.assert_green();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_cache_conforms_with_tiers() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_owned();
    let tiered = move |namespace: Option<&str>| -> Arc<dyn Plugin> {
        let files = FileTier::new(place.join(namespace.unwrap_or("default")));
        let options = CacheOptions::default().tier(Tier::Files(files)).tier(Tier::Bucket);
        Arc::new(Cache::with(match namespace {
            Some(namespace) => options.namespace(namespace),
            None => options,
        }))
    };
    plugins::check(Arc::new(MemoryStore::new()), tiered, Options::default()).await.assert_green();
}

#[test]
fn a_configuration_names_it_and_wrong_options_are_told() {
    let mut registry = PluginRegistry::new();
    register(&mut registry);
    let options = json!({"memory_percent": 10, "items_max": 5, "ttl_seconds": null, "exclude": ["a"]});
    assert_eq!(registry.build("cache", &options).unwrap().manifest().name, "cache");
    let tiers = json!([{"driver": "files", "directory": "x", "bytes_max": 9}, {"driver": "bucket"}, {"driver": "s3db.js"}]);
    let options = json!({"tiers": tiers, "compress_bytes_min": 4096, "secrets_in_tiers": false});
    registry.build("cache", &options).unwrap();
    for (options, option) in [
        (json!({"memory_bytes": -1}), "memory_bytes"),
        (json!({"memory_percent": 0}), "memory_percent"),
        (json!({"memory_percent": 101}), "memory_percent"),
        (json!({"items_max": 0}), "items_max"),
        (json!({"ttl_seconds": 0}), "ttl_seconds"),
        (json!({"ttl_seconds": "1h"}), "ttl_seconds"),
        (json!({"include": "users"}), "include"),
        (json!({"size": 1}), "size"),
        (json!({"tiers": {}}), "tiers"),
        (json!({"tiers": [{"driver": "redis"}]}), "tiers"),
        (json!({"tiers": [{"driver": "files"}]}), "directory"),
        (json!({"tiers": [{"driver": "files", "directory": "x", "bytes_max": 0}]}), "bytes_max"),
        (json!({"tiers": [{"driver": "bucket", "directory": "x"}]}), "tiers"),
        (json!({"tiers": [{"driver": "s3db.js"}, {"driver": "bucket"}]}), "tiers"),
        (json!({"compress_bytes_min": "4k"}), "compress_bytes_min"),
    ] {
        let error = registry.build("cache", &options).unwrap_err();
        assert_eq!((error.kind(), error.context("option")), (ErrorKind::Config, Some(option)), "{error}");
    }
    let both = registry.build("cache", &json!({"memory_bytes": 1, "memory_percent": 1})).unwrap_err();
    assert!(both.message().contains("two ways"), "{both}");
}

#[tokio::test]
async fn people_and_dashboards_see_what_it_does() {
    let world = world(CacheOptions::default()).await;
    let users = resource(&world.db, "users").await;
    users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
    for _ in 0..4 {
        users.get("ann").await.unwrap();
    }
    let stats = world.db.run_plugin_command("cache", "stats", Document::new()).await.unwrap();
    assert_eq!((&stats["hits"], &stats["misses"], &stats["hit_rate"]), (&json!(3), &json!(1), &json!(0.75)));
    let metrics = world.db.plugin_metrics();
    let hits = metrics.iter().find(|metric| metric.metric.name == "s3db_cache_hits").unwrap();
    assert_eq!(hits.readings[0].value, 3.0);
    let users_only = json!({"resource": "users"}).as_object().cloned().unwrap();
    world.db.run_plugin_command("cache", "clear", users_only).await.unwrap();
    let (_, sent) = world.sent(users.get("ann")).await;
    assert_eq!(sent.to_string(), "1 GET");
    world.db.uninstall_plugin("cache", Purge::Data).await.unwrap();
}
