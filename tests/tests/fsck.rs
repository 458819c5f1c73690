//! What `fsck` finds in a damaged database, and what it repairs.

use std::sync::Arc;
use std::time::Duration;

use s3db::fsck::{Finding, FsckOptions, Summary};
use s3db::store::{
    Condition, Head, ListPage, ListRequest, MemoryOptions, MemoryStore, Metadata, Object, PutObject,
    PutResult, Replace, Store,
};
use s3db::{Database, Resource, ResourceConfig};
use s3db_testkit::TestEnv;
use s3db_testkit::s3_server::{S3Server, ServerOptions};
use serde_json::json;

const OLD_MS: i64 = 26 * 60 * 1000;

struct World {
    env: Arc<TestEnv>,
    store: MemoryStore,
    db: Database,
    users: Resource,
}

impl World {
    /// Two users with references and claims, older than the grace period.
    async fn new() -> Self {
        let env = Arc::new(TestEnv::new(1));
        let store = MemoryStore::with(MemoryOptions { env: env.clone(), ..MemoryOptions::default() });
        let db = Database::builder_on(Arc::new(store.clone()), "app").env(env.clone());
        let db = db.options(|options| options.metadata_bytes_max = 2047).connect().await.unwrap();
        let attributes = json!({
            "email": "string|unique|optional", "city": "string|optional", "zone": "string|optional",
        });
        let partitions = json!({
            "byCity": {"fields": {"city": "string"}},
            "byZone": {"fields": {"city": "string", "zone": "string"}},
        });
        let config = ResourceConfig::new("users", attributes).partitions(partitions);
        let users = db.create_resource(config).await.unwrap();
        for (id, city) in [("ann", "Rome"), ("bob", "Oslo")] {
            let user = json!({"id": id, "email": format!("{id}@x.io"), "city": city, "zone": "n"});
            users.insert(user).await.unwrap();
        }
        let world = Self { env, store, db, users };
        world.age();
        world
    }

    fn age(&self) {
        self.env.advance_ms(OLD_MS);
    }

    async fn put(&self, key: &str, body: &str) {
        let object = PutObject { body: body.to_owned().into(), ..PutObject::default() };
        self.store.put(&format!("app/{key}"), object, Condition::None).await.unwrap();
    }

    async fn put_document(&self, id: &str, metadata: &[(&str, &str)]) {
        let metadata = metadata.iter().copied().collect::<Metadata>();
        let object = PutObject { metadata: metadata.into(), ..PutObject::default() };
        let key = format!("app/resource=users/data/id={id}");
        self.store.put(&key, object, Condition::None).await.unwrap();
    }

    async fn delete(&self, key: &str) {
        assert!(self.store.head(&format!("app/{key}")).await.unwrap().is_some(), "{key} is there");
        self.store.delete(&format!("app/{key}"), Condition::None).await.unwrap();
    }

    fn claim(&self, email: &str) -> String {
        let keys = s3db::key::Keys::new("");
        keys.claim("users", "email", &json!(email)).unwrap()
    }

    async fn fsck(&self, options: FsckOptions) -> (Vec<Finding>, Summary) {
        self.db.fsck(options).await.unwrap().collect().await.unwrap()
    }

    /// What a dry run finds, as `kind id`, sorted.
    async fn found(&self) -> Vec<String> {
        let (findings, summary) = self.fsck(FsckOptions::default()).await;
        assert_eq!(summary.is_clean(), findings.is_empty());
        names(&findings)
    }
}

fn names(findings: &[Finding]) -> Vec<String> {
    let name = |f: &Finding| format!("{} {} {}", f.kind, f.id.as_deref().unwrap_or("-"), f.repair);
    let mut names: Vec<String> = findings.iter().map(name).collect();
    names.sort();
    names
}

fn repairing() -> FsckOptions {
    FsckOptions { repair: true, ..FsckOptions::default() }
}

#[tokio::test]
async fn a_sound_database_is_clean_and_the_estimate_is_what_it_costs() {
    let world = World::new().await;
    let before = world.db.requests();
    let check = world.db.fsck(FsckOptions::default()).await.unwrap();
    let counting = world.db.requests() - before;
    assert_eq!(counting.to_string(), "1 GET + 2 LIST");
    let estimate = check.estimate().clone();
    assert_eq!((estimate.documents, estimate.references, estimate.claims), (2, 4, 2));
    assert_eq!(estimate.requests.to_string(), "4 GET + 1 HEAD + 1 PUT + 3 LIST");
    let (findings, summary) = check.collect().await.unwrap();
    assert!(summary.is_clean(), "{findings:?}");
    // Two listings look for resources that the catalogue does not have.
    assert_eq!((summary.requests - counting).to_string(), "4 GET + 1 HEAD + 1 PUT + 5 LIST");
    assert_eq!((summary.documents, summary.references, summary.claims), (2, 4, 2));
}

