//! What a document was before its schema had a new version, at the place where s3db.js keeps it.

use std::sync::Arc;

use s3db::encoding::Passphrase;
use s3db::resource::{NewContent, Record};
use s3db::store::{Condition, MemoryOptions, MemoryStore, Metadata, PutObject, Store};
use s3db::{Database, ErrorKind, Resource, ResourceConfig};
use s3db_testkit::{TestEnv, assert_requests};
use serde_json::{Value, json};

const SLOT: &str = "resource=users/historical/id=ann";

/// A bucket without versions, and a database that keeps snapshots.
struct World {
    env: Arc<TestEnv>,
    bucket: MemoryStore,
}

impl World {
    fn new() -> Self {
        let env = Arc::new(TestEnv::new(1));
        Self {
            bucket: MemoryStore::with(MemoryOptions { env: env.clone(), ..MemoryOptions::default() }),
            env,
        }
    }

    async fn open(&self) -> Database {
        self.open_on(Arc::new(self.bucket.clone()), true).await
    }

    async fn open_on(&self, store: Arc<dyn Store>, versioning: bool) -> Database {
        Database::builder_on(store, "")
            .env(self.env.clone())
            .passphrase(Passphrase::new("correct horse battery staple"))
            .options(|options| options.versioning = versioning)
            .connect()
            .await
            .unwrap()
    }

    async fn slot(&self) -> Option<(Vec<(String, String)>, String)> {
        let object = self.bucket.get(SLOT).await.unwrap()?;
        let metadata = object.head.metadata.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut metadata: Vec<_> = metadata.collect();
        metadata.sort();
        Some((metadata, String::from_utf8_lossy(&object.body).into_owned()))
    }
}

fn before() -> Value {
    json!({"name": "string", "age": "string|optional", "token": "secret|optional"})
}

fn after() -> Value {
    json!({"name": "string", "age": "number|optional", "token": "secret|optional"})
}

/// Ann, written under version 1 of a schema that has version 2.
async fn evolved(db: &Database) -> Resource {
    let users = db.create_resource(ResourceConfig::new("users", before())).await.unwrap();
    users.insert(json!({"id": "ann", "name": "Ann", "age": "30", "token": "tok"})).await.unwrap();
    users.update_attributes(after()).await.unwrap();
    users
}

async fn snapshot(users: &Resource) -> Record {
    users.snapshot("ann").await.unwrap().expect("a snapshot")
}

#[tokio::test]
async fn an_update_keeps_what_the_document_was_under_the_version_before() {
    let world = World::new();
    let users = evolved(&world.open().await).await;
    assert!(users.snapshot("ann").await.unwrap().is_none(), "nothing was updated yet");
    world.env.advance_ms(5000);
    let stored = world.bucket.get("resource=users/data/id=ann").await.unwrap().unwrap();

    // 1 HEAD + 1 PUT for the snapshot; the others bring the entry of `byVersion` along.
    assert_requests!(
        users,
        { get: 1, head: 2, put: 3, delete: 1 },
        users.update("ann", json!({"age": 31})),
    )
    .unwrap();
    let kept = assert_requests!(users, { get: 1 }, users.snapshot("ann")).unwrap().unwrap();
    assert_eq!(Value::Object(kept.data.clone()), json!({"name": "Ann", "age": "30", "token": "tok"}));
    assert_eq!((kept.meta.version.as_str(), kept.id.as_str()), ("v1", "ann"));
    assert_eq!(kept.meta.last_modified_ms, Some(1_735_689_605_000));

    // To the byte what was stored, and what s3db.js adds.
    let (metadata, _) = world.slot().await.unwrap();
    let stored = stored.head.metadata.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let added = [("_historicaltimestamp", "2025-01-01T00:00:05.000Z"), ("id", "ann")];
    let added = added.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut expected: Vec<_> = stored.chain(added).collect();
    expected.sort();
    assert_eq!(metadata, expected);

    // Under the same version nothing more is kept.
    assert_requests!(users, { get: 1, put: 1 }, users.update("ann", json!({"age": 32}))).unwrap();
    assert_eq!(snapshot(&users).await.data["age"], "30");
    // The next version takes the place.
    users.update_attributes(json!({"name": "string", "age": "number|min:0|optional"})).await.unwrap();
    users.update("ann", json!({"age": 33})).await.unwrap();
    let kept = snapshot(&users).await;
    assert_eq!((&kept.data["age"], kept.meta.version.as_str()), (&json!(32), "v2"));
    // It outlives the document.
    users.delete("ann").await.unwrap();
    assert_eq!(snapshot(&users).await.data["age"], 32);
}

