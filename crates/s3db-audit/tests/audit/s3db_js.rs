//! The audit that s3db.js has left: the database of `tests/buckets/plugin-audit.json`.

use std::sync::Arc;

use s3db_audit::{Audit, AuditQuery, Operation};
use s3db_core::Database;
use s3db_core::store::dump::{self, Destination};
use s3db_core::store::{MemoryStore, Store};
use serde_json::json;

const DUMP: &str = include_str!("../../../../tests/buckets/plugin-audit.json");

#[tokio::test]
async fn rows_of_s3db_js_are_read_and_continued() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    dump::load(&store, "", DUMP.as_bytes(), Destination::MustBeEmpty).await.unwrap();
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
