//! Code before, after and around the verbs: hooks that fill and refuse, and a layer that counts.
//!
//! `cargo run -p s3db-examples --example hooks`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use s3db::op::{Answer, HookPoint, Next, Op, OpLayer, Stage};
use s3db::{Database, Error, ErrorKind, ResourceConfig};
use serde_json::json;

/// Counts the calls that come in, whatever they are.
#[derive(Debug, Default)]
struct Counts(AtomicU64);

#[async_trait::async_trait]
impl OpLayer for Counts {
    async fn call(&self, op: Op<'_>, next: Next<'_>) -> s3db::Result<Answer> {
        self.0.fetch_add(1, Ordering::Relaxed);
        next.run(op).await
    }
}

#[tokio::main]
async fn main() -> s3db::Result<()> {
    let db = Database::connect("memory://hooks").await?;
    let attributes = json!({"title": "string", "slug": "string|optional", "locked": "boolean|optional"});
    let posts = db.create_resource(ResourceConfig::new("posts", attributes)).await?;

    let calls = Arc::new(Counts::default());
    let layer = db.layer(Stage::Observe, calls.clone());

    posts
        .hook(HookPoint::BeforeInsert, "slug", |mut call| async move {
            if let Some(post) = &mut call.document {
                let slug = post["title"].as_str().unwrap_or_default().to_lowercase().replace(' ', "-");
                post.insert("slug".into(), slug.into());
            }
            Ok(call)
        })
        .keep();
    posts
        .hook(HookPoint::BeforeDelete, "locked", |call| async move {
            match &call.stored {
                Some(post) if post.get("locked") == Some(&json!(true)) => {
                    Err(Error::new(ErrorKind::Denied, "the post is locked"))
                }
                _ => Ok(call),
            }
        })
        .keep();

    let post = posts.insert(json!({"id": "first", "title": "Hello World", "locked": true})).await?;
    println!("filled in: {}", post.data["slug"]);
    match posts.delete("first").await {
        Ok(()) => println!("deleted"),
        Err(error) => println!("refused: {error}"),
    }
    posts.update("first", json!({"locked": false})).await?;
    posts.delete("first").await?;
    println!("calls seen by the layer: {}", calls.0.load(Ordering::Relaxed));
    layer.remove();
    Ok(())
}
