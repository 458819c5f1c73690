//! Each change copied to tables of PostgreSQL, which follow the schema.
//!
//! `POSTGRES=postgres://user:password@localhost/db cargo run -p s3db-examples --example replicator_postgres`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use std::time::Duration;

use s3db::replicator::{Replicator, ReplicatorOptions, Route, Routes};
use s3db::replicator_postgres::{PostgresOptions, PostgresTarget, SchemaSync};
use s3db::{Database, ResourceConfig};
use serde_json::json;

#[tokio::main]
async fn main() -> s3db::Result<()> {
    let connection = ["POSTGRES", "S3DB_TEST_POSTGRES"].into_iter().find_map(|name| std::env::var(name).ok());
    let Some(connection) = connection else {
        println!("skipped: POSTGRES names no server, such as postgres://user:password@localhost/db");
        return Ok(());
    };

    let target = PostgresTarget::new(
        PostgresOptions::new()
            .connection_string(connection)
            .schema("s3db_example")
            // Tables are made, and get a column for each new field.
            .schema_sync(SchemaSync::new())
            // And a row for each change.
            .log_table("changes"),
    )?;
    let routes = Routes::only(["orders"]).resource("users", Route::to("people").without("notes"));
    let millisecond = Duration::from_millis(1);
    let replicator = Replicator::with(
        ReplicatorOptions::default().target("postgres", target, routes).retries(2, millisecond, millisecond),
    );
    let db = Database::builder("memory://replicator-postgres")?.plugin(replicator.clone()).connect().await?;

    let attributes = json!({"name": "string", "notes": "string|optional", "address": {"city": "string"}});
    let users = db.create_resource(ResourceConfig::new("users", attributes)).await?;
    users.insert(json!({"id": "ann", "name": "Ann", "address": {"city": "Rome"}})).await?;
    users.update("ann", json!({"name": "Anna"})).await?;

    let orders = db.create_resource(ResourceConfig::new("orders", json!({"total": "money:2"}))).await?;
    orders.insert(json!({"id": "1", "total": 12.5})).await?;
    // A new field gets a column.
    let attributes = json!({"total": "money:2", "paid": "datetime|optional"});
    let orders = db.create_resource(ResourceConfig::new("orders", attributes)).await?;
    orders.insert(json!({"id": "2", "total": 3, "paid": "2025-01-01T10:00:00Z"})).await?;

    replicator.flush().await?;
    let stats = replicator.stats();
    for target in &stats.targets {
        println!("{}: {} changes delivered, {} behind", target.name, target.delivered, target.lag_changes);
    }
    // What PostgreSQL refused, with table, column and SQLSTATE.
    for letter in replicator.dead_letters(None).await? {
        println!("put aside: {:?}: {}", letter.id, letter.error);
    }
    println!("look at them: SELECT * FROM s3db_example.people, s3db_example.orders, s3db_example.changes");
    db.close().await;
    Ok(())
}
