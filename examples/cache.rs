//! Repeated reads without requests, and never an old answer.
//!
//! `cargo run -p s3db-examples --example cache --features cache`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use s3db::cache::{Cache, CacheOptions, MemoryLimit, Tier};
use s3db::resource::ListOptions;
use s3db::{Database, Document, ResourceConfig};
use serde_json::json;

#[tokio::main]
async fn main() -> s3db::Result<()> {
    // Lists are kept in the bucket too, for all processes.
    let options =
        CacheOptions::default().memory(MemoryLimit::Bytes(10_000_000)).items_max(1_000).tier(Tier::Bucket);
    let cache = Cache::with(options);
    let db = Database::builder("memory://cache")?.plugin(cache.clone()).connect().await?;
    let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
    users.insert(json!({"id": "ann", "name": "Ann"})).await?;

    for turn in ["first", "second"] {
        let before = db.requests();
        users.get("ann").await?;
        println!("{turn} read: {}", db.requests() - before);
    }
    users.update("ann", json!({"name": "Anna"})).await?;
    println!("after the update: {}", users.get("ann").await?.data["name"]);
    let before = db.requests();
    users.uncached().get("ann").await?;
    println!("past the cache: {}", db.requests() - before);

    // What another process pays for a list that this one has kept.
    users.list(ListOptions::default()).await?;
    cache.clear();
    let before = db.requests();
    users.list(ListOptions::default()).await?;
    println!("a list from the bucket: {}", db.requests() - before);

    println!("stats: {}", db.run_plugin_command("cache", "stats", Document::new()).await?);
    db.close().await;
    Ok(())
}
