//! What a call will cost, what it has cost, and a limit that it may not pass.
//!
//! `cargo run -p s3db-examples --example receipts`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use s3db::budget::Budget;
use s3db::price::AWS_S3_STANDARD;
use s3db::{Database, ResourceConfig};
use serde_json::json;

#[tokio::main]
async fn main() -> s3db::Result<()> {
    // Memory is free: these are the prices that S3 would ask.
    let builder = Database::builder("memory://receipts")?;
    let db = builder.options(|options| options.prices = Some(AWS_S3_STANDARD)).connect().await?;
    let users = ResourceConfig::new("users", json!({ "name": "string", "city": "string" }))
        .partitions(json!({ "byCity": { "fields": { "city": "string" } } }));
    let users = db.create_resource(users).await?;
    users.insert(json!({ "id": "ann", "name": "Ann", "city": "Porto" })).await?;

    println!("before:\n{}", users.explain().update("ann", json!({ "city": "Lisbon" })).await?);

    let (ann, receipt) =
        users.receipt(async |users| users.update("ann", json!({ "city": "Lisbon" })).await).await;
    println!("after, {}: {receipt}\n", ann?.data["city"]);

    let frugal = users.budget(Budget::requests(7));
    let people = ["Bob", "Cleo", "Dan", "Eve", "Fay"].map(|name| json!({ "name": name, "city": "Faro" }));
    let batch = frugal.insert_many(people).await;
    println!("a budget of 7 requests: {} inserted, {} refused", batch.ok.len(), batch.failed.len());
    if let Some(failed) = batch.failed.first() {
        println!("why: {}", failed.error);
    }
    Ok(())
}
