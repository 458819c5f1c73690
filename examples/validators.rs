//! Rules of your own: a schema names them, the program brings the code.
//!
//! `cargo run -p s3db-examples --example validators`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use s3db::{Database, ResourceConfig};
use serde_json::json;

#[tokio::main]
async fn main() -> s3db::Result<()> {
    let db = Database::connect("memory://shop/validators").await?;
    db.validator("slug", |value| match value.as_str() {
        Some(text) if text.chars().all(|c| c.is_ascii_lowercase() || c == '-') => Ok(()),
        _ => Err("use lower-case letters and `-`".to_owned()),
    });

    // One that looks into another resource.
    let cities = db.create_resource(ResourceConfig::new("cities", json!({"name": "string"}))).await?;
    cities.insert(json!({"id": "porto", "name": "Porto"})).await?;
    db.validator_async("city", move |value| {
        let cities = cities.clone();
        async move {
            let id = value.as_str().unwrap_or_default();
            match cities.exists(id).await {
                Ok(true) => Ok(()),
                Ok(false) => Err(format!("there is no city `{id}`")),
                Err(error) => Err(error.to_string()),
            }
        }
    });

    let attributes = json!({"slug": "string|custom:slug", "place": {"city": "string|custom:city"}});
    let shops = db.create_resource(ResourceConfig::new("shops", attributes)).await?;
    shops.insert(json!({"slug": "old-books", "place": {"city": "porto"}})).await?;
    if let Err(error) = shops.insert(json!({"slug": "Old Books", "place": {"city": "atlantis"}})).await {
        for field in error.fields() {
            println!("{}: {}", field.field, field.message);
        }
    }
    println!("{} shop", shops.count().await?);
    Ok(())
}
