//! A field is taken out of a schema and its partition stays behind: detect it, preview, remove, save, then add a partition
//! to the documents that are there, and index them.
//!
//! ```text
//! cargo run --example orphaned_partitions
//! cargo run --example orphaned_partitions -- file://./orders-data
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use s3db::resource::ReindexOptions;
use s3db::{Database, ErrorKind, ResourceConfig, Result};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<()> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "memory://orders".into());

    // Orders, indexed by region and by day.
    let db = Database::connect(&url).await?;
    let by_region = json!({"fields": {"region": "string"}});
    let by_day = json!({"fields": {"placed": "date|maxlength:10"}});
    let both = json!({"byRegion": by_region, "byDay": by_day});
    let orders = ResourceConfig::new(
        "orders",
        json!({"region": "string", "placed": "datetime", "status": "string|optional"}),
    );
    let orders = db.create_resource(orders.partitions(both.clone())).await?;
    for (id, region, day, status) in [
        ("o1", "EU", 1, "open"),
        ("o2", "US", 1, "shipped"),
        ("o3", "EU", 2, "open"),
        ("o4", "US", 3, "open"),
    ] {
        let placed = format!("2024-05-0{day}T10:00:00.000Z");
        orders.insert(json!({"id": id, "region": region, "placed": placed, "status": status})).await?;
    }
    println!("EU orders: {}", orders.partition("byRegion", json!({"region": "EU"}))?.count().await?);

    // Somebody takes the field `region` out. A database with strict validation, the default, refuses.
    let without_region = || {
        ResourceConfig::new("orders", json!({"placed": "datetime", "status": "string|optional"}))
            .partitions(both.clone())
    };
    match db.create_resource(without_region()).await {
        Err(error) if error.kind() == ErrorKind::Config => println!("refused: {}", error.message()),
        Err(error) => return Err(error),
        Ok(_) => println!("not refused"),
    }
    // s3db.js without `strictValidation` lets it through, and so does a database that is opened like this.
    let loose = |options: &mut s3db::database::DatabaseOptions| options.strict_validation = false;
    let db = match url.starts_with("memory:") {
        true => Database::builder_on(db.store().clone(), db.key_root()).options(loose).connect().await?,
        false => Database::builder(&url)?.options(loose).connect().await?,
    };
    let orders = db.create_resource(without_region()).await?;

    // Detect. Nothing is broken: documents are read and written, the orphan just holds no new ones.
    for orphan in orders.find_orphaned_partitions()? {
        println!("orphaned: {} misses {}", orphan.name, orphan.missing_fields.join(", "));
    }

    // Preview, then remove. Removing saves the catalogue under a condition, so that no other writer's change is lost.
    let preview = orders.remove_orphaned_partitions(true).await?;
    println!(
        "would remove: {}",
        preview.iter().map(|orphan| orphan.name.as_str()).collect::<Vec<_>>().join(", ")
    );
    let removed = orders.remove_orphaned_partitions(false).await?;
    println!("removed {}, left {}", removed.len(), orders.find_orphaned_partitions()?.len());

    // Add a partition. The four orders from before are not in it yet, so that queries read past it.
    orders.add_partition("byStatus", json!({"fields": {"status": "string"}})).await?;
    let open = || orders.query(json!({"status": "open"}));
    println!("before: {}", open().plan()?);

    // Index them. A run that is interrupted goes on where it was.
    let reindexed = orders
        .reindex(ReindexOptions::default(), &mut |at| println!("indexed {} of {}", at.done, at.total))
        .await?;
    println!("wrote {} references", reindexed.written);
    println!("after: {}", open().plan()?);
    let requests = db.requests();
    let count = open().count().await?;
    println!("{count} open orders for {}", db.requests() - requests);
    Ok(())
}
