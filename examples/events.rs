//! What a database tells: a function that is called with each change, and a stream of calls.
//!
//! `cargo run -p s3db-examples --example events`
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use s3db::database::EventFilter;
use s3db::op::Verb;
use s3db::{Database, Event, ResourceConfig};
use serde_json::json;
use tokio::sync::mpsc;

#[tokio::main]
async fn main() -> s3db::Result<()> {
    let (opened, mut is_open) = mpsc::unbounded_channel();
    let db = Database::builder("memory://events")?
        .on_event(EventFilter::all(), move |event| {
            let opened = opened.clone();
            async move {
                if event == Event::Connected {
                    let _ = opened.send(());
                }
            }
        })
        .connect()
        .await?;
    is_open.recv().await;
    println!("connected");

    let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await?;
    let (told, mut changes) = mpsc::unbounded_channel();
    let listener = db.on(EventFilter::changes().resource("users"), move |event| {
        let told = told.clone();
        async move { drop(told.send(event)) }
    })?;
    let mut reads = db.events_of(EventFilter::calls([Verb::Get, Verb::List]));

    users.insert(json!({"id": "ann", "name": "Ann"})).await?;
    users.update("ann", json!({"name": "Anna"})).await?;
    users.get("ann").await?;
    users.get_all().await?;

    for _ in 0..2 {
        if let Some(Event::Changed(change)) = changes.recv().await {
            println!("{:?} of {}", change.action, change.id);
        }
    }
    while let Some(Event::Called { verb, documents, .. }) = reads.try_next() {
        println!("{verb}: {documents} documents");
    }
    println!("missed {}", listener.missed());
    Ok(())
}
