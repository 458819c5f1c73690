//! What happens to a document that is larger than the 2,047 bytes of metadata: one resource for each behavior.
//!
//! `cargo run -p s3db-examples --example behaviors`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use s3db::{Database, ResourceConfig};
use serde_json::json;

#[tokio::main]
async fn main() -> s3db::Result<()> {
    let db = Database::connect("memory://behaviors").await?;
    let article = json!({ "id": "a1", "title": "On long texts", "text": "long ".repeat(1000).trim_end() });

    for behavior in ["body-overflow", "body-only", "user-managed", "truncate-data", "enforce-limits"] {
        let schema = json!({ "title": "string", "text": "string" });
        let config = ResourceConfig::new(behavior, schema).behavior(behavior.parse()?);
        let articles = db.create_resource(config).await?;
        match articles.insert(article.clone()).await {
            Ok(written) => {
                let read = articles.get("a1").await?;
                let kept = read.data["text"].as_str().map_or(0, str::len);
                println!(
                    "{behavior:<15} kept {kept:>4} of 4999 bytes, {:>4} bytes in the body{}",
                    read.meta.content_length,
                    if written.meta.truncated.is_empty() {
                        ""
                    } else {
                        "; the record says that `text` was cut"
                    },
                );
            }
            // Nothing was written.
            Err(error) => println!("{behavior:<15} refused: {}", error.message()),
        }
    }
    Ok(())
}
