//! Many documents in the memory of a few: streams, sinks, and going on after a stop.
//!
//! `cargo run -p s3db-examples --example streams`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use futures::{StreamExt as _, TryStreamExt as _, stream};
use s3db::budget::Budget;
use s3db::{Database, ResourceConfig};
use serde_json::json;

#[tokio::main]
async fn main() -> s3db::Result<()> {
    let db = Database::connect("memory://streams").await?;
    let visits = ResourceConfig::new("visits", json!({ "page": "string", "ms": "number" }))
        .partitions(json!({ "byPage": { "fields": { "page": "string" } } }));
    let visits = db.create_resource(visits).await?;
    let visit = |n: u32| json!({ "id": format!("{n:05}"), "page": if n.is_multiple_of(4) { "home" } else { "docs" }, "ms": n });

    // A sink takes in what it can write at once, and makes the source wait.
    let mut sink = visits.sink();
    stream::iter(0..3000).map(|n| Ok(visit(n))).forward(&mut sink).await?;
    println!("written: {}", sink.summary().written);

    let mut documents = visits.stream();
    let mut total = 0;
    while let Some(visit) = documents.try_next().await? {
        total += visit.data["ms"].as_u64().unwrap_or(0);
        if visit.id == "01999" {
            break;
        }
    }
    let token = documents.resume_token().unwrap_or_default();
    drop(documents);
    let rest: Vec<_> = visits.reader().resume(&token)?.documents().try_collect().await?;
    total += rest.iter().filter_map(|visit| visit.data["ms"].as_u64()).sum::<u64>();
    println!("total of both halves: {total} ms");

    let of_home = visits.partition("byPage", json!({ "page": "home" }))?.reader().ids().count().await;
    println!("visits of home: {of_home}");

    // A budget that is used up half-way: what was done and what was not is known.
    let frugal = visits.budget(Budget::requests(20));
    let mut sink = frugal.sink();
    if let Err(error) = stream::iter(5000..6000).map(|n| Ok(visit(n))).forward(&mut sink).await {
        println!("stopped: {}, {} written", error.kind(), sink.summary().written);
    }
    Ok(())
}
