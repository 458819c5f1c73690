//! Versions of a schema: what documents of older ones read as, and how they come to the current one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use s3db::behavior::Behavior;
use s3db::resource::{ListOptions, Migration, NewContent, Record};
use s3db::store::dump::{Destination, load};
use s3db::store::{MemoryStore, Store};
use s3db::{Database, Error, ErrorKind, Event, Resource, ResourceConfig};
use s3db_testkit::{TestEnv, assert_requests};
use serde_json::{Map, Value, json};

async fn open(store: &MemoryStore) -> Database {
    let env = Arc::new(TestEnv::new(1));
    Database::builder_on(Arc::new(store.clone()), "").env(env).connect().await.unwrap()
}

/// Users whose definition changes three times: `age` becomes a number, `city` goes, and comes back as a number.
async fn evolved(db: &Database) -> Resource {
    let users = db
        .create_resource(
            ResourceConfig::new("users", json!({"name": "string", "age": "string", "city": "string"}))
                .partitions(json!({"byName": {"fields": {"name": "string"}}})),
        )
        .await
        .unwrap();
    users.insert(json!({"id": "a", "name": "Ann", "age": "30", "city": "Rome"})).await.unwrap();
    users.update_attributes(json!({"name": "string", "age": "number", "city": "string"})).await.unwrap();
    users.insert(json!({"id": "b", "name": "Bob", "age": 40, "city": "Oslo"})).await.unwrap();
    users.update_attributes(json!({"name": "string", "age": "number"})).await.unwrap();
    users.insert(json!({"id": "c", "name": "Cid", "age": 50})).await.unwrap();
    let last = json!({"name": "string", "age": "number", "city": "number|optional"});
    users.update_attributes(last).await.unwrap();
    users.insert(json!({"id": "d", "name": "Dee", "age": 60, "city": 7})).await.unwrap();
    users
}

fn seen(record: &Record) -> (String, Value) {
    (record.meta.version.clone(), Value::Object(record.data.clone()))
}

#[tokio::test]
async fn a_document_reads_with_the_types_and_keys_that_it_was_written_with() {
    let store = MemoryStore::new();
    evolved(&open(&store).await).await;
    // A process that has only the catalogue to go by.
    let users = open(&store).await.resource("users").unwrap();
    let expected = [
        ("a", "v1", json!({"name": "Ann", "age": "30", "city": "Rome"})),
        ("b", "v2", json!({"name": "Bob", "age": 40, "city": "Oslo"})),
        ("c", "v3", json!({"name": "Cid", "age": 50})),
        ("d", "v4", json!({"name": "Dee", "age": 60, "city": 7})),
    ];
    for (id, version, data) in expected {
        let record = assert_requests!(users, { get: 1 }, users.get(id)).unwrap();
        assert_eq!(seen(&record), (version.to_owned(), data), "{id}");
    }
}

#[tokio::test]
async fn a_document_in_the_body_reads_after_the_behavior_has_changed() {
    let db = open(&MemoryStore::new()).await;
    let config = |behavior| ResourceConfig::new("notes", json!({"text": "string"})).behavior(behavior);
    let notes = db.create_resource(config(Behavior::BodyOnly)).await.unwrap();
    notes.insert(json!({"id": "n", "text": "in the body"})).await.unwrap();
    let notes = db.create_resource(config(Behavior::EnforceLimits)).await.unwrap();
    assert_eq!(notes.version(), "v2");
    assert_eq!(notes.get("n").await.unwrap().data["text"], "in the body");
    let updated = notes.update("n", json!({"text": "in the metadata"})).await.unwrap();
    assert_eq!(updated.meta.version, "v2");
    assert_eq!(notes.get("n").await.unwrap().data["text"], "in the metadata");
}

/// `age` to a number, and the city to a code.
fn migrate(users: &Resource) {
    users.migrate_from(1, |mut user| {
        let age = user["age"].as_str().unwrap_or_default().parse::<i64>();
        let age = age.map_err(|e| Error::new(ErrorKind::NotFound, "the age is no number").caused_by(e))?;
        user.insert("age".to_owned(), age.into());
        Ok(user)
    });
    let codes = Migration::with(2, 4, |mut user| async move {
        tokio::task::yield_now().await;
        let code = match user.get("city").and_then(Value::as_str) {
            Some("Rome") => 1,
            _ => 2,
        };
        user.insert("city".to_owned(), code.into());
        Ok(user)
    });
    users.migrate(codes).unwrap();
}

#[tokio::test]
async fn migrations_follow_each_other_from_the_version_of_the_document() {
    let db = open(&MemoryStore::new()).await;
    let users = evolved(&db).await;
    migrate(&users);
    let ann = json!({"name": "Ann", "age": 30, "city": 1});
    assert_eq!(seen(&users.get("a").await.unwrap()), ("v1".to_owned(), ann.clone()));
    assert_eq!(users.get("b").await.unwrap().data["city"], 2, "from v2, as v1 is passed");
    assert_eq!(users.get("c").await.unwrap().data.get("city"), None, "no migration begins with v3");
    let found = users.query(json!({"city": 1})).run().await.unwrap();
    assert_eq!(found.records.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(), ["a"]);

    // A write makes it one of the current version, for programs without migrations too.
    let updated = users.update("a", json!({"name": "Anna"})).await.unwrap();
    assert_eq!(seen(&updated), ("v4".to_owned(), json!({"name": "Anna", "age": 30, "city": 1})));
    assert_eq!(users.get("a").await.unwrap().meta.version, "v4");
}

