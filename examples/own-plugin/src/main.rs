//! Uses the plugin, chosen by a configuration: `cargo run --manifest-path examples/own-plugin/Cargo.toml`

use s3db::plugin::{PluginRegistry, Purge};
use s3db::{Database, Document, ResourceConfig};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> s3db::Result<()> {
    let mut registry = PluginRegistry::new();
    s3db_plugin_tally::register(&mut registry);
    let plugins = registry.build_all(&json!([{"plugin": "tally", "options": {"every_seconds": 10}}]))?;

    let db = Database::builder("memory://own-plugin")?.plugins(plugins).connect().await?;
    let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
    users.insert(json!({"id": "ann", "name": "Ann"})).await?;
    users.update("ann", json!({"name": "Anna"})).await?;

    println!("totals: {}", db.run_plugin_command("tally", "totals", Document::new()).await?);
    let gone = db.uninstall_plugin("tally", Purge::Data).await?;
    println!("uninstalled, {} object deleted", gone.deleted);
    db.close().await;
    Ok(())
}
