//! Each change copied to another database, and what a target does not take.
//!
//! `cargo run -p s3db-examples --example replicator --features replicator`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use std::time::Duration;

use s3db::replicator::{Replicator, ReplicatorOptions, Route, Routes, S3dbTarget};
use s3db::{Database, ResourceConfig};
use serde_json::json;

#[tokio::main]
async fn main() -> s3db::Result<()> {
    // The target: any connection string would do.
    let copy = Database::connect("memory://replicator/copy").await?;
    let short = ResourceConfig::new("short_notes", json!({"text": "string|max:20"}));
    copy.create_resource(short).await?;

    let routes = Routes::only(["users"]).resource("notes", Route::to("short_notes"));
    let millisecond = Duration::from_millis(1);
    let options = ReplicatorOptions::default()
        .target("copy", S3dbTarget::on(copy.clone()), routes)
        // A document that the target refuses is tried three times.
        .retries(3, millisecond, millisecond);
    let replicator = Replicator::with(options);
    let db = Database::builder("memory://replicator/source")?.plugin(replicator.clone()).connect().await?;

    let attributes = json!({"name": "string", "city": "string|optional", "pin": "secret|optional"});
    let users = db.create_resource(ResourceConfig::new("users", attributes)).await?;
    users.insert(json!({"id": "ann", "name": "Ann"})).await?;
    users.update("ann", json!({"city": "Rome"})).await?;
    // Changes go by themselves; this waits for those so far.
    replicator.flush().await?;
    let ann = copy.resource("users")?.get("ann").await?;
    let pin = if ann.data.contains_key("pin") { "with" } else { "without" };
    println!("in the copy: {} of {}, {pin} her pin", text(&ann.data["name"]), text(&ann.data["city"]));

    users.delete("ann").await?;
    replicator.flush().await?;
    println!("after the delete: {} documents", copy.resource("users")?.count().await?);

    // What the target refuses is put aside, and what comes behind it arrives.
    let notes = db.create_resource(ResourceConfig::new("notes", json!({"text": "string"}))).await?;
    notes.insert(json!({"id": "too-long", "text": "more than twenty characters"})).await?;
    notes.insert(json!({"id": "fine", "text": "less"})).await?;
    replicator.flush().await?;
    for letter in replicator.dead_letters(None).await? {
        println!("put aside: {:?}: {}", letter.id, letter.error);
    }
    notes.update("too-long", json!({"text": "shorter"})).await?;
    println!("taken after all: {}", replicator.retry_dead_letters(None).await?);

    let stats = replicator.stats();
    println!("recorded {} changes in {} objects", stats.recorded, stats.outbox_objects);
    for target in &stats.targets {
        println!("{}: {} delivered, {} behind", target.name, target.delivered, target.lag_changes);
    }
    db.close().await;
    Ok(())
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or_default()
}
