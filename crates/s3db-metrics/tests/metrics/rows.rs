//! What is kept on the bucket.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use s3db_core::Database;
use s3db_core::store::dump::{self, Destination};
use s3db_core::store::{
    Capability, Condition, Head, ListPage, ListRequest, MemoryStore, Object, PutObject, PutResult, Replace,
    Store,
};
use s3db_core::{Error, ErrorKind, Result};
use s3db_metrics::{Metrics, MetricsOptions, MetricsQuery, RowsOptions};

use crate::support::users;
use serde_json::json;

/// A bucket that takes so many rows, and then no more.
#[derive(Debug)]
struct Bucket {
    memory: MemoryStore,
    rows_left: AtomicI64,
}

#[async_trait]
impl Store for Bucket {
    fn capability(&self) -> &Capability {
        self.memory.capability()
    }
    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        if key.contains("plg_metrics") && self.rows_left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err(Error::new(ErrorKind::Unavailable, "the bucket takes no rows now"));
        }
        self.memory.put(key, object, condition).await
    }
    async fn get(&self, key: &str) -> Result<Option<Object>> {
        self.memory.get(key).await
    }
    async fn head(&self, key: &str) -> Result<Option<Head>> {
        self.memory.head(key).await
    }
    async fn copy(
        &self,
        from: &str,
        to: &str,
        replace: Option<Replace>,
        condition: Condition,
    ) -> Result<PutResult> {
        self.memory.copy(from, to, replace, condition).await
    }
    async fn list(&self, request: ListRequest) -> Result<ListPage> {
        self.memory.list(request).await
    }
    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        self.memory.delete(key, condition).await
    }
    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        self.memory.delete_many(keys).await
    }
}

async fn process(bucket: &Arc<Bucket>) -> (Database, Metrics) {
    let rows = RowsOptions::default().flush_every(Duration::from_secs(3_600));
    let metrics = Metrics::with(MetricsOptions::default().rows(rows));
    let db = Database::builder_on(bucket.clone(), "app").plugin(metrics.clone()).connect().await.unwrap();
    (db, metrics)
}

fn bucket() -> Arc<Bucket> {
    Arc::new(Bucket { memory: MemoryStore::new(), rows_left: AtomicI64::new(i64::MAX) })
}

async fn stored(metrics: &Metrics, verb: &str) -> u64 {
    let rows = metrics.operation_rows(&MetricsQuery::new().operation(verb).limit(usize::MAX)).await.unwrap();
    rows.iter().map(|row| row.count).sum()
}