#[tokio::test]
async fn without_the_option_nothing_is_kept() {
    let world = World::new();
    let db = world.open_on(Arc::new(world.bucket.clone()), false).await;
    let users = evolved(&db).await;
    assert_requests!(users, { get: 1, put: 1 }, users.update("ann", json!({"age": 31}))).unwrap();
    assert!(users.snapshot("ann").await.unwrap().is_none());
}

#[tokio::test]
async fn an_explanation_foresees_it_and_writes_nothing() {
    let world = World::new();
    let users = evolved(&world.open().await).await;
    let plan = users.explain().update("ann", json!({"age": 31})).await.unwrap();
    assert_eq!(plan.requests.to_string(), "1 GET + 2 HEAD + 3 PUT + 1 DELETE");
    let why: Vec<&str> =
        plan.stages.iter().flat_map(|stage| &stage.requests).map(|request| request.why.as_str()).collect();
    assert!(why.contains(&"keeps what the document was under an older schema"), "{why:?}");
    assert_eq!(world.slot().await, None);
    let (metered, receipts) = users.metered();
    metered.update("ann", json!({"age": 31})).await.unwrap();
    assert_eq!(receipts.take().requests, plan.requests);
}

#[tokio::test]
async fn migrating_all_documents_keeps_all_of_them() {
    let world = World::new();
    let users = evolved(&world.open().await).await;
    users.migrate_from(1, |mut user| {
        let age: u32 = user["age"].as_str().unwrap_or_default().parse().unwrap_or(0);
        user.insert("age".into(), age.into());
        Ok(user)
    });
    let done = users.migrate_documents(&mut |_| {}).await.unwrap();
    assert_eq!(done.migrated, 1);
    assert_eq!(users.get("ann").await.unwrap().data["age"], 30);
    assert_eq!(snapshot(&users).await.data["age"], "30", "as it was, not as the migration makes it");
}

#[tokio::test]
async fn a_full_document_is_kept_whole_and_content_stays_with_the_document() {
    let world = World::new();
    let db = world.open().await;
    let config = ResourceConfig::new("users", json!({"name": "string", "age": "string|optional"}));
    let users = db.create_resource(config.behavior(s3db::behavior::Behavior::EnforceLimits)).await.unwrap();
    let mut length = 2040;
    while users.insert(json!({"id": "ann", "name": "x".repeat(length)})).await.is_err() {
        length -= 1;
    }
    users.update_attributes(json!({"name": "string", "age": "number|optional"})).await.unwrap();
    users.update("ann", json!({"name": "Ann"})).await.unwrap();
    let (metadata, _) = world.slot().await.unwrap();
    assert_eq!(metadata.len(), 2, "no room for the time and the id: {metadata:?}");
    assert_eq!(snapshot(&users).await.data["name"].as_str().unwrap().len(), length);

    users.set_content("ann", NewContent::new(vec![1u8; 100]).content_type("image/png")).await.unwrap();
    users.update_attributes(json!({"name": "string|min:1", "age": "number|optional"})).await.unwrap();
    users.update("ann", json!({"age": 1})).await.unwrap();
    let kept = snapshot(&users).await;
    assert_eq!((&kept.data["name"], kept.meta.has_content), (&json!("Ann"), false));
    assert!(kept.meta.content_length < 100);
    assert_eq!(users.content("ann").await.unwrap().unwrap().bytes.len(), 100);
}

