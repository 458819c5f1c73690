//! Receipts say what was spent, and nothing else.

use std::sync::Arc;

use s3db::ResourceConfig;
use s3db::plan::PartitionWrites;
use s3db::price::Prices;
use s3db::resource::WriteCheck;
use s3db::store::{Condition, MemoryStore, PutObject, Store as _};
use s3db_testkit::{assert_requests, requests};
use serde_json::json;

use super::{database, database_on, indexed, plain};

#[tokio::test]
async fn a_receipt_counts_the_calls_of_its_handle_alone() {
    let db = database().await;
    let users = plain(&db).await;
    users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
    let before = db.requests();
    let (read, receipt) = users
        .receipt(async |metered| {
            users.get("ann").await.unwrap();
            metered.update("ann", json!({"region": "EU"})).await.unwrap();
            metered.get("ann").await.unwrap()
        })
        .await;
    assert_eq!(read.data["region"], "EU");
    assert_eq!(receipt.requests, requests! { get: 2, put: 1 });
    assert_eq!((db.requests() - before).get, 3, "the database counts all handles");
    assert!(receipt.traffic.bytes_in > 20 && receipt.traffic.bytes_out > receipt.traffic.bytes_in);
    assert_eq!((receipt.refused, receipt.retries), (0, 0));
    assert!((receipt.dollars() - 5.8e-6).abs() < 1e-12, "{}", receipt.dollars());
    let ia = Prices::named("aws-s3/standard-ia/us-east-1").unwrap();
    assert!((receipt.dollars_at(&ia) - 12e-6).abs() < 1e-12);
}

#[tokio::test]
async fn a_book_tells_what_was_spent_since_it_was_asked_before() {
    let db = database().await;
    let (users, receipts) = plain(&db).await.metered();
    let (inner, inner_receipts) = users.metered();
    inner.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
    assert_eq!(receipts.take().requests, requests! { put: 1 });
    users.count().await.unwrap();
    users.list_ids(Default::default()).await.unwrap();
    assert_eq!(receipts.take().requests, requests! { list: 2 });
    assert_eq!(receipts.take().requests, requests! {});
    assert_eq!(inner_receipts.take().requests, requests! { put: 1 }, "an inner book holds its own part");
}

#[tokio::test]
async fn refused_writes_and_weak_checks_are_on_the_receipt() {
    let store = Arc::new(MemoryStore::new());
    let db = database_on(store.clone(), PartitionWrites::Safe).await;
    let users = plain(&db).await;
    let checks = |receipt: s3db::receipt::Receipt| (receipt.refused, receipt.check);
    let ann = json!({"id": "ann", "name": "Ann"});
    let (_, first) = users.receipt(async |users| users.insert(ann.clone()).await).await;
    assert_eq!(checks(first), (0, Some(WriteCheck::Checked)));
    let (again, second) = users.receipt(async |users| users.insert(ann.clone()).await).await;
    assert!(again.is_err());
    assert_eq!(checks(second), (1, None));
    // As s3db.js writes it: without a stamp.
    let key = "app/resource=plain/data/id=ann";
    let head = store.get(key).await.unwrap().unwrap().head;
    let bare = PutObject { metadata: head.metadata, ..PutObject::default() };
    store.put(key, bare, Condition::None).await.unwrap();
    let (_, third) = users.receipt(async |users| users.update("ann", json!({"region": "EU"})).await).await;
    assert_eq!(checks(third), (0, Some(WriteCheck::StampedOnly)));
    let (_, fourth) = users.receipt(async |users| users.replace("ann", json!({"name": "Ann"})).await).await;
    assert_eq!(checks(fourth), (0, Some(WriteCheck::Unchecked)));
    let (_, read) = users.receipt(async |users| users.get("ann").await).await;
    assert_eq!(checks(read), (0, None));
}

#[tokio::test]
async fn index_writes_of_the_background_are_in_the_book() {
    let db = database_on(Arc::new(MemoryStore::new()), PartitionWrites::Background).await;
    let (users, receipts) = indexed(&db).await.metered();
    users.insert(json!({"id": "ann", "name": "Ann", "region": "EU"})).await.unwrap();
    db.flush().await;
    assert_eq!(receipts.take().requests, requests! { put: 2 });
}

#[tokio::test]
async fn the_requests_of_a_call_are_part_of_a_test() {
    let db = database().await;
    let users = indexed(&db).await;
    let ann = json!({"id": "ann", "name": "Ann", "email": "a@b.c", "region": "EU"});
    assert_requests!(users, { put: 3 }, users.insert(ann)).unwrap();
    let changes = json!({"region": "US"});
    let ann = assert_requests!(users, { get: 1, head: 1, put: 2, delete: 1 }, users.update("ann", changes));
    assert_eq!(ann.unwrap().data["region"], "US");
}

#[tokio::test]
async fn writes_cost_what_their_index_entries_and_unique_values_add_and_nothing_more() {
    let db = database().await;
    let attributes = json!({ "email": "string|unique", "region": "string", "city": "string" });
    let partitions = json!({
        "byRegion": { "fields": { "region": "string" } },
        "byCity": { "fields": { "city": "string" } },
        "byBoth": { "fields": { "region": "string", "city": "string" } },
    });
    let config = ResourceConfig::new("places", attributes).partitions(partitions);
    let places = db.create_resource(config).await.unwrap();
    let place = |id: &str| json!({ "id": id, "email": format!("{id}@b.c"), "region": "EU", "city": "Rome" });
    // Three entries, one unique value, and the document.
    assert_requests!(places, { put: 5 }, places.insert(place("a"))).unwrap();
    let moved = [
        (json!({ "region": "EU" }), requests! { get: 1, put: 1 }),
        (json!({ "city": "Oslo" }), requests! { get: 1, put: 3, head: 2, delete: 2 }),
        (json!({ "city": "Bonn", "region": "DE" }), requests! { get: 1, put: 4, head: 3, delete: 3 }),
    ];
    for (change, expected) in moved {
        let (done, receipt) = places.receipt(async |places| places.update("a", change.clone()).await).await;
        done.unwrap();
        assert_eq!(receipt.requests, expected, "{change}");
    }
    // The document and its unique value are read first, so that what another one holds is not deleted.
    let (done, receipt) = places.receipt(async |places| places.delete("a").await).await;
    done.unwrap();
    assert_eq!(receipt.requests, requests! { get: 2, head: 3, delete: 5 });
}
