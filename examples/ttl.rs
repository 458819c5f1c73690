//! Documents that end: deleted, marked, archived, or given to the program.
//!
//! `cargo run -p s3db-examples --example ttl --features ttl`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use std::time::Duration;

use s3db::resource::ListOptions;
use s3db::ttl::{OnExpire, Ttl, TtlOptions, TtlRule};
use s3db::{Database, ResourceConfig};
use serde_json::json;

#[tokio::main]
async fn main() -> s3db::Result<()> {
    let archive = OnExpire::Archive { resource: "old_offers".into(), keep_id: false };
    let half_an_hour = TtlRule::after(Duration::from_secs(1800), OnExpire::HardDelete);
    let options = TtlOptions::default()
        // Half an hour after they were last seen.
        .rule("sessions", half_an_hour.field("seenAt"))
        // When they say so themselves.
        .rule("offers", TtlRule::at("endsAt", archive));
    let ttl = Ttl::with(options);
    let db = Database::builder("memory://ttl")?.plugin(ttl.clone()).connect().await?;

    let sessions = ResourceConfig::new("sessions", json!({"seenAt": "string"}));
    let sessions = db.create_resource(sessions).await?;
    let offers = db.create_resource(ResourceConfig::new("offers", json!({"endsAt": "string"}))).await?;
    let copies =
        json!({"endsAt": "string", "archivedAt": "string", "archivedFrom": "string", "originalId": "string"});
    let old_offers = db.create_resource(ResourceConfig::new("old_offers", copies)).await?;

    sessions.insert(json!({"id": "gone", "seenAt": "2020-01-01T12:00:00Z"})).await?;
    offers.insert(json!({"id": "spring", "endsAt": "2020-05-31"})).await?;
    offers.insert(json!({"id": "open", "endsAt": "2999-12-31"})).await?;

    // Sweeps come by themselves. This one comes now, once the index knows of the documents.
    ttl.flush().await?;
    ttl.sweep().await?;
    let swept = ttl.stats().swept;
    println!("deleted {}, archived {}", swept.deleted, swept.archived);
    println!("left: {:?}", offers.list_ids(ListOptions::default()).await?);
    println!("in the archive: {}", old_offers.list_ids(ListOptions::default()).await?.join(", "));
    db.close().await;
    Ok(())
}
