//! What old versions read as, and what reading them costs.

use s3db::encoding::Passphrase;
use s3db::op::HookPoint;
use s3db::resource::HistoryOptions;
use s3db::{Database, ErrorKind, ResourceConfig};
use s3db_testkit::assert_requests;
use serde_json::{Value, json};
use std::sync::Arc;

use super::{World, names, users};

#[tokio::test]
async fn a_history_is_as_long_as_it_is_asked_for_and_costs_what_it_reads() {
    let world = World::new();
    let users = users(&world.open().await).await;
    users.insert(json!({"id": "ann", "name": "0"})).await.unwrap();
    for n in 1..5 {
        users.update("ann", json!({"name": n.to_string()})).await.unwrap();
    }
    let all = assert_requests!(users, { list: 1, get: 5 }, users.history("ann")).unwrap();
    assert_eq!(all.len(), 5);
    let two = HistoryOptions::default().limit(2);
    let two = assert_requests!(users, { list: 1, get: 2 }, users.history_with("ann", two)).unwrap();
    let read: Vec<&Value> =
        two.iter().map(|version| &version.record.as_ref().unwrap().data["name"]).collect();
    assert_eq!(read, ["4", "3"]);
    let bare = HistoryOptions::default().without_documents();
    let bare = assert_requests!(users, { list: 1 }, users.history_with("ann", bare)).unwrap();
    let ids = |versions: &[s3db::resource::DocumentVersion]| {
        versions.iter().map(|version| version.version_id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&bare), ids(&all));
    assert!(bare.iter().all(|version| version.record.is_none() && version.unreadable.is_none()));
    assert_eq!(users.history_with("ann", HistoryOptions::default().limit(0)).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_document_reads_as_it_was_at_any_moment() {
    let world = World::new();
    let users = users(&world.open().await).await;
    let start = 1_735_689_600_000;
    users.insert(json!({"id": "ann", "name": "first"})).await.unwrap();
    world.env.advance_ms(1000);
    users.update("ann", json!({"name": "second"})).await.unwrap();
    world.env.advance_ms(1000);
    users.delete("ann").await.unwrap();
    world.env.advance_ms(1000);
    users.insert(json!({"id": "ann", "name": "third"})).await.unwrap();
    for (at, expected) in [
        (-1, None),
        (0, Some("first")),
        (999, Some("first")),
        (1000, Some("second")),
        (1999, Some("second")),
        (2000, None),
        (2999, None),
        (3000, Some("third")),
        (1_000_000, Some("third")),
    ] {
        let found = users.get_as_of("ann", start + at).await;
        match (found, expected) {
            (Ok(record), Some(name)) => assert_eq!(record.data["name"], name, "{at}"),
            (Err(error), None) => {
                assert_eq!(error.kind(), ErrorKind::NotFound, "{at}");
                assert!(error.context("at").unwrap().starts_with("202"), "{error}");
            }
            (found, _) => panic!("{at}: {found:?}"),
        }
    }
    let found = assert_requests!(users, { list: 1, get: 1 }, users.get_as_of("ann", start + 5)).unwrap();
    assert_eq!(found.data["name"], "first");
}

#[tokio::test]
async fn versions_written_under_older_schemas_read_with_their_own() {
    let world = World::new();
    let db = world.open().await;
    let users = db
        .create_resource(ResourceConfig::new("users", json!({"name": "string", "age": "string"})))
        .await
        .unwrap();
    users.insert(json!({"id": "ann", "name": "Ann", "age": "30"})).await.unwrap();
    users.update_attributes(json!({"name": "string", "age": "number"})).await.unwrap();
    users.update("ann", json!({"age": 31})).await.unwrap();
    let ages = async || {
        let history = users.history("ann").await.unwrap();
        let ages = history.iter().map(|version| match (&version.record, &version.unreadable) {
            (Some(record), _) => record.data["age"].clone(),
            (None, Some(error)) => json!(format!("{} at {:?}", error, error.context("version_id").is_some())),
            (None, None) => Value::Null,
        });
        ages.collect::<Vec<_>>()
    };
    assert_eq!(ages().await, [json!(31), json!("30")]);
    // A migration sees old versions too, and one that fails breaks only what it cannot bring on.
    users.migrate_from(1, |mut user| {
        let age: u32 = user["age"].as_str().unwrap_or_default().parse().unwrap_or(0);
        user.insert("age".into(), age.into());
        Ok(user)
    });
    assert_eq!(ages().await, [json!(31), json!(30)]);
}

#[tokio::test]
async fn a_version_that_cannot_be_read_is_told_of_in_its_place() {
    let world = World::new();
    let db = world.open().await;
    let users = db
        .create_resource(ResourceConfig::new("users", json!({"name": "string", "age": "string"})))
        .await
        .unwrap();
    users.insert(json!({"id": "ann", "name": "Ann", "age": "x"})).await.unwrap();
    users.update_attributes(json!({"name": "string", "age": "number"})).await.unwrap();
    users.replace("ann", json!({"name": "Anna", "age": 1})).await.unwrap();
    users.migrate_from(1, |_| Err(s3db::Error::new(ErrorKind::Validation, "no age")));
    let history = users.history("ann").await.unwrap();
    assert!(history[0].record.is_some() && history[0].unreadable.is_none());
    let error = history[1].unreadable.as_ref().unwrap();
    assert_eq!(error.context("version_id"), Some(&*history[1].version_id), "{error:?}");
    assert_eq!(error.context("id"), Some("ann"));
}

#[tokio::test]
async fn a_diff_shows_no_secret_unless_it_is_asked_to() {
    let world = World::new();
    let open = async || {
        Database::builder_on(Arc::new(world.bucket.clone()), "")
            .env(world.env.clone())
            .passphrase(Passphrase::new("correct horse battery staple"))
            .connect()
            .await
            .unwrap()
    };
    let db = open().await;
    let attributes = json!({"name": "string", "token": "secret", "login": {"pin": "secret|optional"}});
    let users = db.create_resource(ResourceConfig::new("users", attributes)).await.unwrap();
    users
        .insert(json!({"id": "ann", "name": "Ann", "token": "old-token", "login": {"pin": "1234"}}))
        .await
        .unwrap();
    users.update("ann", json!({"name": "Anna", "token": "new-token"})).await.unwrap();
    let versions = users.history("ann").await.unwrap();
    let (from, to) = (&versions[1].version_id, &versions[0].version_id);
    let diff = users.diff("ann", from, to).await.unwrap();
    let lines = "~ name: \"Ann\" -> \"Anna\"\n~ token: \"[redacted]\" -> \"[redacted]\"\n";
    assert_eq!(diff.to_string(), lines);
    assert!(!format!("{diff:?}").contains("-token"), "{diff:?}");
    let diff = users.diff_with_secrets("ann", from, to).await.unwrap();
    assert_eq!(diff.changes[1].before, Some(json!("old-token")));
    assert_eq!(diff.changes[1].after, Some(json!("new-token")));

    // What was secret once stays so, also after it has become a plain field.
    let plain = json!({"name": "string", "token": "string", "login": {"pin": "secret|optional"}});
    users.update_attributes(plain).await.unwrap();
    users.update("ann", json!({"token": "public"})).await.unwrap();
    let versions = users.history("ann").await.unwrap();
    let diff = users.diff("ann", &versions[1].version_id, &versions[0].version_id).await.unwrap();
    assert_eq!(diff.to_string(), "~ token: \"[redacted]\" -> \"public\"\n");
}

#[tokio::test]
async fn hooks_that_hide_fields_hide_them_in_old_versions_too() {
    let world = World::new();
    let users = users(&world.open().await).await;
    users.insert(json!({"id": "ann", "name": "Ann", "age": 30})).await.unwrap();
    users.update("ann", json!({"name": "Anna"})).await.unwrap();
    users
        .hook(HookPoint::AfterGet, "hide", |mut call| async move {
            if let Some(document) = &mut call.document {
                document.shift_remove("age");
            }
            Ok(call)
        })
        .keep();
    for version in users.history("ann").await.unwrap() {
        assert_eq!(version.record.unwrap().get("age"), None);
    }
    let old = users.history("ann").await.unwrap().remove(1).version_id;
    assert_eq!(users.get_version("ann", &old).await.unwrap().get("age"), None);
    assert_eq!(names(&users, "ann").await, ["Anna", "Ann"]);
}
