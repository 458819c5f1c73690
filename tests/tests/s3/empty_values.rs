//! Empty values on a server that drops metadata without a value.

use std::sync::Arc;

use s3db::behavior::Behavior;
use s3db::store::{Condition, Metadata, PutObject, S3Store, Store, dump};
use s3db::{Database, ResourceConfig};
use serde_json::{Value, json};

use super::{config, connect, independent};

/// Every value that is nothing, and one that is too big for the metadata beside it.
fn documents() -> [Value; 2] {
    let small = json!({"text": "", "list": [], "numbers": [], "null": null, "object": {}, "any": "", "other": "",
        "nested": {"inner": "", "tags": []}});
    let mut big = small.clone();
    big["big"] = "x".repeat(1500).into();
    [small, big]
}

fn attributes() -> Value {
    json!({"text": "string|optional|empty:true", "list": "array|items:string|optional",
        "numbers": "array|items:number|optional", "null": "string|optional|nullable", "object": "object|optional",
        "any": "any|optional", "big": "string|optional",
        "nested": {"inner": "string|optional|empty:true", "tags": "array|items:string|optional"}})
}

#[tokio::test]
async fn empty_values_survive_every_behavior_where_a_server_drops_empty_metadata() {
    let Some(connection) = independent("S3DB_TEST_SEAWEEDFS") else { return };
    let db = Database::connect(&format!("{connection}/empty-{}", std::process::id())).await.unwrap();
    for behavior in Behavior::ALL {
        let config = ResourceConfig::new(format!("things-{behavior}"), attributes())
            .behavior(behavior)
            .partitions(json!({"byText": {"fields": {"text": "string"}}}));
        let things = db.create_resource(config).await.unwrap();
        for (at, document) in documents().into_iter().enumerate() {
            let id = format!("d{at}");
            let mut with_id = document.clone();
            with_id["id"] = id.clone().into();
            things.insert(with_id).await.unwrap();
            let read = things.get(&id).await.unwrap().data;
            assert_eq!(json!(read), document, "{behavior}: inserted");
            things.update(&id, json!({"any": [], "numbers": []})).await.unwrap();
            let read = json!(things.get(&id).await.unwrap().data);
            let expected =
                [("object", json!({})), ("any", json!([])), ("text", json!("")), ("list", json!([]))];
            for (name, value) in expected {
                assert_eq!(read[name], value, "{behavior}: {name} after an update");
            }
        }
        let found = things.query(json!({"text": ""})).run().await.unwrap();
        assert_eq!(found.records.len(), 2, "{behavior}: found by an empty value");
    }
}

#[tokio::test]
async fn plugin_storage_and_loaded_dumps_keep_empty_values_there() {
    let Some(connection) = independent("S3DB_TEST_SEAWEEDFS") else { return };
    let prefix = format!("empty-dump-{}", std::process::id());
    let db = Database::connect(&format!("{connection}/{prefix}")).await.unwrap();
    let storage = db.plugin_storage("empties").unwrap();
    let value = json!({"text": "", "list": [], "object": {}, "null": null, "n": 0});
    storage.set("key", value.clone(), Default::default()).await.unwrap();
    assert_eq!(storage.get("key").await.unwrap().map(Value::Object), Some(value));

    let text = r#"{"key_prefix": "", "objects": [{"key": "a", "metadata": {"0": "", "1": "x"}, "body_base64": ""}]}"#;
    let store: Arc<dyn Store> = Arc::new(connect(config(&connection)).await);
    let loaded = dump::load(&store, &format!("{prefix}/loaded"), text.as_bytes(), Default::default()).await;
    assert_eq!(loaded.unwrap(), 1);
    let found = store.get(&format!("{prefix}/loaded/a")).await.unwrap().unwrap();
    let read = |name| s3db::encoding::text::decode(found.head.metadata.get(name).unwrap());
    assert_eq!(read("0"), s3db::encoding::text::Decoded::Text("".into()));
    assert_eq!(read("1"), s3db::encoding::text::Decoded::Text("x".into()));
}

/// The reason for all this, so that its end is noticed.
#[tokio::test]
async fn the_server_still_drops_empty_metadata() {
    let Some(connection) = independent("S3DB_TEST_SEAWEEDFS") else { return };
    let store: S3Store = connect(config(&connection)).await;
    assert!(!store.capability().keeps_empty_metadata, "another server than AWS is not relied on");
    let metadata = Metadata::from_iter([("empty", ""), ("full", "x")]);
    let object = PutObject { metadata: Arc::new(metadata), ..PutObject::default() };
    let key = format!("dropped-{}", std::process::id());
    store.put(&key, object, Condition::None).await.unwrap();
    assert_eq!(store.get(&key).await.unwrap().unwrap().head.metadata.get("empty"), None);
    store.delete(&key, Condition::None).await.unwrap();
}
