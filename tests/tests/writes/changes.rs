//! Following committed changes.

use std::sync::Arc;

use s3db::database::{Action, ChangeOptions};
use s3db::store::MemoryStore;
use s3db::{Database, ResourceConfig};
use s3db_testkit::TestEnv;
use serde_json::{Value, json};

#[tokio::test]
async fn each_committed_write_is_told_once_with_what_was_and_what_is() {
    let env = Arc::new(TestEnv::new(1));
    let db = Database::builder_on(Arc::new(MemoryStore::new()), "app").env(env).connect().await.unwrap();
    let attributes = json!({"name": "string|min:2"});
    let users = db.create_resource(ResourceConfig::new("users", attributes)).await.unwrap();
    let mut changes = db.changes(ChangeOptions::new().resource("users"));

    users.insert(json!({"id": "a", "name": "Ann"})).await.unwrap();
    users.insert(json!({"id": "a", "name": "Bob"})).await.unwrap_err();
    users.update("a", json!({"name": "x"})).await.unwrap_err();
    users.update("a", json!({"name": "Bob"})).await.unwrap();
    users.replace("a", json!({"name": "Cleo"})).await.unwrap();
    users.upsert(json!({"id": "b", "name": "Dan"})).await.unwrap();
    users.delete("a").await.unwrap();
    assert!(users.delete_many(["b"]).await.failed.is_empty());
    users.insert(json!({"id": "c", "name": "Eve"})).await.unwrap();
    users.delete_all(true).await.unwrap();

    let name = |name: &str| json!({"name": name});
    let expected: Vec<(Action, &str, Value, Value)> = vec![
        (Action::Insert, "a", Value::Null, name("Ann")),
        (Action::Update, "a", name("Ann"), name("Bob")),
        (Action::Replace, "a", name("Bob"), name("Cleo")),
        (Action::Insert, "b", Value::Null, name("Dan")),
        (Action::Delete, "a", name("Cleo"), Value::Null),
        (Action::Delete, "b", name("Dan"), Value::Null),
        (Action::Insert, "c", Value::Null, name("Eve")),
        (Action::Delete, "c", name("Eve"), Value::Null),
    ];
    for (action, id, before, after) in expected {
        let change = changes.try_next().unwrap();
        let got = (change.before.clone().map(Value::Object), change.after.clone().map(Value::Object));
        assert_eq!((change.action, change.id.as_str()), (action, id));
        assert_eq!(
            (got.0.unwrap_or_default(), got.1.unwrap_or_default()),
            (before, after),
            "{action:?} {id}"
        );
        assert_eq!(change.etag.is_none(), action == Action::Delete);
    }
    assert!(changes.try_next().is_none());
}