#[tokio::test]
async fn a_migration_that_fails_or_panics_is_an_error_of_its_document_alone() {
    let db = open(&MemoryStore::new()).await;
    let users = evolved(&db).await;
    users.insert(json!({"id": "e", "name": "Eve", "age": 1})).await.unwrap();
    migrate(&users);
    users.migrate_from(3, |_| panic!("no such luck"));
    let error = users.get("c").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let told = error.to_string();
    for part in ["from=v3", "to=v4", "id=c", "panicked"] {
        assert!(told.contains(part), "{told}");
    }
    let listing = users.list(ListOptions::default()).await.unwrap();
    assert_eq!(listing.records.len(), 4);
    assert_eq!(listing.unreadable.iter().map(|u| u.id.as_str()).collect::<Vec<_>>(), ["c"]);

    // The kind of a migration's own error does not pass for that of the document.
    users.migrate_from(1, |_| Err(Error::new(ErrorKind::NotFound, "no such team")));
    let error = users.update("a", json!({"age": 2})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("no such team"), "{error}");
    users.replace("a", json!({"name": "Ann", "age": 3})).await.unwrap();
    users.delete("c").await.unwrap();
    let backwards = users.migrate(Migration::new(2, 2, Ok)).unwrap_err();
    assert_eq!(backwards.kind(), ErrorKind::Config);
}

#[tokio::test]
async fn queries_find_migrated_values_and_use_partitions_of_fields_that_are_kept() {
    let db = open(&MemoryStore::new()).await;
    let users = evolved(&db).await;
    let query = |users: &Resource, name: &str| users.query(json!({"name": name}));
    let uses = |users: &Resource| query(users, "Ann").plan().unwrap().to_string().contains("byName");
    assert!(uses(&users));
    let shout = |mut user: Map<String, Value>| {
        let name = user["name"].as_str().unwrap_or_default().to_uppercase();
        user.insert("name".to_owned(), name.into());
        Ok(user)
    };
    users.migrate_from(1, shout);
    assert!(!uses(&users), "the references are those of the stored name");
    assert_eq!(query(&users, "ANN").run().await.unwrap().records.len(), 1);

    // Whoever says that the name stays must leave it.
    users.migrate(Migration::new(1, 2, shout).keeps(["name"])).unwrap();
    assert!(uses(&users));
    let error = users.get("a").await.unwrap_err();
    assert!(error.to_string().contains("field that it keeps"), "{error}");
    assert_eq!(users.get("b").await.unwrap().data["name"], "Bob");
}

#[tokio::test]
async fn all_documents_are_written_under_the_current_version_and_indexed_anew() {
    let store = MemoryStore::new();
    let db = open(&store).await;
    let users = evolved(&db).await;
    users.migrate_from(1, |mut user| {
        user.insert("name".to_owned(), "ANN".into());
        user.insert("age".to_owned(), 30.into());
        user.shift_remove("city");
        Ok(user)
    });
    users.migrate_from(2, |user| Err(Error::new(ErrorKind::Validation, format!("{} stays", user["name"]))));
    let mut told = Vec::new();
    let (documents, migrated, failed) = {
        let done = users.migrate_documents(&mut |done| told.push(done)).await.unwrap();
        assert_eq!(done.failures[0].id, "a", "from v1 by way of v2");
        (done.documents, done.migrated, done.failed)
    };
    assert_eq!((documents, migrated, failed, told), (4, 1, 2, vec![4]));

    users.migrate_from(2, |mut user| {
        user.shift_remove("city");
        Ok(user)
    });
    let done = users.migrate_documents(&mut |_| {}).await.unwrap();
    assert_eq!((done.migrated, done.failed), (2, 0));
    let again = assert_requests!(users, { list: 1, get: 4 }, users.migrate_documents(&mut |_| {})).unwrap();
    assert_eq!(again.migrated, 0);

    // Without migrations, and by partition.
    let users = open(&store).await.resource("users").unwrap();
    let view = users.partition("byName", json!({"name": "ANN"})).unwrap();
    assert_eq!(view.list_ids(ListOptions::default()).await.unwrap(), ["a"]);
    let old = users.partition("byName", json!({"name": "Ann"})).unwrap();
    assert_eq!(old.count().await.unwrap(), 0);
}

