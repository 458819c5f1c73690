//! Bad input: each error names what is wrong and says what to try, and nothing is lost.

use std::sync::Arc;

use s3db::behavior::Behavior;
use s3db::encoding::Passphrase;
use s3db::store::dump::{self, Destination};
use s3db::store::{Condition, MemoryStore, Metadata, PutObject, Store};
use s3db::{Database, Error, ErrorKind, Event, ResourceConfig};
use serde_json::json;

async fn open(store: &MemoryStore) -> s3db::Result<Database> {
    Database::builder_on(Arc::new(store.clone()), "").connect().await
}

async fn put(store: &MemoryStore, key: &str, metadata: &[(&str, &str)], body: &'static str) {
    let metadata: Metadata = metadata.iter().copied().collect();
    let object = PutObject { metadata: Arc::new(metadata), body: body.into(), content_type: None };
    store.put(key, object, Condition::None).await.unwrap();
}

#[track_caller]
fn check(error: &Error, kind: ErrorKind, says: &[&str]) {
    assert_eq!(error.kind(), kind, "{error:?}");
    let text = format!("{error:?}");
    for part in says {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(error.suggestion().is_some(), "no hint: {text}");
}

#[tokio::test]
async fn a_wrong_connection_string_says_which_part() {
    for (text, says) in [
        ("", "empty"),
        ("users", "scheme"),
        ("mysql://a/b", "mysql"),
        ("file://", "file"),
        ("s3://key:hu%ZZsh@bucket", "percent"),
    ] {
        let error = Database::connect(text).await.unwrap_err();
        check(&error, ErrorKind::Config, &[]);
        assert!(format!("{error:?}").to_lowercase().contains(says), "{text}: {error:?}");
        assert!(!format!("{error:?}").contains("ZZsh"), "{error:?}");
    }
}

#[tokio::test]
async fn a_folder_that_is_not_ours_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("letter.txt"), "Dear all").unwrap();
    let error = Database::connect(&format!("file://{}", folder.path().display())).await.unwrap_err();
    check(&error, ErrorKind::Config, &[]);
    let error =
        Database::connect(&format!("file://{}/letter.txt", folder.path().display())).await.unwrap_err();
    check(&error, ErrorKind::Config, &[]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was put there");
}

#[tokio::test]
async fn a_truncated_catalogue_is_refused_and_left_as_it_is() {
    let store = MemoryStore::new();
    let db = open(&store).await.unwrap();
    db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await.unwrap();
    let whole = store.get("s3db.json").await.unwrap().unwrap().body;
    let half = whole.slice(..whole.len() / 2);
    store
        .put("s3db.json", PutObject { body: half.clone(), ..PutObject::default() }, Condition::None)
        .await
        .unwrap();
    let error = open(&store).await.unwrap_err();
    check(&error, ErrorKind::Corrupt, &["s3db.json"]);
    assert_eq!(store.get("s3db.json").await.unwrap().unwrap().body, half);
    let db = Database::builder_on(Arc::new(store.clone()), "")
        .options(|options| options.discard_unreadable_catalog = true)
        .connect()
        .await
        .unwrap();
    drop(db);
    let backups = store.objects().into_iter().filter(|(key, _)| key.contains(".corrupted.")).count();
    assert_eq!(backups, 1, "the bytes are kept aside");
}

#[tokio::test]
async fn a_damaged_catalogue_is_mended_after_a_backup_and_reported() {
    let store = MemoryStore::new();
    let damaged = r#"{"version":"1","s3dbVersion":"21.6.2","lastUpdated":"2025-01-01T00:00:00.000Z","resources":{"users":{"currentVersion":"v1","partitions":{},"versions":{"v1":{"attributes":{"name":"string",},"behavior":"body-overflow","hooks":{"beforeInsert":[null]}}},},}"#;
    put(&store, "s3db.json", &[], damaged).await;
    let db = open(&store).await.unwrap();
    let users = db.resource("users").unwrap();
    users.insert(json!({"name": "Ann"})).await.unwrap();
    let backups: Vec<_> =
        store.objects().into_iter().filter(|(key, _)| key.contains(".corrupted.")).collect();
    assert_eq!(backups.len(), 1);
    assert_eq!(backups[0].1.body, damaged);
    let again = open(&store).await.unwrap();
    assert_eq!(again.resource_names(), ["users"]);
}

