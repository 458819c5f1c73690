//! Which process does what only one may do.
//!
//! `cargo run -p s3db-examples --example coordinator --features coordinator`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use std::sync::Arc;

use s3db::Database;
use s3db::coordinator::Coordinator;
use s3db::store::MemoryStore;

#[tokio::main]
async fn main() -> s3db::Result<()> {
    // Two processes of one database. Here they are two handles on one bucket in memory.
    let bucket = Arc::new(MemoryStore::new());
    let mut processes = Vec::new();
    for _ in 0..2 {
        let coordinator = Coordinator::new();
        let db = Database::builder_on(bucket.clone(), "shop").plugin(coordinator.clone()).connect().await?;
        processes.push((db, coordinator));
    }
    let (first, second) = (&processes[0].1, &processes[1].1);

    // The first one that looks finds the lease free.
    let leadership = first.leadership()?;
    let Some(epoch) = leadership.changed(None).await else { return Ok(()) };
    println!("one leader of two, under epoch {epoch}: {}", first.is_leader() && !second.is_leader());

    // Work begins under the epoch. Before what cannot be undone, ask the bucket.
    println!("confirmed: {}", leadership.confirm(epoch).await?);

    // Who stops gives the lease back, so that nobody waits for its end.
    processes[0].0.clone().close().await;
    let epoch = second.leadership()?.changed(None).await;
    println!("after it has stopped, the other leads under epoch {}", epoch.unwrap_or_default());
    println!("the old epoch is {:?}", second.validate(1));
    processes[1].0.clone().close().await;
    Ok(())
}
