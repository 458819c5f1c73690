//! Opens a database on disk, stores documents, and reads, changes, finds and deletes them.
//!
//! `cargo run -p s3db-examples --example quickstart`, with a connection string as an argument for another place.
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use s3db::{Database, ResourceConfig};
use serde_json::json;

#[tokio::main]
async fn main() -> s3db::Result<()> {
    let place = std::env::args().nth(1).unwrap_or_else(|| "file://./quickstart-data".to_owned());
    let db = Database::connect(&place).await?;

    // The schema checks documents, and decides how each field is packed into the metadata of its object.
    // The same definition again changes nothing, so a program may do this on every start.
    let schema = json!({
        "name": "string|min:2",
        "email": "email",
        "age": "number|integer|min:0|optional",
        "tags": "array|items:string|optional",
        "address": { "city": "string", "zip": "string|optional" },
    });
    let users = db.create_resource(ResourceConfig::new("users", schema)).await?;

    // 1 request: a PUT that fails if the id is taken. Without an id, one is generated.
    let ann = json!({
        "name": "Ann Silva", "email": "ann@example.com", "age": 30, "tags": ["vip"],
        "address": { "city": "Lisbon", "zip": "1100-053" },
    });
    let ann = users.insert(ann).await?;
    println!("inserted {}", ann.id);

    // 1 request.
    let read = users.get(&ann.id).await?;
    println!("read     {}", read.data["name"]);

    // 2 requests: a GET and a PUT that fails if somebody else wrote meanwhile, and is then tried again.
    let moved = users.update(&ann.id, json!({ "address.city": "Porto" })).await?;
    println!("moved to {} (zip is still {})", moved.data["address"]["city"], moved.data["address"]["zip"]);

    let found =
        users.query(json!({ "age": { "$gte": 18 }, "address.city": "Porto" })).sort("-age").run().await?;
    println!("found    {} in Porto", found.records.len());

    // A document that breaks the schema is refused before any request, with all that is wrong.
    if let Err(error) =
        users.insert(json!({ "name": "A", "email": "nowhere", "address": { "city": "Rome" } })).await
    {
        for field in error.fields() {
            println!("refused  {}: {}", field.field, field.message);
        }
    }

    users.delete(&ann.id).await?;
    println!("deleted; {} users left, after {}", users.count().await?, db.requests());
    Ok(())
}
