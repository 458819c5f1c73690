//! Who changed what, and when.
//!
//! `cargo run -p s3db-examples --example audit --features audit`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use s3db::audit::{Audit, AuditOptions, AuditQuery};
use s3db::encoding::Passphrase;
use s3db::{Database, ResourceConfig, actor};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> s3db::Result<()> {
    // Strict: a write returns when its row is there.
    let audit = Audit::with(AuditOptions::default().strict(true));
    let db = Database::builder("memory://audit")?
        .passphrase(Passphrase::new("correct horse battery staple"))
        .plugin(audit.clone())
        .connect()
        .await?;
    let attributes = json!({"name": "string", "pin": "secret"});
    let users = db.create_resource(ResourceConfig::new("users", attributes)).await?;

    // Say for whom a call is: every write inside knows it.
    let ann = json!({"id": "ann", "name": "Ann", "pin": "1234"});
    actor::acting_as("alice", users.insert(ann)).await?;
    actor::acting_as("bob", users.update("ann", json!({"name": "Anna"}))).await?;

    for row in audit.history("users", "ann").await? {
        let name = |document: &Option<s3db::Document>| match document {
            Some(document) => document.get("name").cloned().unwrap_or_default(),
            None => Value::Null,
        };
        println!("{} by {}: {} -> {}", row.operation, row.user, name(&row.before), name(&row.after));
        if let Some(after) = &row.after {
            println!("  pin: {}", after.get("pin").cloned().unwrap_or_default());
        }
    }
    let summary = audit.summary(&AuditQuery::new().resource("users")).await?;
    println!("rows of users: {}, by user: {:?}", summary.total, summary.by_user);
    db.close().await;
    Ok(())
}
