//! The table that holds a row for each change.

use s3db_core::Document;
use s3db_replicator::{Delivery, Operation, RecordedChange};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::name::{TableName, quoted};

/// What the rows say they come from, as s3db.js does.
const SOURCE: &str = "s3db-replicator";

/// Columns with their types: those of s3db.js, and ours, which its table lacks.
const COLUMNS: &[(&str, &str)] = &[
    ("resource_name", "VARCHAR(255)"),
    ("operation", "VARCHAR(50)"),
    ("record_id", "TEXT"),
    ("data", "JSONB"),
    ("timestamp", "TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP"),
    ("source", "VARCHAR(100) DEFAULT 's3db-replicator'"),
    ("created_at", "TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP"),
    ("change_id", "TEXT"),
    ("before", "JSONB"),
    ("certain", "BOOLEAN"),
];

/// Columns that are looked for.
const INDEXED: &[&str] = &["resource_name", "operation", "record_id", "timestamp"];

/// Makes the table, and adds what one of s3db.js lacks.
pub(crate) fn statements(name: &TableName) -> Vec<String> {
    let table = name.quoted();
    let mut statements = vec![format!("CREATE TABLE IF NOT EXISTS {table} (\"id\" BIGSERIAL PRIMARY KEY)")];
    for (column, sql_type) in COLUMNS {
        statements
            .push(format!("ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {} {sql_type}", quoted(column)));
    }
    for column in INDEXED {
        let index = index(name, column);
        statements.push(format!("CREATE INDEX IF NOT EXISTS {index} ON {table} ({})", quoted(column)));
    }
    let index = index(name, "change_id");
    statements.push(format!("CREATE UNIQUE INDEX IF NOT EXISTS {index} ON {table} (\"change_id\")"));
    statements
}

/// The name of an index: short enough for PostgreSQL to keep all of it.
fn index(name: &TableName, column: &str) -> String {
    let hash = hex::encode(Sha256::digest(name.table.as_bytes()));
    let hash = hash.get(..12).unwrap_or_default();
    quoted(&format!("s3db_log_{hash}_{column}"))
}

/// The statement that writes rows, an array of JSON in `$1`; those that are there already stay as they are.
pub(crate) fn insert(name: &TableName) -> String {
    format!(
        "INSERT INTO {} (resource_name, operation, record_id, data, \"timestamp\", source, change_id, before, certain) \
         SELECT r.resource_name, r.operation, r.record_id, r.data, r.\"timestamp\", r.source, r.change_id, r.before, \
         r.certain FROM json_to_recordset(($1::text)::json) AS r(resource_name text, operation text, record_id text, \
         data jsonb, \"timestamp\" timestamptz, source text, change_id text, before jsonb, certain boolean) \
         ON CONFLICT (change_id) DO NOTHING",
        name.quoted(),
    )
}

/// The row of a change; `None` where the route keeps it from the target.
pub(crate) fn row(delivery: &Delivery, change: &RecordedChange) -> Option<Value> {
    let shape = |document: &Option<Document>| document.as_ref().map(|document| delivery.shape(document));
    let (before, after) = (shape(&change.before), shape(&change.after));
    let last = if change.operation == Operation::Delete { &before } else { &after };
    // There was a document, and the route gave none.
    if matches!(last, Some(None)) {
        return None;
    }
    Some(json!({
        "resource_name": delivery.routed.resource.name(),
        "operation": change.operation.as_str(),
        "record_id": change.id,
        "data": last,
        "timestamp": jiff::Timestamp::from_millisecond(change.at_ms).ok().map(|time| time.to_string()),
        "source": SOURCE,
        "change_id": change.change_id,
        "before": before,
        "certain": change.is_certain,
    }))
}
