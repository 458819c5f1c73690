//! When index entries are written.

use std::sync::Arc;

use s3db::database::Event;
use s3db::plan::PartitionWrites;
use s3db::store::{ListRequest, Store};
use s3db::{Database, ErrorKind, Resource, ResourceConfig};
use s3db_testkit::TestEnv;
use serde_json::json;

use super::faulty::{Fault, Faulty};
use crate::log::Log;

async fn users(store: &Arc<Faulty>, mode: PartitionWrites) -> (Database, Resource) {
    let db = Database::builder_on(store.clone(), "app")
        .env(Arc::new(TestEnv::new(1)))
        .options(|options| options.partition_writes = mode)
        .connect()
        .await
        .unwrap();
    let partitions = json!({"byCity": {"fields": {"city": "string"}}});
    let config = ResourceConfig::new("users", json!({"city": "string"})).partitions(partitions);
    let users = db.create_resource(config).await.unwrap();
    (db, users)
}

async fn entries(store: &Faulty) -> Vec<String> {
    let prefix = "app/resource=users/partition=byCity/";
    let page = store.list(ListRequest::prefix(prefix)).await.unwrap();
    page.entries.iter().map(|entry| entry.key.strip_prefix(prefix).unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_mode_ends_with_the_same_entries() {
    for mode in [PartitionWrites::Safe, PartitionWrites::Parallel, PartitionWrites::Background] {
        let store = Faulty::new();
        let (db, users) = users(&store, mode).await;
        for (id, city) in [("a", "Rome"), ("b", "Oslo"), ("c", "Rome")] {
            users.insert(json!({"id": id, "city": city})).await.unwrap();
        }
        db.flush().await;
        users.update("a", json!({"city": "Oslo"})).await.unwrap();
        users.delete("c").await.unwrap();
        db.flush().await;
        assert_eq!(db.pending_index_writes(), 0, "{mode:?}");
        assert_eq!(entries(&store).await, ["city=Oslo/id=a", "city=Oslo/id=b"], "{mode:?}");
    }
}

#[tokio::test]
async fn a_failed_entry_fails_a_safe_write_and_is_told_of_by_the_others() {
    for mode in [PartitionWrites::Safe, PartitionWrites::Parallel, PartitionWrites::Background] {
        let store = Faulty::new();
        let (db, users) = users(&store, mode).await;
        let mut events = db.events();
        // More often than it is tried.
        for _ in 0..10 {
            store.next_put("partition=byCity", Fault::NotSent);
        }
        let inserted = users.insert(json!({"id": "a", "city": "Rome"})).await;
        db.flush().await;
        let told = std::iter::from_fn(|| events.try_next()).any(
            |event| matches!(event, Event::PartitionIndexError { id, operation: "insert", .. } if id == "a"),
        );
        let is_stored = users.exists("a").await.unwrap();
        if mode == PartitionWrites::Safe {
            assert_eq!(inserted.unwrap_err().kind(), ErrorKind::Unavailable);
            assert!(!told && !is_stored, "{mode:?}");
        } else {
            inserted.unwrap();
            assert!(told && is_stored, "{mode:?}");
        }
    }
}

#[tokio::test]
async fn a_background_entry_that_fails_once_is_tried_again() {
    let store = Faulty::new();
    let (db, users) = users(&store, PartitionWrites::Background).await;
    store.next_put("partition=byCity", Fault::NotSent);
    users.insert(json!({"id": "a", "city": "Rome"})).await.unwrap();
    db.close().await;
    assert_eq!(entries(&store).await, ["city=Rome/id=a"]);
}

#[tokio::test]
async fn a_database_that_is_dropped_with_entries_pending_says_so_and_one_that_was_closed_does_not() {
    for closed in [false, true] {
        let log = Log::default();
        let _guard =
            tracing::subscriber::set_default(tracing_subscriber::fmt().with_writer(log.clone()).finish());
        let store = Faulty::new();
        let (db, users) = users(&store, PartitionWrites::Background).await;
        users.insert(json!({"id": "a", "city": "Rome"})).await.unwrap();
        assert_eq!(db.pending_index_writes(), 1);
        drop(users);
        if closed {
            db.close().await;
        } else {
            drop(db);
        }
        assert_eq!(log.text().contains("call `flush` or `close`"), !closed, "{}", log.text());
    }
}
