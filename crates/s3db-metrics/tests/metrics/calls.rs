use std::collections::BTreeMap;

use s3db_core::ErrorKind;
use s3db_metrics::Metrics;
use serde_json::json;

use crate::support::{database, users};

#[tokio::test]
async fn each_verb_counts_once_under_its_own_name_and_nested_calls_do_not() {
    let metrics = Metrics::new();
    let db = database(&metrics).await;
    let users = users(&db).await;
    let ann = json!({"id": "ann", "name": "Ann", "region": "EU"});
    users.insert(ann.clone()).await.unwrap();
    users.get("ann").await.unwrap();
    users.get_many(["ann"]).await;
    users.exists("ann").await.unwrap();
    users.update("ann", json!({"name": "Anna"})).await.unwrap();
    users.replace("ann", json!({"name": "Anne"})).await.unwrap();
    users.upsert(ann).await.unwrap();
    users.list(Default::default()).await.unwrap();
    users.list_ids(Default::default()).await.unwrap();
    users.page(10, None).await.unwrap();
    users.count().await.unwrap();
    users.query(json!({"name": "Ann"})).count().await.unwrap();
    users.set_content("ann", b"text".to_vec()).await.unwrap();
    users.content("ann").await.unwrap();
    users.has_content("ann").await.unwrap();
    users.delete_content("ann").await.unwrap();
    users.delete("ann").await.unwrap();
    users.delete_many(["nobody"]).await;
    users.delete_all(true).await.unwrap();
    let report = metrics.report().unwrap();
    let names = [
        "insert",
        "get",
        "get_many",
        "exists",
        "update",
        "replace",
        "upsert",
        "list",
        "list_ids",
        "page",
        "count",
        "query",
        "set_content",
        "content",
        "has_content",
        "delete_content",
        "delete",
        "delete_many",
        "delete_all",
    ];
    let expected: BTreeMap<&str, u64> = names.into_iter().map(|name| (name, 1)).collect();
    assert_eq!(report.usage.resources["users"].operations, expected);
    assert_eq!(report.usage.total_operations, expected.len() as u64);
    assert_eq!(report.errors.total, 0, "{:?}", report.errors);
    assert_eq!(report.performance.total_requests, db.requests().total() - 1, "all but that of opening");
    db.close().await;
}

#[tokio::test]
async fn failures_count_as_calls_and_by_kind() {
    let metrics = Metrics::new();
    let db = database(&metrics).await;
    let users = users(&db).await;
    users.get("nobody").await.unwrap_err();
    users.update("nobody", json!({"name": "B"})).await.unwrap_err();
    users.insert(json!({"id": "a"})).await.unwrap_err();
    users.insert(json!({"id": "a", "name": "A"})).await.unwrap();
    users.insert(json!({"id": "a", "name": "A"})).await.unwrap_err();
    let report = metrics.report().unwrap();
    assert_eq!(report.errors.total, 3);
    assert_eq!(report.errors.by_resource["users"], 3);
    let kinds: Vec<_> = report.errors.by_type.iter().map(|(kind, count)| (*kind, *count)).collect();
    assert_eq!(kinds, [("already_exists", 1), ("not_found", 1), ("validation", 1)]);
    assert_eq!(report.usage.resources["users"].inserts, 3);
    db.close().await;
}

#[tokio::test]
async fn a_resource_that_is_created_twice_counts_once() {
    let metrics = Metrics::new();
    let db = database(&metrics).await;
    users(&db).await;
    users(&db).await.insert(json!({"name": "Ann"})).await.unwrap();
    assert_eq!(metrics.report().unwrap().usage.total_operations, 1);
    db.close().await;
}

#[tokio::test]
async fn a_thousand_reads_send_nothing_for_the_metrics() {
    let metrics = Metrics::new();
    let db = database(&metrics).await;
    let users = users(&db).await;
    users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
    let before = db.requests();
    for _ in 0..1_000 {
        users.get("ann").await.unwrap();
    }
    let report = metrics.report().unwrap();
    assert_eq!((db.requests() - before).total(), 1_000);
    let shown = serde_json::to_value(&report).unwrap();
    assert_eq!(shown["usage"]["resources"]["users"]["reads"], 1_000);
    assert_eq!(shown["usage"]["mostActiveResource"], "users");
    assert_eq!(shown["performance"]["slowestOperations"].as_array().unwrap().len(), 2);
    assert!(shown["performance"]["averageResponseTime"].as_f64().unwrap() > 0.0);
    assert!(shown["usage"]["peakUsageHour"].as_str().unwrap().ends_with(":00"));
    db.close().await;
}

#[tokio::test]
async fn nothing_is_shown_before_it_is_installed_and_after_the_database_is_gone() {
    let metrics = Metrics::new();
    assert_eq!(metrics.report().unwrap_err().kind(), ErrorKind::Config);
    let db = database(&metrics).await;
    metrics.report().unwrap();
    db.close().await;
    assert_eq!(metrics.prometheus().unwrap_err().kind(), ErrorKind::Unavailable);
}
