//! Bytes of one's own beside the fields of a document.
//!
//! `cargo run -p s3db-examples --example content`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use futures::TryStreamExt as _;
use s3db::resource::NewContent;
use s3db::{Database, ResourceConfig};
use serde_json::json;

#[tokio::main]
async fn main() -> s3db::Result<()> {
    let db = Database::connect("memory://content").await?;
    let attributes = json!({ "name": "string", "about": "string|optional" });
    let users = db.create_resource(ResourceConfig::new("users", attributes)).await?;
    users.insert(json!({ "id": "ann", "name": "Ann" })).await?;

    let picture = NewContent::new(b"\x89PNG and so on".to_vec()).content_type("image/png");
    users.set_content("ann", picture).await?;
    users.update("ann", json!({ "name": "Anna" })).await?;
    if let Some(content) = users.content("ann").await? {
        let content_type = content.content_type.as_deref().unwrap_or("no type");
        println!("{} bytes of {content_type}", content.bytes.len());
    }
    // Large content is read as it comes, whole or in part.
    let part = users.content("ann").range(1..4).stream().await?;
    if let Some(mut stream) = part {
        let length = stream.length();
        while let Some(bytes) = stream.try_next().await? {
            println!("{} of {length} bytes: {}", bytes.len(), String::from_utf8_lossy(&bytes));
        }
    }
    println!("fields: {}", json!(users.get("ann").await?.fields()));

    // The body is taken: a field that does not fit the metadata is refused, and nothing is lost.
    if let Err(error) = users.update("ann", json!({ "about": "x".repeat(5000) })).await {
        println!("refused: {}", error.kind());
    }
    users.delete_content("ann").await?;
    println!("content left: {}", users.has_content("ann").await?);
    Ok(())
}
