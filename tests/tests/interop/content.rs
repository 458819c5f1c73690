//! Content, in both directions.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3db::behavior::Behavior;
use s3db::resource::NewContent;
use s3db::store::MemoryStore;
use s3db::{Database, ResourceConfig};
use s3db_testkit::TestEnv;
use serde_json::{Value, json};

use super::{BEHAVIORS, fill, objects, open, peer};

const BUCKET: &str = include_str!("../../buckets/binary-content.json");

/// What content is, as s3db.js tells it.
async fn told(db: &Database, resource: &str, id: &str) -> Value {
    let files = db.resource(resource).unwrap();
    let content = files.content(id).await.unwrap();
    assert_eq!(files.has_content(id).await.unwrap(), content.is_some(), "{resource}/{id}");
    content.map_or(Value::Null, |content| {
        json!({"base64": STANDARD.encode(&content.bytes), "content_type": content.content_type.as_deref()})
    })
}

#[tokio::test]
async fn content_of_a_bucket_that_s3db_js_has_written_is_read() {
    let fixture: Value = serde_json::from_str(BUCKET).unwrap();
    let store = MemoryStore::new();
    fill(&store, fixture["objects"].as_array().unwrap()).await;
    let db = Database::builder_on(Arc::new(store), "").connect().await.unwrap();
    for (resource, documents) in fixture["expected_content"].as_object().unwrap() {
        for (id, expected) in documents.as_object().unwrap() {
            let expected = json!({"base64": expected["base64"], "content_type": expected["content_type"]});
            assert_eq!(told(&db, resource, id).await, expected, "{resource}/{id}");
        }
        assert_eq!(told(&db, resource, "plain").await, Value::Null, "{resource}");
    }
}

#[tokio::test]
async fn s3db_js_reads_our_content_and_we_read_what_it_sets_and_keep_it() {
    let env = Arc::new(TestEnv::new(7));
    let store = MemoryStore::new();
    let db = open(store.clone(), env).await;
    let (mut set, mut expected) = (BTreeMap::new(), BTreeMap::new());
    for behavior in BEHAVIORS {
        let config = ResourceConfig::new(behavior, json!({"title": "string", "n": "number|optional"}))
            .behavior(behavior.parse::<Behavior>().unwrap());
        let files = db.create_resource(config).await.unwrap();
        for (id, title) in [("ours", "São Paulo"), ("theirs", "T"), ("plain", "P")] {
            files.insert(json!({"id": id, "title": title, "n": 12.5})).await.unwrap();
        }
        let picture = NewContent::new(vec![0x89, b'P', 0, 0xff]).content_type("image/png");
        files.set_content("ours", picture).await.unwrap();
        set.insert(
            behavior,
            json!({"theirs": {"base64": STANDARD.encode([1, 2, 0xfe]), "content_type": "image/gif"}}),
        );
        expected.insert(
            behavior,
            json!({"base64": STANDARD.encode([0x89, b'P', 0, 0xff]), "content_type": "image/png"}),
        );
    }
    let output = peer::visit("content", &json!({"objects": objects(&store), "set": set}));
    for behavior in BEHAVIORS {
        let read = &output["read"][behavior]["ours"];
        assert_eq!(read["content"], expected[behavior], "{behavior}");
        assert_eq!((&read["title"], &read["n"]), (&json!("São Paulo"), &json!(12.5)), "{behavior}");
        assert_eq!(read["has_content"], true, "{behavior}");
    }

    let after = MemoryStore::new();
    fill(&after, output["objects"].as_array().unwrap()).await;
    let db = open(after, Arc::new(TestEnv::new(8))).await;
    for behavior in BEHAVIORS {
        let files = db.resource(behavior).unwrap();
        let theirs = json!({"base64": STANDARD.encode([1, 2, 0xfe]), "content_type": "image/gif"});
        assert_eq!(told(&db, behavior, "theirs").await, theirs, "{behavior}");
        files.update("theirs", json!({"n": 3})).await.unwrap();
        assert_eq!(told(&db, behavior, "theirs").await, theirs, "{behavior}: after an update");
        let record = files.delete_content("theirs").await.unwrap();
        assert_eq!((&record.data["title"], &record.data["n"]), (&json!("T"), &json!(3)), "{behavior}");
        assert_eq!(files.get("theirs").await.unwrap().data, record.data, "{behavior}");
        assert_eq!(told(&db, behavior, "plain").await, Value::Null, "{behavior}");
    }
}