#[tokio::test]
async fn content_set_on_an_older_document_moves_its_index_entries() {
    let store = MemoryStore::new();
    let db = open(&store).await;
    let config = ResourceConfig::new("notes", json!({"team": "string", "text": "string"}))
        .behavior(Behavior::BodyOnly)
        .partitions(json!({"byTeam": {"fields": {"team": "string"}}}));
    let notes = db.create_resource(config).await.unwrap();
    notes.insert(json!({"id": "n", "team": "red", "text": "t"})).await.unwrap();
    notes
        .update_attributes(json!({"team": "string", "text": "string", "more": "string|optional"}))
        .await
        .unwrap();
    notes.migrate_from(1, |mut note| {
        note.insert("team".to_owned(), "RED".into());
        Ok(note)
    });
    notes.set_content("n", NewContent::new(b"bytes".to_vec())).await.unwrap();
    for (team, count) in [("red", 0), ("RED", 1)] {
        let view = notes.partition("byTeam", json!({"team": team})).unwrap();
        assert_eq!(view.count().await.unwrap(), count, "{team}");
    }
}

#[tokio::test]
async fn attributes_get_a_new_version_when_they_differ_and_everything_else_stays() {
    let store = MemoryStore::new();
    let db = open(&store).await;
    let config = ResourceConfig::new("users", json!({"name": "string", "mail": "string"}))
        .timestamps(true)
        .partitions(json!({"byMail": {"fields": {"mail": "string"}}}));
    let users = db.create_resource(config).await.unwrap();
    let mut events = db.events();
    let more = json!({"name": "string", "mail": "string", "age": "number|optional"});
    let update = users.update_attributes(more.clone()).await.unwrap();
    assert!(update.is_new_version());
    assert_eq!((update.old_version.as_str(), update.new_version.as_str()), ("v1", "v2"));
    let told = Event::VersionUpdated {
        resource: "users".to_owned(),
        old_version: "v1".to_owned(),
        new_version: "v2".to_owned(),
    };
    assert_eq!(events.try_next(), Some(told));

    let before = db.requests();
    assert!(!users.update_attributes(more).await.unwrap().is_new_version());
    assert_eq!((db.requests() - before).to_string(), "1 GET");
    assert_eq!(events.try_next(), None);

    let entry = db.catalog()["resources"]["users"].clone();
    assert_eq!(entry["currentVersion"], "v2");
    let (v1, v2) = (&entry["versions"]["v1"], &entry["versions"]["v2"]);
    assert_eq!((&v1["behavior"], &v1["timestamps"]), (&v2["behavior"], &v2["timestamps"]));
    assert_eq!(v1["partitions"], v2["partitions"]);
    assert_eq!(v2["attributes"]["createdAt"], v1["attributes"]["createdAt"]);
    assert_eq!(v1["attributes"].get("age"), None);

    let gone = users.update_attributes(json!({"name": "string"})).await.unwrap_err();
    assert!(gone.to_string().contains("byMail"), "{gone}");
    for wrong in [json!({}), json!([]), json!({"name": "strong"})] {
        assert_eq!(
            users.update_attributes(wrong.clone()).await.unwrap_err().kind(),
            ErrorKind::Config,
            "{wrong}"
        );
    }
    users.insert(json!({"id": "a", "name": "x", "mail": "m"})).await.unwrap();
    users.insert(json!({"id": "b", "name": "x", "mail": "n"})).await.unwrap();
    let unique = json!({"name": "string|unique", "mail": "string"});
    assert_eq!(users.update_attributes(unique).await.unwrap_err().kind(), ErrorKind::Unique);
    assert_eq!(users.version(), "v2");
}

#[tokio::test]
async fn another_process_hears_of_a_version_when_it_reads_the_catalogue_again() {
    let store = MemoryStore::new();
    let (here, there) = (open(&store).await, open(&store).await);
    let config = ResourceConfig::new("users", json!({"name": "string"}));
    here.create_resource(config).await.unwrap();
    there.refresh().await.unwrap();
    let users = there.resource("users").unwrap();
    let heard = Arc::new(AtomicBool::new(false));
    let mut events = there.events();
    let changed = json!({"name": "string", "age": "number|optional"});
    here.resource("users").unwrap().update_attributes(changed).await.unwrap();
    there.refresh().await.unwrap();
    while let Some(event) = events.try_next() {
        let expected = matches!(&event, Event::VersionUpdated { new_version, .. } if new_version == "v2");
        heard.fetch_or(expected, Ordering::Relaxed);
    }
    assert!(heard.load(Ordering::Relaxed));
    assert_eq!(users.version(), "v2");
}

/// s3db.js reads these documents with the keys of its current version, and shows values of keys that it has burned.
#[tokio::test]
async fn documents_of_s3db_js_read_as_they_were_written() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/buckets/versioning-evolved.json");
    let store = MemoryStore::new();
    let file = std::fs::File::open(path).unwrap();
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    load(&shared, "", file, Destination::MustBeEmpty).await.unwrap();
    let people = open(&store).await.resource("people").unwrap();
    let expected = [
        ("p1", "v1", json!({"name": "Ann", "team": "red", "age": 40, "city": "Rome"})),
        ("p2", "v1", json!({"name": "Bob", "team": "blue"})),
        ("p3", "v2", json!({"name": "Cid", "team": "red", "age": 1.5, "email": "c@x.io"})),
    ];
    for (id, version, data) in expected {
        let record = people.get(id).await.unwrap();
        assert_eq!(seen(&record), (version.to_owned(), data), "{id}");
    }
}
