//! The letters that s3db.js has left: the database of `tests/buckets/plugin-replicator.json`.

use std::sync::Arc;

use s3db_core::store::Store;
use s3db_core::store::dump::{self, Destination};
use s3db_core::{Database, ResourceConfig};
use s3db_replicator::{Replicator, ReplicatorOptions, Routes, S3dbTarget};
use serde_json::json;

use crate::support::World;

const DUMP: &str = include_str!("../../../../tests/buckets/plugin-replicator.json");

#[tokio::test(start_paused = true)]
async fn what_s3db_js_could_not_deliver_is_delivered_at_last() {
    let world = World::new();
    let store: Arc<dyn Store> = world.bucket.clone();
    dump::load(&store, "", DUMP.as_bytes(), Destination::MustBeEmpty).await.unwrap();
    let backup = Database::connect("memory://backup/s3db_js").await.unwrap();
    let target = S3dbTarget::on(backup.clone());
    let replicator = Replicator::with(ReplicatorOptions::default().target("backup", target, Routes::all()));
    let db = Database::builder_on(world.bucket.clone(), "databases/app").env(world.env());
    let db = db.plugin(replicator.clone()).connect().await.unwrap();
    let rows = db.resource("plg_replicator_logs").unwrap();
    assert_eq!(rows.version(), "v1", "its definition is ours");
    let letters = replicator.dead_letters(None).await.unwrap();
    assert_eq!((letters.len(), letters[0].id.as_str(), letters[0].resource.as_str()), (1, "u1", "users"));
    assert_eq!(replicator.retry_dead_letters(None).await.unwrap(), 1);
    assert_eq!(backup.resource("users").unwrap().get("u1").await.unwrap().data["name"], "A");
    assert_eq!(rows.get(&letters[0].letter_id).await.unwrap().data["status"], "success");
    let _ = (ResourceConfig::new("x", json!({"a": "string"})), db.close().await);
}
