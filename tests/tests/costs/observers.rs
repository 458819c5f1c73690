//! Observers of requests see what receipts count, once each.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::FutureExt as _;
use s3db::Result;
use s3db::plan::PartitionWrites;
use s3db::plugin::{Installer, Manifest, Plugin, Purge};
use s3db::store::{
    Capability, Condition, Head, ListPage, ListRequest, MemoryStore, Object, PutObject, PutResult, Replace,
    Request, RequestObserver, Requests, Store, Traffic, Verb,
};
use serde_json::json;

use super::{database, database_on, indexed, plain};

/// What was told.
#[derive(Debug, Default)]
struct Log(Mutex<Told>);

#[derive(Debug, Default, Clone)]
struct Told {
    requests: Requests,
    traffic: Traffic,
    lines: Vec<String>,
}

impl Log {
    fn take(&self) -> Told {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl RequestObserver for Log {
    fn request(&self, request: &Request<'_>) {
        let mut told = self.0.lock().unwrap();
        told.requests += request.kind.times(request.attempts());
        told.traffic.bytes_in += request.traffic.bytes_in;
        told.traffic.bytes_out += request.traffic.bytes_out;
        let (resource, plugin) = (request.resource().unwrap_or("-"), request.plugin().unwrap_or("-"));
        let operation = request.operation.unwrap_or("-");
        told.lines.push(format!("{} {resource} {plugin} {operation} {:?}", request.kind, request.outcome));
    }
}

#[tokio::test]
async fn every_request_is_told_once_with_the_numbers_of_receipts() {
    for writes in [PartitionWrites::Safe, PartitionWrites::Parallel, PartitionWrites::Background] {
        let db = database_on(Arc::new(MemoryStore::new()), writes).await;
        let users = indexed(&db).await;
        let (log, before) = (Arc::new(Log::default()), db.requests());
        let observing = db.observe_requests(log.clone());
        let ((), receipt) = users
            .receipt(async |users| {
                let ann = json!({"id": "ann", "name": "Ann", "region": "EU", "email": "a@b.c"});
                users.insert(ann.clone()).await.unwrap();
                users.insert(ann).await.unwrap_err();
                users.get("nobody").await.unwrap_err();
                users.update("ann", json!({"region": "US"})).await.unwrap();
                users.insert_many([json!({"id": "b", "name": "B"}), json!({"name": "C"})]).await;
                users
                    .partition("byRegion", json!({"region": "US"}))
                    .unwrap()
                    .list(Default::default())
                    .await
                    .unwrap();
                users.get_all().await.unwrap();
                users.count().await.unwrap();
                users.delete("ann").await.unwrap();
                db.flush().await;
            })
            .await;
        let told = log.take();
        assert_eq!(told.requests, db.requests() - before, "{writes:?}");
        // What is written in the background after a call is on no receipt of it.
        if writes != PartitionWrites::Background {
            assert_eq!((told.requests, told.traffic), (receipt.requests, receipt.traffic), "{writes:?}");
        }
        observing.remove();
        users.count().await.unwrap();
        assert_eq!(log.take().lines, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_request_says_what_it_was_for_and_how_it_ended() {
    let db = database().await;
    let users = indexed(&db).await;
    let log = Arc::new(Log::default());
    db.observe_requests(log.clone()).keep();
    users.insert(json!({"id": "ann", "name": "Ann", "email": "a@b.c"})).await.unwrap();
    assert_eq!(log.take().lines, ["PUT indexed s3db-unique insert Done", "PUT indexed - insert Done"]);
    users.get("nobody").await.unwrap_err();
    users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap_err();
    users.exists("ann").await.unwrap();
    users.count().await.unwrap();
    db.refresh().await.unwrap();
    assert_eq!(
        log.take().lines,
        [
            "GET indexed - get Absent",
            "PUT indexed - insert Failed(Conflict)",
            "HEAD indexed - exists Done",
            "LIST indexed - count Done",
            "GET - - - Done",
        ]
    );
    assert!(users.delete_many(["ann"]).await.failed.is_empty());
    let lines = log.take().lines;
    assert!(lines.iter().all(|line| line.contains(" indexed ") && line.contains("delete_many")), "{lines:?}");
}

/// Fails each time.
#[derive(Debug)]
struct Panics;

impl RequestObserver for Panics {
    fn request(&self, _: &Request<'_>) {
        panic!("an observer that is wrong");
    }
}

#[tokio::test]
async fn an_observer_that_panics_harms_no_call_and_no_other_observer() {
    let db = database().await;
    let users = plain(&db).await;
    let log = Arc::new(Log::default());
    db.observe_requests(Arc::new(Panics)).keep();
    db.observe_requests(log.clone()).keep();
    users.insert(json!({"id": "ann", "name": "Ann"})).await.unwrap();
    assert_eq!(log.take().requests, Verb::Put.times(1));
}

#[tokio::test]
async fn a_request_whose_caller_goes_away_is_told_as_cancelled() {
    let slow = Arc::new(Slow(MemoryStore::new(), AtomicBool::new(false)));
    let db = database_on(slow.clone(), PartitionWrites::Safe).await;
    let users = plain(&db).await;
    let log = Arc::new(Log::default());
    db.observe_requests(log.clone()).keep();
    slow.1.store(true, Ordering::Relaxed);
    assert!(users.get("ann").now_or_never().is_none());
    assert_eq!(log.take().lines, ["GET plain - get Cancelled"]);
    assert!(users.count().now_or_never().is_some());
}

/// Reads of documents never end once it is told so.
#[derive(Debug)]
struct Slow(MemoryStore, AtomicBool);

#[async_trait]
impl Store for Slow {
    fn capability(&self) -> &Capability {
        self.0.capability()
    }

    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        self.0.put(key, object, condition).await
    }

    async fn get(&self, key: &str) -> Result<Option<Object>> {
        if self.1.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        self.0.get(key).await
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        self.0.head(key).await
    }

    async fn copy(
        &self,
        from: &str,
        to: &str,
        replace: Option<Replace>,
        condition: Condition,
    ) -> Result<PutResult> {
        self.0.copy(from, to, replace, condition).await
    }

    async fn list(&self, request: ListRequest) -> Result<ListPage> {
        self.0.list(request).await
    }

    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        self.0.delete(key, condition).await
    }

    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        self.0.delete_many(keys).await
    }
}

#[derive(Debug)]
struct Counting(Arc<Log>);

#[async_trait]
impl Plugin for Counting {
    fn manifest(&self) -> Manifest {
        Manifest::new("counting", "1.0.0")
    }

    async fn install(&self, installer: &mut Installer) -> Result<()> {
        installer.requests(self.0.clone());
        Ok(())
    }
}

#[tokio::test]
async fn a_plugin_observes_until_it_is_taken_out() {
    let db = database().await;
    let users = plain(&db).await;
    let log = Arc::new(Log::default());
    db.plugin(Counting(log.clone())).await.unwrap();
    log.take();
    users.count().await.unwrap();
    assert_eq!(log.take().lines, ["LIST plain - count Done"]);
    db.uninstall_plugin("counting", Purge::Keep).await.unwrap();
    log.take();
    users.count().await.unwrap();
    assert_eq!(log.take().lines.len(), 0);
}