#[tokio::test]
async fn whoever_listens_hears_first_that_the_catalogue_was_mended() {
    let bucket = include_str!("../buckets/self-healing.json");
    let store = MemoryStore::new();
    let dyn_store: Arc<dyn Store> = Arc::new(store.clone());
    dump::load(&dyn_store, "", bucket.as_bytes(), Destination::MustBeEmpty).await.unwrap();
    let db = open(&store).await.unwrap();
    // The first listener takes it from nobody.
    for mut events in [db.events(), db.events()] {
        let Some(Event::CatalogHealed { mended, backup, missing }) = events.next().await else {
            panic!("nothing was heard")
        };
        assert!(mended.len() >= 3, "{mended:?}");
        assert!(store.get(&backup).await.unwrap().is_some(), "{backup}");
        assert_eq!(missing, [""; 0]);
        assert_eq!(events.try_next(), None, "once");
    }
    assert_eq!(open(&store).await.unwrap().events().try_next(), None, "it is sound now");
}

#[tokio::test]
async fn a_catalogue_cut_after_a_whole_resource_names_those_that_are_gone() {
    let store = MemoryStore::new();
    let db = open(&store).await.unwrap();
    for name in ["users", "carts", "zebras"] {
        let config = ResourceConfig::new(name, json!({"name": "string"}));
        db.create_resource(config).await.unwrap().insert(json!({"name": "x"})).await.unwrap();
    }
    let whole = store.get("s3db.json").await.unwrap().unwrap().body;
    let whole = String::from_utf8(whole.to_vec()).unwrap();
    let cut = whole[..whole.find(",\n    \"carts\"").unwrap()].to_owned();
    let object = PutObject { body: cut.into(), ..PutObject::default() };
    store.put("s3db.json", object, Condition::None).await.unwrap();

    let db = open(&store).await.unwrap();
    assert_eq!(db.resource_names(), ["users"]);
    assert_eq!(db.requests().list, 1);
    let Some(Event::CatalogHealed { missing, .. }) = db.events().try_next() else { panic!("not healed") };
    assert_eq!(
        missing,
        ["carts", "zebras"].map(|name| format!("resource {name} has objects but no definition"))
    );
}

#[tokio::test]
async fn ids_that_would_leave_their_key_are_refused() {
    let db = open(&MemoryStore::new()).await.unwrap();
    let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await.unwrap();
    for id in ["a/b", "a\\b", "a=b", "100%", "../../x"] {
        let error = users.insert(json!({"id": id, "name": "x"})).await.unwrap_err();
        check(&error, ErrorKind::Validation, &["id"]);
        check(&users.get(id).await.unwrap_err(), ErrorKind::Validation, &["id"]);
    }
    let long = "x".repeat(2048);
    check(&users.insert(json!({"id": long, "name": "x"})).await.unwrap_err(), ErrorKind::TooLarge, &["1024"]);
    for id in ["..", "a b", "é😀", "a:b+c", "?#&"] {
        users.insert(json!({"id": id, "name": "x"})).await.unwrap();
        assert_eq!(users.get(id).await.unwrap().id, id);
    }
    assert_eq!(users.count().await.unwrap(), 5);
}

#[tokio::test]
async fn a_document_over_the_limit_is_refused_before_anything_is_written() {
    let store = MemoryStore::new();
    let db = open(&store).await.unwrap();
    let config = ResourceConfig::new("users", json!({"name": "string"})).behavior(Behavior::EnforceLimits);
    let users = db.create_resource(config).await.unwrap();
    let error = users.insert(json!({"name": "x".repeat(3000)})).await.unwrap_err();
    check(&error, ErrorKind::TooLarge, &["limit_bytes=2043"]);
    assert_eq!(store.len(), 1);
}

#[tokio::test]
async fn a_document_that_breaks_its_schema_gets_every_failing_field_at_once() {
    let db = open(&MemoryStore::new()).await.unwrap();
    let attributes = json!({"name": "string|min:3", "age": "number|min:18", "email": "email", "p": {"city": "string"}, "key": "secret|min:5"});
    let users = db.create_resource(ResourceConfig::new("users", attributes)).await.unwrap();
    let document = json!({"name": "x", "age": 3, "email": "nobody", "p": {}, "key": "abc"});
    let error = users.insert(document).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
    let fields: Vec<&str> = error.fields().iter().map(|field| field.field.as_str()).collect();
    assert_eq!(fields, ["name", "age", "email", "p.city", "key"]);
    assert!(!format!("{error:?} {}", error.to_json()).contains("abc"), "a secret is never shown");
}

