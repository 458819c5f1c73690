//! Answers below memory: they outlive the process, are shared, and are never old.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use s3db_cache::{Cache, CacheOptions, CacheTier, FileTier, Tier, TierStats};
use s3db_core::encoding::Passphrase;
use s3db_core::plugin::Purge;
use s3db_core::resource::ListOptions;
use s3db_core::store::MemoryStore;
use s3db_core::{Error, ErrorKind, Resource, ResourceConfig, Result};
use serde_json::json;

use crate::fresh::{VERBS, seen, write};
use crate::support::{World, resource, world, world_on};

fn files(folder: &Path) -> CacheOptions {
    CacheOptions::default().tier(Tier::Files(FileTier::new(folder)))
}

fn custom(tier: &Arc<Map>) -> CacheOptions {
    CacheOptions::default().tier(Tier::Custom(tier.clone()))
}

/// A tier that works, fails or hangs as it is told to.
#[derive(Debug, Default)]
struct Map {
    entries: Mutex<BTreeMap<String, Vec<u8>>>,
    fails: AtomicBool,
    hangs: AtomicBool,
}

impl Map {
    async fn serves(&self) -> Result<()> {
        if self.hangs.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        match self.fails.load(Ordering::Relaxed) {
            true => Err(Error::new(ErrorKind::Unavailable, "boom")),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl CacheTier for Map {
    fn name(&self) -> &str {
        "map"
    }
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.serves().await?;
        Ok(self.entries.lock().unwrap().get(key).cloned())
    }
    async fn put(&self, key: &str, value: Vec<u8>, _: Option<Duration>) -> Result<()> {
        self.serves().await?;
        self.entries.lock().unwrap().insert(key.to_owned(), value);
        Ok(())
    }
    async fn delete(&self, keys: &[String]) -> Result<()> {
        self.serves().await?;
        let mut entries = self.entries.lock().unwrap();
        keys.iter().for_each(|key| drop(entries.remove(key)));
        Ok(())
    }
    async fn clear(&self, prefix: &str) -> Result<()> {
        self.serves().await?;
        self.entries.lock().unwrap().retain(|key, _| !key.starts_with(prefix));
        Ok(())
    }
}

async fn names(users: &Resource) -> Vec<String> {
    let records = users.list(ListOptions::default()).await.unwrap().records;
    records.iter().map(|record| record.data["name"].as_str().unwrap().to_owned()).collect()
}

fn tier(cache: &Cache, name: &str) -> TierStats {
    cache.tier_stats().into_iter().find(|tier| tier.name == name).unwrap()
}

#[tokio::test]
async fn after_every_verb_a_read_through_tiers_sees_what_the_bucket_holds() {
    for verb in VERBS {
        let (folder, map) = (tempfile::tempdir().unwrap(), Arc::new(Map::default()));
        let options = files(folder.path()).tier(Tier::Custom(map)).tier(Tier::Bucket);
        let world = world(options.clone()).await;
        let users = resource(&world.db, "users").await;
        users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
        for _ in 0..2 {
            seen(&users).await;
            // So that tiers answer, too.
            world.cache.clear();
        }
        assert!(tier(&world.cache, "files").hits > 0);
        write(&users.uncached(), verb).await;
        let expected = seen(&users.uncached()).await;
        assert_eq!(seen(&users).await, expected, "{verb}");
        world.cache.clear();
        assert_eq!(seen(&users).await, expected, "{verb}, from tiers");
        // Nor does a process that starts now read anything older.
        let next = world_on(world.store.clone(), 2, options).await;
        assert_eq!(seen(&next.db.resource("users").unwrap()).await, expected, "{verb}, next process");
    }
}

#[tokio::test]
async fn a_process_that_starts_again_reads_from_files_without_a_request() {
    let folder = tempfile::tempdir().unwrap();
    let first = world(files(folder.path())).await;
    let users = resource(&first.db, "users").await;
    users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
    let (ann, all) = (users.get("ann").await.unwrap(), users.list(ListOptions::default()).await.unwrap());
    first.db.close().await;

    let next = world_on(first.store.clone(), 2, files(folder.path())).await;
    let users = next.db.resource("users").unwrap();
    let (again, sent) = next.sent(users.get("ann")).await;
    // No request where the start of this machine is known, which bounds what files are believed.
    let requests = if cfg!(target_os = "linux") { 0 } else { 1 };
    assert_eq!((again.unwrap(), sent.total()), (ann, requests));
    let (list, sent) = next.sent(users.list(ListOptions::default())).await;
    assert_eq!(list.unwrap().records, all.records);
    assert_eq!(sent.total() == 0, cfg!(target_os = "linux"));
    if cfg!(target_os = "linux") {
        assert_eq!((next.cache.stats().tier_hits, tier(&next.cache, "files").hits), (2, 2));
        // The second time it comes from memory.
        next.sent(users.get("ann")).await.0.unwrap();
        assert_eq!((next.cache.stats().hits, tier(&next.cache, "files").hits), (1, 2));
    }
    // Its time is counted from when it was read, wherever it is.
    next.env.advance_ms(300_000);
    assert_eq!(next.sent(users.get("ann")).await.1.to_string(), "1 GET");
}

#[tokio::test]
async fn a_list_from_the_bucket_costs_one_request_and_a_write_two_more() {
    let one = world(CacheOptions::default().tier(Tier::Bucket)).await;
    let users = resource(&one.db, "users").await;
    for n in 0..20 {
        users.insert(json!({"id": format!("user-{n:02}"), "name": "x"})).await.unwrap();
    }
    let two = world_on(one.store.clone(), 2, CacheOptions::default().tier(Tier::Bucket)).await;
    let theirs = two.db.resource("users").unwrap();
    let plain = one.sent(users.uncached().list(ListOptions::default())).await.1;
    let filled = one.sent(users.list(ListOptions::default())).await.1;
    // The slot is read and made, and the entry put.
    assert_eq!(filled.total(), plain.total() + 3, "{filled}");
    assert_eq!(two.sent(names(&theirs)).await.1.to_string(), "2 GET");
    two.cache.clear();
    assert_eq!(two.sent(names(&theirs)).await.1.to_string(), "1 GET", "the slot is known for a while");

    let plain = one.sent(users.uncached().get("user-00")).await.1;
    assert_eq!(one.sent(users.get("user-00")).await.1, plain, "a document costs what it costs");
    let (_, sent) = one.sent(users.update("user-00", json!({"name": "y"}))).await;
    assert_eq!(sent.to_string(), "1 GET + 1 PUT + 2 DELETE");
    // This process sees its own write at once, the other one within five seconds.
    assert_eq!(names(&users).await[0], "y");
    two.cache.clear();
    two.env.advance_ms(5_000);
    assert_eq!(names(&theirs).await[0], "y");
}

#[tokio::test]
async fn a_hit_below_is_kept_above() {
    let (folder, map) = (tempfile::tempdir().unwrap(), Arc::new(Map::default()));
    let one = world(custom(&map)).await;
    let users = resource(&one.db, "users").await;
    users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
    users.get("ann").await.unwrap();
    let options = || files(folder.path()).tier(Tier::Custom(map.clone()));
    let two = world_on(one.store.clone(), 2, options()).await;
    let theirs = two.db.resource("users").unwrap();
    assert_eq!(two.sent(theirs.get("ann")).await.1.total(), 0);
    assert_eq!((tier(&two.cache, "map").hits, tier(&two.cache, "files").promoted), (1, 1));
    two.cache.clear();
    theirs.get("ann").await.unwrap();
    assert_eq!((tier(&two.cache, "map").hits, tier(&two.cache, "files").hits), (1, 1));
}

#[tokio::test]
async fn a_slow_read_of_another_process_leaves_nothing_old_in_a_shared_tier() {
    let map = Arc::new(Map::default());
    let one = world(custom(&map)).await;
    let users = resource(&one.db, "users").await;
    users.insert(json!({"id": "ann", "name": "old"})).await.unwrap();
    names(&users).await;
    // What a process puts that read before the write and was held up until after it.
    let late = map.entries.lock().unwrap().clone();
    users.update("ann", json!({"name": "new"})).await.unwrap();
    for (key, value) in late {
        if !key.contains("/generations/") {
            map.entries.lock().unwrap().insert(key, value);
        }
    }
    one.cache.clear();
    assert_eq!(names(&users).await, ["new"]);
    let two = world_on(one.store.clone(), 2, custom(&map)).await;
    assert_eq!(names(&two.db.resource("users").unwrap()).await, ["new"]);
}

#[tokio::test]
async fn a_tier_that_fails_or_hangs_breaks_no_read_and_no_write_and_serves_nothing_old() {
    let check = async |set: fn(&Map, bool), errors_min: u64| {
        let map = Arc::new(Map::default());
        let world = world(custom(&map)).await;
        let users = resource(&world.db, "users").await;
        users.insert(json!({"id": "ann", "name": "old"})).await.unwrap();
        assert_eq!(names(&users).await, ["old"]);
        set(&map, true);
        world.cache.clear();
        assert_eq!(names(&users).await, ["old"]);
        users.update("ann", json!({"name": "new"})).await.unwrap();
        assert!(tier(&world.cache, "map").errors >= errors_min, "{:?}", world.cache.tier_stats());
        // It works again, and holds what the write could not take away.
        set(&map, false);
        for _ in 0..2 {
            world.cache.clear();
            assert_eq!(names(&users).await, ["new"]);
            world.env.advance_ms(5_000);
        }
        world.cache.clear();
        let hits = tier(&world.cache, "map").hits;
        assert_eq!(names(&users).await, ["new"]);
        assert_eq!(tier(&world.cache, "map").hits, hits + 1, "after its rest it is used again");
    };
    check(|map, fails| map.fails.store(fails, Ordering::Relaxed), 2).await;
    check(|map, hangs| map.hangs.store(hangs, Ordering::Relaxed), 2).await;
}

#[tokio::test]
async fn a_write_that_is_cut_off_leaves_nothing_old() {
    let map = Arc::new(Map::default());
    let world = world(custom(&map)).await;
    let users = resource(&world.db, "users").await;
    users.insert(json!({"id": "ann", "name": "old"})).await.unwrap();
    names(&users).await;
    let held = map.entries.lock().unwrap().clone();
    // Cut off while it takes away what is old.
    map.hangs.store(true, Ordering::Relaxed);
    let cut =
        tokio::time::timeout(Duration::from_millis(50), users.update("ann", json!({"name": "new"}))).await;
    assert!(cut.is_err());
    map.hangs.store(false, Ordering::Relaxed);
    *map.entries.lock().unwrap() = held;
    // As if it had been written all the same.
    let other = s3db_core::Database::builder_on(world.store.clone(), "").connect().await.unwrap();
    other.resource("users").unwrap().update("ann", json!({"name": "new"})).await.unwrap();
    world.cache.clear();
    assert_eq!(names(&users).await, ["new"]);
}

#[tokio::test]
async fn damaged_files_are_read_from_the_bucket_again() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(files(folder.path())).await;
    let users = resource(&world.db, "users").await;
    users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
    let ann = users.get("ann").await.unwrap();
    let mut damaged = 0;
    each_file(folder.path(), &mut |path| {
        if path.to_string_lossy().contains("/get/") {
            let mut bytes = std::fs::read(path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x55;
            std::fs::write(path, bytes).unwrap();
            damaged += 1;
        }
    });
    assert_eq!(damaged, 1);
    world.cache.clear();
    assert_eq!(users.get("ann").await.unwrap(), ann);
    assert_eq!(tier(&world.cache, "files").errors, 1);
}

fn each_file(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { each_file(&path, visit) } else { visit(&path) }
    }
}

#[tokio::test]
async fn secrets_stay_out_of_tiers_unless_that_is_asked_for() {
    let check = async |options: CacheOptions, folder: &Path, stored: bool| {
        let world: World = world(options).await;
        let attributes = json!({"name": "string", "pin": "secret"});
        let db = s3db_core::Database::builder_on(Arc::new(MemoryStore::new()), "")
            .passphrase(Passphrase::new("correct horse battery staple"))
            .plugin(world.cache.clone());
        // The world's own database is not used: the cache is installed in this one.
        world.db.uninstall_plugin("cache", Purge::Keep).await.unwrap();
        let db = db.connect().await.unwrap();
        let safe = db.create_resource(ResourceConfig::new("safe", attributes)).await.unwrap();
        safe.insert(json!({"id": "a", "name": "A", "pin": "hunter2"})).await.unwrap();
        assert_eq!(safe.get("a").await.unwrap().data["pin"], "hunter2");
        let mut entries = 0;
        each_file(folder, &mut |path| {
            entries += usize::from(path.to_string_lossy().contains("resource=safe/get/"));
        });
        assert_eq!(entries, usize::from(stored));
        db.close().await;
    };
    let folder = tempfile::tempdir().unwrap();
    check(files(folder.path()), folder.path(), false).await;
    let folder = tempfile::tempdir().unwrap();
    check(files(folder.path()).secrets_in_tiers(true), folder.path(), true).await;
}

#[tokio::test]
async fn files_keep_to_their_limit_and_a_folder_that_is_full_breaks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let options = CacheOptions::default().tier(Tier::Files(FileTier::new(folder.path()).bytes_max(20_000)));
    let world = world(options).await;
    let users = resource(&world.db, "users").await;
    let noise = |n: u64| {
        (0..40).map(|i| format!("{:x}", (n * 40 + i).wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect::<String>()
    };
    for n in 0..100 {
        let id = format!("user-{n}");
        users.insert(json!({"id": id, "name": noise(n)})).await.unwrap();
        users.get(&id).await.unwrap();
    }
    let mut bytes = 0;
    each_file(folder.path(), &mut |path| bytes += std::fs::metadata(path).unwrap().len());
    // And at most one more than that, which the next sweep takes.
    assert!(bytes > 5_000 && bytes < 22_000, "{bytes}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_disk_that_takes_nothing_more_breaks_no_read_and_no_write() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let world = world(files(folder.path())).await;
    let users = resource(&world.db, "users").await;
    // Drafts go to a device that is always full.
    let boot = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    symlink("/dev/full", boot.join("drafts")).unwrap();
    for name in ["old", "new"] {
        users.upsert(json!({"id": "ann", "name": name})).await.unwrap();
        assert_eq!(users.get("ann").await.unwrap().data["name"], name);
        assert_eq!(names(&users).await, [name]);
    }
    assert!(tier(&world.cache, "files").errors > 0);
}

#[tokio::test]
async fn clearing_one_resource_or_partition_leaves_the_others() {
    let map = Arc::new(Map::default());
    let world = world(custom(&map)).await;
    let config = |name: &str| {
        let attributes = json!({"region": "string"});
        ResourceConfig::new(name, attributes)
            .partitions(json!({"byRegion": {"fields": {"region": "string"}}}))
            .paranoid(false)
    };
    for name in ["users", "users_archive"] {
        let rows = world.db.create_resource(config(name)).await.unwrap();
        for region in ["EU", "US"] {
            rows.insert(json!({"id": region, "region": region})).await.unwrap();
        }
    }
    let (users, archive) = (world.db.resource("users").unwrap(), world.db.resource("users_archive").unwrap());
    let list = async |rows: &Resource, region: &str| {
        let partition = rows.partition("byRegion", json!({"region": region})).unwrap();
        let (list, sent) = world.sent(partition.list(ListOptions::default())).await;
        assert_eq!(list.unwrap().records.len(), 1);
        sent.total() > 0
    };
    for region in ["EU", "US"] {
        assert!(list(&users, region).await && list(&archive, region).await);
    }
    world.cache.clear_partition("users", "byRegion", json!({"region": "EU"})).await.unwrap();
    assert!(list(&users, "EU").await && !list(&users, "US").await);
    world.cache.clear();
    users.update("US", json!({"region": "US"})).await.unwrap();
    assert!(list(&users, "US").await && !list(&archive, "US").await && !list(&archive, "EU").await);
    world.cache.clear_tiers().await.unwrap();
    assert!(map.entries.lock().unwrap().is_empty() && list(&archive, "EU").await);
    let refused = world.cache.clear_partition("users", "byRegion", json!("EU")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Validation);
}

#[tokio::test]
async fn compressed_in_memory_more_fits_and_answers_are_the_same() {
    let check = async |options: CacheOptions| {
        let world = world(options).await;
        let users = resource(&world.db, "users").await;
        for n in 0..20 {
            users.insert(json!({"id": format!("u{n}"), "name": "x".repeat(200), "n": n})).await.unwrap();
        }
        let first = users.list(ListOptions::default()).await.unwrap().records;
        let (again, sent) = world.sent(users.list(ListOptions::default())).await;
        assert_eq!((again.unwrap().records, sent.total()), (first, 0));
        world.cache.stats().bytes
    };
    let (plain, packed) = (
        check(CacheOptions::default()).await,
        check(CacheOptions::default().compress_bytes_min(1_000)).await,
    );
    assert!(packed * 4 < plain, "{packed} {plain}");
}

#[tokio::test]
async fn taken_out_and_put_in_again_it_knows_nothing_of_before() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(files(folder.path())).await;
    let users = resource(&world.db, "users").await;
    users.insert(json!({"id": "ann", "name": "old"})).await.unwrap();
    names(&users).await;
    world.db.uninstall_plugin("cache", Purge::Keep).await.unwrap();
    users.update("ann", json!({"name": "new"})).await.unwrap();
    world.db.plugin(world.cache.clone()).await.unwrap();
    assert_eq!(names(&users).await, ["new"]);
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_told_when_it_connects() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let cache = Cache::with(files(file.path()));
    let db = s3db_core::Database::builder_on(Arc::new(MemoryStore::new()), "").plugin(cache);
    let error = db.connect().await.unwrap_err();
    assert_eq!(error.context("option"), Some("directory"), "{error}");
}
