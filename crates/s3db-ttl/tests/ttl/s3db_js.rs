//! The index that s3db.js has left: the database of `tests/buckets/plugin-ttl.json`.

use std::sync::Arc;
use std::time::Duration;

use s3db_core::store::Store;
use s3db_core::store::dump::{self, Destination};
use s3db_ttl::{OnExpire, TtlOptions, TtlRule};

use crate::support::World;

const DUMP: &str = include_str!("../../../../tests/buckets/plugin-ttl.json");

#[tokio::test(start_paused = true)]
async fn entries_of_s3db_js_are_brought_to_their_end() {
    let world = World::new();
    let store: Arc<dyn Store> = world.bucket.clone();
    dump::load(&store, "", DUMP.as_bytes(), Destination::MustBeEmpty).await.unwrap();
    let rule = |seconds: u64| TtlRule::after(Duration::from_secs(seconds), OnExpire::HardDelete);
    let day = 86_400;
    let soft = OnExpire::SoftDelete { field: "deletedat".into() };
    let options = TtlOptions::default()
        .rule("sessions", rule(1_800))
        .rule("hourly", TtlRule::after(Duration::from_secs(7_200), soft))
        .rule("reports", rule(7 * day))
        .rule("yearly", rule(60 * day))
        .rule("offers", TtlRule::at("expiresAt", OnExpire::HardDelete))
        .scan_every(Duration::from_secs(4_000 * day));
    // Before any deadline, then past all of them.
    tokio::time::advance(Duration::from_secs(600 * day)).await;
    let process = world.process_at("db", options, 0).await;
    crate::support::pass(1).await;
    let rows = process.db.resource("plg_ttl_expiration_index").unwrap();
    assert_eq!((rows.version().as_str(), rows.count().await.unwrap()), ("v1", 5), "its definition is ours");
    tokio::time::advance(Duration::from_secs(300 * day)).await;
    let swept = process.ttl.sweep().await.unwrap();
    assert_eq!((swept.expired, swept.deleted, swept.soft_deleted, swept.errors), (5, 4, 1, 0));
    for (name, left) in [("sessions", 0), ("hourly", 1), ("reports", 0), ("yearly", 0), ("offers", 0)] {
        assert_eq!(process.db.resource(name).unwrap().count().await.unwrap(), left, "{name}");
    }
    let hourly = process.db.resource("hourly").unwrap().get("h1").await.unwrap();
    assert!(hourly.data["deletedat"].is_string() && hourly.data["isdeleted"] == "true", "{hourly:?}");
    assert!(world.entries().await.is_empty());
}
