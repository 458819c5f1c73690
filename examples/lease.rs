//! One holder at a time, and a late one refused by its fencing number.
//!
//! `cargo run -p s3db-examples --example lease`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use s3db::lease::AcquireOptions;
use s3db::plugin::storage::SetOptions;
use s3db::{Database, Error, ErrorKind};
use serde_json::json;

#[tokio::main]
async fn main() -> s3db::Result<()> {
    let db = Database::connect("memory://lease").await?;
    let storage = db.plugin_storage("ledger")?;
    let leases = storage.leases();
    storage.set("book", json!({ "total": 0 }), SetOptions::default()).await?;

    let Some(first) = leases.acquire("close", AcquireOptions::default()).await? else {
        return Err(Error::new(ErrorKind::Conflict, "somebody holds a new lease"));
    };
    println!("first holder: epoch known, valid {}", first.is_valid());
    println!("second try: {:?}", leases.acquire("close", AcquireOptions::default()).await?.map(|_| "got it"));
    first.release().await?;

    // Renewed while the closure runs, and given back at its end.
    leases
        .with_lock("close", AcquireOptions::default(), |lease| {
            let storage = storage.clone();
            async move {
                let write = storage.update_with("book", |book| {
                    lease.fence().mark(book, "epoch")?;
                    book["total"] = json!(100);
                    Ok(())
                });
                write.await
            }
        })
        .await?;

    // The first holder wakes up and does not know that its time is over.
    let late = storage.update_with("book", |book| {
        first.fence().mark(book, "epoch")?;
        book["total"] = json!(-1);
        Ok(())
    });
    match late.await {
        Err(error) => println!("late writer refused: {}", error.message()),
        Ok(_) => return Err(Error::new(ErrorKind::Corrupt, "the fence did not hold")),
    }
    println!("total {}", storage.get("book").await?.unwrap_or_default()["total"]);
    Ok(())
}
