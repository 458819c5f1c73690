//! The audit that s3db.js has left: the database of `tests/buckets/plugin-audit.json`.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3db_audit::{Audit, AuditQuery, Operation};
use s3db_core::Database;
use s3db_core::store::{Condition, MemoryStore, Metadata, PutObject, Store};
use serde_json::{Value, json};

const DUMP: &str = include_str!("../../../../tests/buckets/plugin-audit.json");

#[tokio::test]
async fn rows_of_s3db_js_are_read_and_continued() {
    let store = Arc::new(MemoryStore::new());
    let dump: Value = serde_json::from_str(DUMP).unwrap();
    for object in dump["objects"].as_array().unwrap() {
        let metadata: Metadata = (object["metadata"].as_object().unwrap().iter())
            .map(|(name, text)| (name.as_str(), text.as_str().unwrap()))
            .collect();
        let put = PutObject {
            metadata: metadata.into(),
            body: STANDARD.decode(object["body_base64"].as_str().unwrap()).unwrap().into(),
            content_type: object["content_type"].as_str().map(Into::into),
        };
        store.put(object["key"].as_str().unwrap(), put, Condition::None).await.unwrap();
    }
    let audit = Audit::new();
    let db = Database::builder_on(store.clone(), "db").plugin(audit.clone()).connect().await.unwrap();
    assert_eq!(db.resource("plg_audits").unwrap().version(), "v1", "its definition is ours");
    let rows = audit.rows(&AuditQuery::new().resource("users")).await.unwrap();
    let shown: Vec<_> =
        rows.iter().map(|row| format!("{} {} {}", row.operation, row.record_id, row.user)).collect();
    assert_eq!(
        shown,
        ["insert a alice", "update a alice", "insert b alice", "deleteMany a alice", "delete a alice"]
    );
    // Also of the row whose document went to the body.
    let overflowed = rows[2].after.as_ref().unwrap();
    assert!(overflowed["name"].as_str().unwrap().len() >= 3000);
    for row in &rows {
        for document in [&row.before, &row.after].into_iter().flatten() {
            assert!(document.keys().all(|name| !name.starts_with(['_', '$'])), "{document:?}");
        }
        assert!(row.at_ms > 1_795_384_000_000 && row.partitions.contains_key("byRegion"));
    }
    assert_eq!(
        (&rows[1].before.as_ref().unwrap()["name"], &rows[1].after.as_ref().unwrap()["name"]),
        (&json!("x"), &json!("y"))
    );

    db.resource("users").unwrap().delete("b").await.unwrap();
    audit.flush().await.unwrap();
    let rows = audit.history("users", "b").await.unwrap();
    assert_eq!((rows.len(), &rows[1].operation), (2, &Operation::Delete));
}
