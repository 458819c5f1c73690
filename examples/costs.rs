//! What a database spends, on what, and the bill of a month.
//!
//! `cargo run -p s3db-examples --example costs --features costs`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use std::sync::Arc;

use s3db::costs::{Costs, CostsOptions, EstimateOptions};
use s3db::price::AWS_S3_STANDARD;
use s3db::store::MemoryStore;
use s3db::{Database, ResourceConfig};
use s3db_testkit::TestEnv;
use serde_json::json;

#[tokio::main]
async fn main() -> s3db::Result<()> {
    // A clock that moves when it is told to, so that this example has seen an hour.
    let clock = Arc::new(TestEnv::new(1));
    let db = Database::builder_on(Arc::new(MemoryStore::new()), "shop").env(clock.clone()).connect().await?;
    let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;

    // Without prices of its own it takes those of the connection; memory is free.
    let costs = Costs::with(CostsOptions::default().prices(AWS_S3_STANDARD));
    db.plugin(costs.clone()).await?;

    for i in 0..10 {
        users.insert(json!({"id": format!("u{i}"), "name": "Ann"})).await?;
    }
    for _ in 0..100 {
        users.get("u0").await?;
    }
    // Refused, and billed all the same.
    let refused = users.insert(json!({"id": "u0", "name": "Bob"})).await;
    println!("refused: {}", refused.is_err());

    let report = costs.report();
    let requests = &report.requests;
    println!("{} PUT and {} GET: {}", requests.counts.put, requests.counts.get, requests.subtotal);
    for (verb, sum) in &report.by_operation {
        println!("{verb}: {} requests, {} bytes down", sum.requests.total(), sum.bytes_out);
    }

    clock.advance_ms(3_600_000);
    let estimate = costs.estimate(&EstimateOptions::default());
    println!("a month like this hour: {} of requests", estimate.projected.request_cost);

    for i in 0..10 {
        users.delete(&format!("u{i}")).await?;
    }
    println!("after the delete {} bytes are stored", costs.report().storage.total_bytes);
    db.close().await;
    Ok(())
}