/// Damages a database, expects findings, repairs, and expects what only a person can mend.
async fn check(what: &str, damage: impl AsyncFn(&World), expected: &[&str], left: &[&str]) {
    let world = World::new().await;
    damage(&world).await;
    world.age();
    assert_eq!(world.found().await, expected, "{what}");
    let (findings, summary) = world.fsck(repairing()).await;
    assert_eq!(findings.len(), expected.len(), "{what}: {findings:?}");
    assert_eq!(summary.left() as usize, left.len(), "{what}: {findings:?}");
    world.age();
    assert_eq!(world.found().await, left, "{what}, after the repair");
}

const ANN: &str = "resource=users/partition=byCity/city=Rome/id=ann";

#[tokio::test]
async fn each_damage_is_found_and_repaired_once() {
    check("reference lost", async |w| w.delete(ANN).await, &["missing_reference ann possible"], &[]).await;
    check(
        "document lost",
        async |w| w.delete("resource=users/data/id=bob").await,
        &["dangling_reference bob possible", "dangling_reference bob possible", "stale_claim bob possible"],
        &[],
    )
    .await;
    check(
        "old value in the index",
        async |w| w.put("resource=users/partition=byCity/city=Bonn/id=ann", "").await,
        &["stale_reference ann possible"],
        &[],
    )
    .await;
    check(
        "fields in another order",
        async |w| w.put("resource=users/partition=byZone/zone=n/city=Rome/id=ann", "").await,
        &["duplicate_reference ann possible"],
        &[],
    )
    .await;
    check(
        "partition that was removed",
        async |w| w.put("resource=users/partition=byName/name=Ann/id=ann", "").await,
        &["unknown_partition ann possible"],
        &[],
    )
    .await;
    check("claim lost", async |w| w.delete(&w.claim("ann@x.io")).await, &["missing_claim ann possible"], &[])
        .await;
    check(
        "claim of a value that nobody holds",
        async |w| w.put(&w.claim("old@x.io"), r#"{"_w":"s","owner":"ann"}"#).await,
        &["stale_claim ann possible"],
        &[],
    )
    .await;
    check(
        "claim that cannot be read",
        async |w| w.put(&w.claim("old@x.io"), "?").await,
        &["stale_claim - possible"],
        &[],
    )
    .await;
    check(
        "claim for the wrong document",
        async |w| w.put(&w.claim("ann@x.io"), r#"{"_w":"s","owner":"bob"}"#).await,
        &["missing_claim ann pending", "stale_claim bob possible"],
        &[],
    )
    .await;
}

#[tokio::test]
async fn what_only_a_person_can_mend_is_told_and_left() {
    let same = ["shared_value eve impossible"];
    check(
        "two documents with one value",
        async |w| {
            let ann = w.store.get("app/resource=users/data/id=ann").await.unwrap().unwrap();
            let email = ann.head.metadata.get("0").unwrap().to_owned();
            w.put_document("eve", &[("_v", "v1"), ("0", &email)]).await;
        },
        &same,
        &same,
    )
    .await;
    let over = ["over_limit_document big impossible"];
    let world = World::new().await;
    world.put_document("big", &[("_v", "v1"), ("9", &"x".repeat(2043))]).await;
    world.age();
    assert_eq!(world.found().await, over);

    check(
        "foreign object",
        async |w| w.put("resource=users/notes.txt", "hello").await,
        &["unknown_key - impossible"],
        &["unknown_key - impossible"],
    )
    .await;
    check(
        "objects of a resource that is gone",
        async |w| w.put("resource=gone/data/id=1", "").await,
        &["unknown_resource - impossible"],
        &["unknown_resource - impossible"],
    )
    .await;
}

#[tokio::test]
async fn nothing_younger_than_the_grace_period_is_touched() {
    let world = World::new().await;
    let stale = "resource=users/partition=byCity/city=Bonn/id=ann";
    world.put(stale, "").await;
    world.put(&world.claim("old@x.io"), r#"{"_w":"s","owner":"ann"}"#).await;
    world.users.insert(json!({"id": "new", "city": "Lima"})).await.unwrap();
    world.delete("resource=users/partition=byCity/city=Lima/id=new").await;
    let objects = world.store.len();
    let (findings, summary) = world.fsck(repairing()).await;
    let expected =
        ["missing_reference new pending", "stale_claim ann pending", "stale_reference ann pending"];
    assert_eq!(names(&findings), expected);
    assert_eq!((summary.pending, summary.repaired, summary.is_clean()), (3, 0, false));
    // The clock of the store is the only new object.
    assert_eq!(world.store.len(), objects + 1);

    let none = FsckOptions { grace: Duration::ZERO, ..repairing() };
    assert_eq!(world.fsck(none).await.1.repaired, 3);
    assert!(world.found().await.is_empty());
}

#[tokio::test]
async fn many_documents_are_checked_in_little_memory_without_reading_one_twice() {
    let world = World::new().await;
    let users =
        (0..3000).map(|i| json!({"id": format!("u{i:05}"), "email": format!("{i}@x.io"), "city": "Rome"}));
    assert!(world.users.insert_many(users).await.failed.is_empty());
    world.delete("resource=users/partition=byCity/city=Rome/id=u00017").await;
    world.put("resource=users/partition=byCity/city=Bonn/id=u02999", "").await;
    world.delete(&world.claim("2000@x.io")).await;
    world.age();
    // 3,002 documents with 3 keys of 25 bytes; half of the memory is for the table.
    let options = FsckOptions { memory_bytes: 50_000, ..FsckOptions::default() };
    let check = world.db.fsck(options).await.unwrap();
    let estimate = check.estimate().clone();
    assert_eq!(estimate.requests.list, 4 + 10 * (4 + 4), "documents once, all else in each of ten passes");
    let (findings, summary) = check.collect().await.unwrap();
    let expected = [
        "missing_claim u02000 possible",
        "missing_reference u00017 possible",
        "stale_reference u02999 possible",
    ];
    assert_eq!(names(&findings), expected);
    assert_eq!((summary.documents, summary.claims), (3002, 3001));
    let all = world.fsck(FsckOptions::default()).await.0;
    assert_eq!(names(&all), expected, "one pass finds the same");
}

/// A store in which something happens right before an object is deleted.
#[derive(Debug)]
struct Meddler {
    inner: MemoryStore,
    key: String,
    /// Moves the document back to the value of the reference, once.
    mover: tokio::sync::Mutex<Option<Resource>>,
}

#[async_trait::async_trait]
impl Store for Meddler {
    fn capability(&self) -> &s3db::store::Capability {
        self.inner.capability()
    }

    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> s3db::Result<PutResult> {
        self.inner.put(key, object, condition).await
    }

    async fn get(&self, key: &str) -> s3db::Result<Option<Object>> {
        self.inner.get(key).await
    }

    async fn head(&self, key: &str) -> s3db::Result<Option<Head>> {
        self.inner.head(key).await
    }

    async fn copy(
        &self,
        from: &str,
        to: &str,
        replace: Option<Replace>,
        condition: Condition,
    ) -> s3db::Result<PutResult> {
        self.inner.copy(from, to, replace, condition).await
    }

    async fn list(&self, request: ListRequest) -> s3db::Result<ListPage> {
        self.inner.list(request).await
    }

    async fn delete(&self, key: &str, condition: Condition) -> s3db::Result<()> {
        if key == self.key
            && let Some(users) = self.mover.lock().await.take()
        {
            users.update("ann", json!({"city": "Bonn"})).await?;
        }
        self.inner.delete(key, condition).await
    }

    async fn delete_many(&self, keys: &[String]) -> s3db::Result<Vec<s3db::Result<()>>> {
        self.inner.delete_many(keys).await
    }
}

#[tokio::test]
async fn an_entry_that_a_writer_puts_back_during_the_repair_stays() {
    let world = World::new().await;
    let key = "resource=users/partition=byCity/city=Bonn/id=ann";
    world.put(key, r#"{"_w":"old"}"#).await;
    world.age();
    let store = Meddler {
        inner: world.store.clone(),
        key: format!("app/{key}"),
        mover: tokio::sync::Mutex::new(Some(world.users.clone())),
    };
    let db = Database::builder_on(Arc::new(store), "app").env(world.env.clone()).connect().await.unwrap();
    let (findings, _) = db.fsck(repairing()).await.unwrap().collect().await.unwrap();
    assert_eq!(names(&findings), ["stale_reference ann overtaken"]);
    assert!(world.store.head(&format!("app/{key}")).await.unwrap().is_some(), "the entry is there");
    assert!(world.found().await.is_empty());
}

/// Listings of many servers have milliseconds, and the header `Last-Modified` has none.
#[tokio::test]
async fn an_entry_is_repaired_where_listings_date_more_exactly_than_headers() {
    let env = Arc::new(TestEnv::new(1));
    env.advance_ms(123);
    let store = MemoryStore::with(MemoryOptions { env: env.clone(), ..MemoryOptions::default() });
    let server = S3Server::start(Arc::new(store.clone()), ServerOptions::default()).await.unwrap();
    let db = Database::connect(&format!("{}/app", server.connection_string())).await.unwrap();
    let partitions = json!({"byCity": {"fields": {"city": "string"}}});
    let config = ResourceConfig::new("users", json!({"city": "string"})).partitions(partitions);
    let users = db.create_resource(config).await.unwrap();
    users.insert(json!({"id": "ann", "city": "Rome"})).await.unwrap();
    store.delete("app/resource=users/data/id=ann", Condition::None).await.unwrap();
    env.advance_ms(OLD_MS);
    let (findings, summary) = db.fsck(repairing()).await.unwrap().collect().await.unwrap();
    assert_eq!(names(&findings), ["dangling_reference ann done"]);
    assert!(summary.is_clean());
    server.stop().await;
}