#[tokio::test]
async fn fields_in_the_body_and_odd_ids_are_kept_too() {
    let world = World::new();
    let db = world.open().await;
    for behavior in s3db::behavior::Behavior::ALL {
        let name = format!("r-{behavior}");
        let config = ResourceConfig::new(&name, json!({"note": "string", "n": "string|optional"}));
        let notes = db.create_resource(config.behavior(behavior)).await.unwrap();
        let (id, note) =
            ("é 日 ann", if behavior.as_str().starts_with("body") { "é".repeat(3000) } else { "é".into() });
        notes.insert(json!({"id": id, "note": note, "n": "1"})).await.unwrap();
        notes.update_attributes(json!({"note": "string", "n": "number|optional"})).await.unwrap();
        notes.update(id, json!({"n": 2})).await.unwrap();
        let kept = notes.snapshot(id).await.unwrap().expect("a snapshot");
        assert_eq!(Value::Object(kept.data), json!({"note": note, "n": "1"}), "{behavior}");
        assert_eq!(kept.meta.version, "v1");
    }
}

#[tokio::test]
async fn a_snapshot_of_a_late_writer_does_not_take_the_place_of_a_newer_one() {
    let world = World::new();
    let users = evolved(&world.open().await).await;
    // What a writer that has stopped between its look and its write would do: its condition names a snapshot that is gone.
    let stale = users.update("ann", json!({"age": 31})).await.unwrap();
    let first = world.bucket.head(SLOT).await.unwrap().unwrap().etag;
    users.update_attributes(before()).await.unwrap();
    users.update("ann", json!({"age": "32"})).await.unwrap();
    let second = world.bucket.head(SLOT).await.unwrap().unwrap().etag;
    assert_ne!(first, second, "each snapshot has an ETag of its own");
    let late = world.bucket.put(SLOT, PutObject::default(), Condition::IfMatch(first)).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Conflict);
    let refused = users.if_match(&stale.meta.etag).update("ann", json!({"age": "33"})).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert_eq!(snapshot(&users).await.data["age"], 31);
}

#[tokio::test]
async fn snapshots_of_s3db_js_are_read() {
    let world = World::new();
    let db = world.open().await;
    let users = db
        .create_resource(ResourceConfig::new("users", json!({"name": "string", "age": "number|optional"})))
        .await
        .unwrap();
    // As s3db.js 21.6.2 writes them, of a plain object and of one that it has read before.
    let plain: &[(&str, &str)] = &[
        ("0", "Plain"),
        ("1", "5"),
        ("_v", "v1"),
        ("id", "ann"),
        ("_historicaltimestamp", "2026-11-28T11:15:46.684Z"),
    ];
    let read: &[(&str, &str)] = &[
        ("0", "Plain"),
        ("1", "5"),
        ("_v", "v1"),
        ("id", "ann"),
        ("_contentlength", "0"),
        ("_hascontent", "false"),
        ("_originalversion", "1"),
        ("_versionmapped", "true"),
        ("_mimetype", "d:o"),
        ("_historicaltimestamp", "2026-11-28T11:15:46.636Z"),
        ("_lastmodified", "\"2026-11-28T11:15:46.603Z\""),
        ("_etag", "\"d41d8cd98f00b204e9800998ecf8427e\""),
        ("_definitionhash", "sha256:7a7caa572ba0737a9741e19405ed6d4d113c3c20101da2edb13f8107ffc01ff6"),
    ];
    for metadata in [plain, read] {
        let metadata = metadata.iter().copied().collect::<Metadata>();
        let object = PutObject { metadata: Arc::new(metadata), ..PutObject::default() };
        world.bucket.put(SLOT, object, Condition::None).await.unwrap();
        let kept = snapshot(&users).await;
        assert_eq!(Value::Object(kept.data), json!({"name": "Plain", "age": 5}));
        assert_eq!(kept.meta.version, "v1");
    }
}
