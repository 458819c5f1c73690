//! The same code on S3, or on anything that speaks its protocol.
//!
//! ```console
//! $ cargo run -p s3db-examples --example s3 -- 's3://my-bucket/example?region=eu-west-1'
//! $ cargo run -p s3db-examples --example s3 -- 'http://KEY:SECRET@localhost:9000/my-bucket/example'
//! ```
//!
//! Without keys in the string the usual AWS credentials are used: environment, profile, or the machine's role.
//! Without an argument it takes the string from `S3DB_CONNECTION`, and does nothing where that is not set either.
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use s3db::{Database, ErrorKind, ResourceConfig};
use serde_json::json;

#[tokio::main]
async fn main() -> s3db::Result<()> {
    let Some(place) = std::env::args().nth(1).or_else(|| std::env::var("S3DB_CONNECTION").ok()) else {
        println!("give a connection string, such as s3://my-bucket/example?region=eu-west-1");
        return Ok(());
    };
    let db = match Database::connect(&place).await {
        Ok(db) => db,
        // The kind says what to do next; the hint says it in words.
        Err(error)
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Denied | ErrorKind::Unavailable) =>
        {
            println!("cannot open the bucket: {error}\n  {}", error.suggestion().unwrap_or_default());
            return Err(error);
        }
        Err(error) => return Err(error),
    };
    let visits = db
        .create_resource(ResourceConfig::new("example-visits", json!({ "page": "string", "ms": "number" })))
        .await?;

    let before = db.requests();
    let batch = (0..20).map(|n| json!({ "page": format!("/p/{}", n % 4), "ms": 10 * n }));
    let written = visits.insert_many(batch).await.into_result()?;
    println!("wrote {} documents: {}", written.len(), db.requests() - before);

    let before = db.requests();
    let slow = visits.query(json!({ "page": "/p/3", "ms": { "$gt": 100 } })).run().await?;
    println!("found {} slow visits: {}", slow.records.len(), db.requests() - before);

    let ids: Vec<String> = written.into_iter().map(|record| record.id).collect();
    let deleted = visits.delete_many(ids).await.into_result()?;
    println!("deleted {} documents", deleted.len());
    Ok(())
}
