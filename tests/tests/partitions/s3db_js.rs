//! Buckets that s3db.js wrote.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3db::Database;
use s3db::encoding::Passphrase;
use s3db::resource::ListOptions;
use s3db::store::{Condition, MemoryOptions, MemoryStore, PutObject, Store};
use serde_json::{Value, json};

async fn bucket(name: &str) -> (Value, Database) {
    let path = format!("{}/buckets/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let bucket: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    // s3db.js keeps metadata beyond the limit of S3 in its memory.
    let mut options = MemoryOptions::default();
    options.capability.metadata_bytes_max = usize::MAX;
    let store = MemoryStore::with(options);
    for object in bucket["objects"].as_array().unwrap() {
        let metadata = object["metadata"].as_object().unwrap();
        let put = PutObject {
            metadata: Arc::new(metadata.iter().map(|(k, v)| (k.as_str(), v.as_str().unwrap())).collect()),
            body: STANDARD.decode(object["body_base64"].as_str().unwrap()).unwrap().into(),
            content_type: None,
        };
        store.put(object["key"].as_str().unwrap(), put, Condition::None).await.unwrap();
    }
    let prefix = bucket["key_prefix"].as_str().unwrap();
    let passphrase = Passphrase::new(bucket["passphrase"].as_str().unwrap());
    let db = Database::builder_on(Arc::new(store), prefix).passphrase(passphrase).connect().await.unwrap();
    (bucket, db)
}

#[tokio::test]
async fn its_partitions_list_exactly() {
    let mut checked = 0;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/buckets");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let listed: Value = serde_json::from_str(&text).unwrap();
        if listed["expected_partitions"].as_array().is_none_or(Vec::is_empty) {
            continue;
        }
        let (bucket, db) = bucket(name).await;
        for expected in bucket["expected_partitions"].as_array().into_iter().flatten() {
            let resource = db.resource(expected["resource"].as_str().unwrap()).unwrap();
            let (partition, values) = (expected["partition"].as_str().unwrap(), &expected["values"]);
            let view = resource.partition(partition, values.clone()).unwrap();
            let mut wanted: Vec<&str> =
                expected["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
            wanted.sort_unstable();
            let what = format!("{name}: {partition} {values}");
            assert_eq!(view.list_ids(ListOptions::default()).await.unwrap(), wanted, "{what}");
            assert_eq!(view.count().await.unwrap(), wanted.len() as u64, "{what}");
            let listed = view.get_all().await.unwrap();
            assert!(listed.unreadable.is_empty(), "{what}: {:?}", listed.unreadable);
            // s3db.js passes over a reference without a document as well, once it reads documents.
            let mut stored = Vec::new();
            for id in wanted {
                if resource.exists(id).await.unwrap() {
                    stored.push(id);
                }
            }
            assert_eq!(listed.records.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(), stored, "{what}");
            checked += 1;
        }
    }
    assert!(checked > 100, "{checked}");
}

#[tokio::test]
async fn a_query_of_its_documents_uses_its_partitions() {
    let (_, db) = bucket("partitions").await;
    let events = db.resource("events").unwrap();
    let query = events.query(json!({"event": "click"}));
    assert_eq!(
        query.plan().unwrap().to_string(),
        "1 LIST per 1,000 references: partition=byEvent event=click; 1 GET a candidate"
    );
    let ids: Vec<String> = query.run().await.unwrap().records.into_iter().map(|r| r.id).collect();
    assert_eq!(ids, ["e1", "e4", "e7"]);
}