#[tokio::test]
async fn a_schema_with_unknown_words_is_refused_with_all_of_them() {
    let db = open(&MemoryStore::new()).await.unwrap();
    let attributes = json!({"a": "strng", "b": "string|mni:3", "c": {"d": "emial|optional"}});
    let error = db.create_resource(ResourceConfig::new("users", attributes)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    for word in ["strng", "mni", "emial", "string", "min", "email"] {
        assert!(format!("{error:?}").contains(word), "{word}: {error:?}");
    }
    let error = db
        .create_resource(ResourceConfig::new("users", json!({"a": "string"})).partitions(json!(["b"])))
        .await
        .unwrap_err();
    check(&error, ErrorKind::Config, &["b"]);
    assert!(db.resource_names().is_empty());
}

#[tokio::test]
async fn a_stored_schema_with_unknown_words_opens_with_a_warning() {
    let store = MemoryStore::new();
    let catalog = r#"{"version":"1","resources":{"old":{"currentVersion":"v1","partitions":{},"versions":{"v1":{"attributes":{"name":"string|shiny","odd":"gizmo|optional"},"behavior":"user-managed"}}}}}"#;
    put(&store, "s3db.json", &[], catalog).await;
    put(&store, "resource=old/data/id=1", &[("0", "Ann"), ("1", "what"), ("_v", "v1")], "").await;
    let db = open(&store).await.unwrap();
    let mut events = db.events();
    let old = db.resource("old").unwrap();
    assert_eq!(old.get("1").await.unwrap().data["name"], "Ann");
    assert_eq!(old.get("1").await.unwrap().data["odd"], "what");
    assert!(!old.warnings().is_empty());
    let warned = std::iter::from_fn(|| events.try_next()).any(|e| matches!(e, Event::SchemaWarning { .. }));
    assert!(warned, "beside what was mended");
}

#[tokio::test]
async fn a_wrong_or_missing_passphrase_says_so_and_never_shows_the_sealed_text() {
    let store = MemoryStore::new();
    let with = |passphrase: &str| {
        let builder = Database::builder_on(Arc::new(store.clone()), "");
        builder.passphrase(Passphrase::new(passphrase)).connect()
    };
    let db = with("right").await.unwrap();
    let keys = db
        .create_resource(ResourceConfig::new("keys", json!({"name": "string", "token": "secret|optional"})))
        .await
        .unwrap();
    keys.insert(json!({"id": "k", "name": "n", "token": "hunter2"})).await.unwrap();
    assert_eq!(keys.get("k").await.unwrap().data["token"], "hunter2");
    for object in store.objects() {
        assert!(!format!("{object:?}").contains("hunter2"));
    }
    let wrong = with("wrong").await.unwrap().resource("keys").unwrap();
    check(&wrong.get("k").await.unwrap_err(), ErrorKind::Crypto, &["token", "k"]);
    let none = open(&store).await.unwrap().resource("keys").unwrap();
    check(&none.get("k").await.unwrap_err(), ErrorKind::Crypto, &["token"]);
    check(&none.insert(json!({"name": "n", "token": "t"})).await.unwrap_err(), ErrorKind::Crypto, &["token"]);
    none.insert(json!({"id": "open", "name": "no secret"})).await.unwrap();
    assert_eq!(none.get("open").await.unwrap().data["name"], "no secret");
}

#[tokio::test]
async fn an_object_that_does_not_decode_is_named_and_reported_beside_the_others() {
    let sealed = "VyaCAy6FiuPMcti21nfJU8jl0wtIV0zjT7bqlwBpkTbjNnTUR/n9Ak9UzLG9jKfGkVa9";
    type Damage<'a> = (Behavior, ErrorKind, &'a [(&'a str, &'a str)], &'static str);
    let cases: [Damage<'_>; 6] = [
        (Behavior::UserManaged, ErrorKind::Crypto, &[("0", "b"), ("1", sealed), ("_v", "v1")], ""),
        (Behavior::EnforceLimits, ErrorKind::Crypto, &[("0", "b"), ("1", sealed), ("_v", "v1")], ""),
        (Behavior::BodyOnly, ErrorKind::Corrupt, &[("_v", "v1")], r#"{"0":"cut off"#),
        (Behavior::BodyOnly, ErrorKind::Corrupt, &[("_v", "v1"), ("_map", "{}")], "[1]"),
        (Behavior::UserManaged, ErrorKind::Corrupt, &[("_v", "v1")], r#"{"_w":"abc","0":"cut"#),
        (Behavior::BodyOverflow, ErrorKind::Corrupt, &[("_v", "v1"), ("_overflow", "true"), ("0", "b")], "{"),
    ];
    for (behavior, kind, metadata, body) in cases {
        let store = MemoryStore::new();
        let db = open(&store).await.unwrap();
        let attributes = json!({"name": "string", "token": "secret|optional"});
        let keys =
            db.create_resource(ResourceConfig::new("keys", attributes).behavior(behavior)).await.unwrap();
        for id in ["a", "c"] {
            keys.insert(json!({"id": id, "name": id})).await.unwrap();
        }
        put(&store, "resource=keys/data/id=b", metadata, body).await;

        let error = keys.get("b").await.unwrap_err();
        check(&error, kind, &["keys", "b"]);
        if kind == ErrorKind::Corrupt {
            assert_eq!(error.context("key"), Some("resource=keys/data/id=b"), "{error:?}");
        }
        check(&keys.update("b", json!({"name": "x"})).await.unwrap_err(), kind, &["keys"]);
        let ids = |records: &[s3db::Record]| records.iter().map(|r| r.id.clone()).collect::<Vec<_>>();
        let listing = keys.get_all().await.unwrap();
        assert_eq!((ids(&listing.records), listing.unreadable.len()), (vec!["a".into(), "c".into()], 1));
        assert_eq!(listing.unreadable[0].id, "b");
        let found = keys.query(json!({"name": {"$exists": true}})).run().await.unwrap();
        assert_eq!((ids(&found.records), found.unreadable.len()), (vec!["a".into(), "c".into()], 1));
        assert_eq!(keys.count().await.unwrap(), 3, "counting reads no document");
        // It can be written anew, and goes with the others.
        keys.replace("b", json!({"name": "mended"})).await.unwrap();
        assert_eq!(keys.get("b").await.unwrap().data["name"], "mended");
    }
}

#[tokio::test]
async fn one_unreadable_document_is_reported_beside_the_others() {
    let store = MemoryStore::new();
    let db = open(&store).await.unwrap();
    let config = ResourceConfig::new("keys", json!({"name": "string", "token": "secret|optional"}));
    let keys = db.create_resource(config.behavior(Behavior::BodyOnly)).await.unwrap();
    for id in ["a", "c"] {
        keys.insert(json!({"id": id, "name": id})).await.unwrap();
    }
    // Sealed under a passphrase that nobody has.
    let sealed = "VyaCAy6FiuPMcti21nfJU8jl0wtIV0zjT7bqlwBpkTbjNnTUR/n9Ak9UzLG9jKfGkVa9";
    let body: &'static str = Box::leak(format!(r#"{{"0":"b","1":"{sealed}"}}"#).into_boxed_str());
    put(&store, "resource=keys/data/id=b", &[("_v", "v1")], body).await;
    let listing = keys.get_all().await.unwrap();
    assert_eq!(listing.records.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(listing.unreadable.len(), 1);
    check(&listing.unreadable[0].error, ErrorKind::Crypto, &["keys", "b"]);
    let page = keys.query(json!({"name": {"$exists": true}})).run().await.unwrap();
    assert_eq!((page.records.len(), page.unreadable.len()), (2, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn documents_that_many_threads_decode_come_in_the_order_of_their_ids_with_the_unreadable_beside_them() {
    let store = MemoryStore::new();
    let db = open(&store).await.unwrap();
    let config = ResourceConfig::new("keys", json!({"n": "number", "token": "secret|optional"}));
    let keys = db.create_resource(config).await.unwrap();
    let documents = (0..1500).map(|n| json!({"id": format!("k{n:04}"), "n": n}));
    assert!(keys.insert_many(documents).await.failed.is_empty());
    let sealed = "VyaCAy6FiuPMcti21nfJU8jl0wtIV0zjT7bqlwBpkTbjNnTUR/n9Ak9UzLG9jKfGkVa9";
    for id in ["k0000", "k0700", "k1499"] {
        put(&store, &format!("resource=keys/data/id={id}"), &[("_v", "v1"), ("1", sealed)], "").await;
    }
    let expected: Vec<i64> = (1..1499).filter(|n| *n != 700).collect();
    let numbers = |records: &[s3db::Record]| records.iter().map(|r| r.data["n"].as_i64().unwrap()).collect();
    let listing = keys.get_all().await.unwrap();
    let scan = keys.query(json!({"n": {"$gte": 0}})).run().await.unwrap();
    for (records, unreadable) in [(listing.records, listing.unreadable), (scan.records, scan.unreadable)] {
        let read: Vec<i64> = numbers(&records);
        assert_eq!(read, expected);
        assert_eq!(unreadable.iter().map(|u| u.id.as_str()).collect::<Vec<_>>(), ["k0000", "k0700", "k1499"]);
    }
}