#[tokio::test]
async fn a_thousand_calls_and_a_flush_are_one_row_and_no_call_is_counted_twice() {
    let (db, metrics) = process(&bucket()).await;
    let users = users(&db).await;
    users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
    metrics.flush().await.unwrap();
    for _ in 0..1_000 {
        users.get("ann").await.unwrap();
    }
    let before = db.requests();
    assert_eq!(metrics.flush().await.unwrap(), 1);
    let spent = db.requests() - before;
    assert_eq!((spent.put, spent.total()), (2, 2));
    assert_eq!(metrics.flush().await.unwrap(), 0, "nothing was called");
    users.insert(json!({"id": "ann"})).await.unwrap_err();
    assert_eq!(metrics.flush().await.unwrap(), 2);
    let stats = metrics.stored_stats().await.unwrap();
    assert_eq!((stats.total_operations, stats.total_errors), (1_002, 1));
    assert_eq!((stats.operations_by_type["get"].count, stats.resources["users"].count), (1_000, 1_002));
    let errors = metrics.error_rows(&MetricsQuery::new()).await.unwrap();
    assert_eq!((errors.len(), errors[0].error.as_str(), errors[0].count), (1, "validation", 1));
    let row = &metrics.operation_rows(&MetricsQuery::new().operation("get")).await.unwrap()[0];
    assert!(row.metadata["p99"].as_f64().unwrap() > 0.0 && row.total_time > 0.0, "{row:?}");
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_during_a_flush_are_in_the_next_one_and_what_is_left_when_it_stops_is_kept() {
    let bucket = bucket();
    let (db, metrics) = process(&bucket).await;
    let users = users(&db).await;
    users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
    let reader = {
        let users = users.clone();
        tokio::spawn(async move {
            for _ in 0..2_000 {
                users.get("ann").await.unwrap();
            }
        })
    };
    while !reader.is_finished() {
        metrics.flush().await.unwrap();
        tokio::task::yield_now().await;
    }
    reader.await.unwrap();
    db.close().await;
    // Another process sees what this one has done.
    let (db, metrics) = process(&bucket).await;
    assert_eq!((stored(&metrics, "get").await, stored(&metrics, "insert").await), (2_000, 1));
    db.close().await;
}

#[tokio::test]
async fn a_bucket_that_fails_in_the_middle_of_a_flush_has_each_call_once_in_the_end() {
    for taken in 0..6 {
        let bucket = bucket();
        let (db, metrics) = process(&bucket).await;
        let users = users(&db).await;
        for n in 0..10 {
            users.insert(json!({"id": format!("u{n}"), "name": "N"})).await.unwrap();
            users.get(&format!("u{n}")).await.unwrap();
        }
        users.count().await.unwrap();
        bucket.rows_left.store(taken, Ordering::SeqCst);
        metrics.flush().await.unwrap_err();
        users.get("u1").await.unwrap();
        metrics.flush().await.unwrap_err();
        bucket.rows_left.store(i64::MAX, Ordering::SeqCst);
        metrics.flush().await.unwrap();
        let sums = [
            stored(&metrics, "insert").await,
            stored(&metrics, "get").await,
            stored(&metrics, "count").await,
        ];
        assert_eq!(sums, [10, 11, 1], "after {taken}");
        db.close().await;
    }
}

#[tokio::test]
async fn scrapes_between_flushes_never_go_down() {
    let (db, metrics) = process(&bucket()).await;
    let users = users(&db).await;
    let mut last = 0;
    for n in 0..3 {
        users.insert(json!({"id": format!("u{n}"), "name": "N"})).await.unwrap();
        let text = metrics.prometheus().unwrap();
        let line = text
            .lines()
            .find(|line| line.starts_with("s3db_operations_total{operation=\"insert\",resource=\"users\"}"));
        let now: u64 = line.unwrap().rsplit(' ').next().unwrap().parse().unwrap();
        assert!(now > last, "{text}");
        last = now;
        metrics.flush().await.unwrap();
    }
    db.close().await;
}

#[tokio::test]
async fn rows_of_s3db_js_are_read_and_old_ones_deleted() {
    const DUMP: &str = include_str!("../../../../tests/buckets/plugin-metrics.json");
    let store = Arc::new(MemoryStore::new());
    let objects: Arc<dyn Store> = store.clone();
    dump::load(&objects, "", DUMP.as_bytes(), Destination::MustBeEmpty).await.unwrap();
    // Read without keeping rows itself.
    let metrics = Metrics::new();
    let db = Database::builder_on(store.clone(), "db").plugin(metrics.clone()).connect().await.unwrap();
    let rows = metrics.operation_rows(&MetricsQuery::new()).await.unwrap();
    let told: Vec<_> =
        rows.iter().map(|row| (row.resource_name.as_str(), row.operation.as_str(), row.count)).collect();
    assert_eq!(rows.len(), 4);
    for row in [("global", "insert", 1), ("global", "get", 2), ("users", "insert", 1), ("users", "get", 2)] {
        assert!(told.contains(&row), "{told:?}");
    }
    let gets = rows.iter().find(|row| row.operation == "get").unwrap();
    assert_eq!((gets.errors, gets.avg_time), (1, 0.5));
    let errors = metrics.error_rows(&MetricsQuery::new().resource("users")).await.unwrap();
    assert_eq!((errors.len(), errors[0].count), (1, 1));
    assert!(errors[0].error.starts_with("No such key") && errors[0].timestamp.starts_with("2026-11-22"));
    db.close().await;
    // Continued: the resources are taken as they are.
    let rows = RowsOptions::default().retention_days(100_000);
    let metrics = Metrics::with(MetricsOptions::default().rows(rows));
    let db = Database::builder_on(store, "db").plugin(metrics.clone()).connect().await.unwrap();
    assert_eq!(db.resource("plg_metrics").unwrap().version(), "v1");
    db.resource("users").unwrap().get("a").await.unwrap();
    metrics.flush().await.unwrap();
    assert_eq!(metrics.operation_rows(&MetricsQuery::new()).await.unwrap().len(), 5);
    assert_eq!(metrics.cleanup(100_000).await.unwrap(), 0);
    db.close().await;
}

#[tokio::test(start_paused = true)]
async fn rows_come_by_themselves_and_go_after_their_time() {
    use s3db_testkit::TokioEnv;
    let env = Arc::new(TokioEnv::new(tokio::time::Instant::now(), 0));
    let rows = RowsOptions::default().retention_days(3).errors(false);
    let metrics = Metrics::with(MetricsOptions::default().rows(rows));
    let db = Database::builder_on(Arc::new(MemoryStore::new()), "app").env(env).plugin(metrics.clone());
    let db = db.connect().await.unwrap();
    let users = users(&db).await;
    let pass = async |steps: u32, step: Duration| {
        for _ in 0..steps {
            tokio::time::advance(step).await;
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
        }
    };
    users.get_or_none("nobody").await.unwrap();
    pass(90, Duration::from_secs(1)).await;
    let query = MetricsQuery::new().resource("users");
    assert_eq!(metrics.operation_rows(&query).await.unwrap().len(), 1);
    pass(6 * 24, Duration::from_secs(3_600)).await;
    assert!(metrics.operation_rows(&query).await.unwrap().is_empty());
    assert!(metrics.error_rows(&query).await.unwrap().is_empty());
    db.close().await;
}
