//! What a document was before: its history, what it was at a time, what has changed, and the way back.
//!
//! `cargo run -p s3db-examples --example history`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use std::sync::Arc;

use s3db::store::{MemoryOptions, MemoryStore};
use s3db::{Database, ErrorKind, ResourceConfig};
use serde_json::json;

#[tokio::main]
async fn main() -> s3db::Result<()> {
    // On S3 it is the bucket that keeps versions: `aws s3api put-bucket-versioning`.
    let bucket = Arc::new(MemoryStore::with(MemoryOptions::default().keep_versions()));
    let db = Database::builder_on(bucket, "").connect().await?;
    let config = ResourceConfig::new("users", json!({"name": "string", "mail": "string|unique"}));
    let users = db.create_resource(config).await?;

    users.insert(json!({"id": "ann", "name": "Ann", "mail": "ann@x.io"})).await?;
    users.update("ann", json!({"name": "Anna", "mail": "anna@x.io"})).await?;
    users.delete("ann").await?;

    let history = users.history("ann").await?;
    for version in &history {
        match &version.record {
            Some(record) => println!("{}: {}", version.version_id, record.data["name"]),
            None => println!("{}: deleted", version.version_id),
        }
    }

    let diff = users.diff("ann", &history[2].version_id, &history[1].version_id).await?;
    print!("{diff}");

    let undone = users.undo("ann").await?;
    println!("undeleted: {}", undone.data["name"]);
    let first = users.restore_version("ann", &history[2].version_id).await?;
    println!("as it was at first: {}", first.data["mail"]);

    // Undoing is a write as any other: a unique value that another document has by now is refused.
    users.insert(json!({"id": "bob", "name": "Bob", "mail": "anna@x.io"})).await?;
    match users.undo("ann").await {
        Err(error) if error.kind() == ErrorKind::Unique => println!("refused: {error}"),
        other => println!("{other:?}"),
    }
    Ok(())
}
