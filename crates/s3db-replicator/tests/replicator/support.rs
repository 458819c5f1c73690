use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use s3db_core::env::Env as _;
use s3db_core::store::{
    Capability, Condition, Head, ListPage, ListRequest, MemoryOptions, MemoryStore, Object, PutObject,
    PutResult, Replace, Store,
};
use s3db_core::{Database, Document, Error, ErrorKind, Resource, ResourceConfig, Result};
use s3db_replicator::{Batch, Outcome, Replicator, ReplicatorOptions, Routes, Target, Write};
use s3db_testkit::TokioEnv;
use serde_json::{Value, json};
use tokio::time::Instant;

/// How a system takes a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mood {
    #[default]
    Fine,
    /// It cannot be reached.
    Down,
    /// It takes no document at the moment.
    Busy,
    /// It answers after five seconds.
    Slow,
    /// It never answers.
    Hangs,
    Panics,
}

/// A system that keeps what it gets.
#[derive(Clone, Default)]
pub(crate) struct System(Arc<Kept>);

impl std::fmt::Debug for System {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("System")
    }
}

#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) documents: Mutex<BTreeMap<String, Document>>,
    pub(crate) changes: Mutex<Vec<Value>>,
    mood: Mutex<Mood>,
    refused: Mutex<Vec<String>>,
    opening: Mutex<Option<Error>>,
    pub(crate) calls: AtomicU64,
}

impl System {
    pub(crate) fn is(&self, mood: Mood) {
        *self.0.mood.lock().unwrap() = mood;
    }

    /// Refuses documents of these ids from now on, and no others.
    pub(crate) fn refuse(&self, ids: &[&str]) {
        *self.0.refused.lock().unwrap() = ids.iter().map(ToString::to_string).collect();
    }

    pub(crate) fn fails_to_open(&self, error: Error) {
        *self.0.opening.lock().unwrap() = Some(error);
    }

    /// Has a document that the source has not.
    pub(crate) fn keep(&self, id: &str) {
        self.0.documents.lock().unwrap().insert(id.to_owned(), Document::new());
    }

    pub(crate) fn document(&self, id: &str) -> Option<Document> {
        self.0.documents.lock().unwrap().get(id).cloned()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.documents.lock().unwrap().len()
    }

    pub(crate) fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Relaxed)
    }

    /// Operation and id of each change that it was told of.
    pub(crate) fn told(&self) -> Vec<String> {
        let changes = self.0.changes.lock().unwrap();
        changes
            .iter()
            .map(|change| format!("{} {}", text(&change["operation"]), text(&change["id"])))
            .collect()
    }

    pub(crate) fn changes(&self) -> Vec<Value> {
        self.0.changes.lock().unwrap().clone()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[async_trait]
impl Target for System {
    fn driver(&self) -> &'static str {
        "system"
    }

    async fn open(&self, _: &[s3db_replicator::Routed]) -> Result<()> {
        self.0.opening.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    async fn deliver(&self, batch: &Batch) -> Result<Vec<Outcome>> {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        let mood = *self.0.mood.lock().unwrap();
        match mood {
            Mood::Fine => {}
            Mood::Busy => {
                let busy = || Error::new(ErrorKind::Throttled, "not now").retryable(true);
                return Ok(batch.deliveries().iter().map(|_| Outcome::Failed(busy())).collect());
            }
            Mood::Down => return Err(Error::new(ErrorKind::Unavailable, "nobody answers").retryable(true)),
            Mood::Slow => TokioEnv::new(Instant::now(), 0).sleep(Duration::from_secs(5)).await,
            Mood::Hangs => std::future::pending().await,
            Mood::Panics => assert_ne!(mood, Mood::Panics, "this target panics"),
        }
        let mut outcomes = Vec::new();
        for delivery in batch.deliveries() {
            if self.0.refused.lock().unwrap().contains(&delivery.id) {
                let error = Error::new(ErrorKind::Validation, "a column is too short").retryable(false);
                outcomes.push(Outcome::Failed(error));
                continue;
            }
            let write = match batch.read(delivery).await {
                Ok(write) => write,
                Err(error) => {
                    outcomes.push(Outcome::Failed(error));
                    continue;
                }
            };
            let mut documents = self.0.documents.lock().unwrap();
            let has = documents.contains_key(&delivery.id);
            match write {
                Write::Upsert(document) => drop(documents.insert(delivery.id.clone(), document)),
                Write::InsertOnly(document) if !has => drop(documents.insert(delivery.id.clone(), document)),
                Write::UpdateOnly(document) if has => drop(documents.insert(delivery.id.clone(), document)),
                Write::Delete => drop(documents.remove(&delivery.id)),
                _ => {}
            }
            for change in &delivery.changes {
                let mut told = serde_json::to_value(change.as_ref()).unwrap();
                told["change_id"] = json!(change.change_id);
                told["is_certain"] = json!(change.is_certain);
                told["to"] = json!(delivery.routed.to);
                self.0.changes.lock().unwrap().push(told);
            }
            outcomes.push(Outcome::Done);
        }
        Ok(outcomes)
    }
}

/// A bucket that takes its time, and whose outbox takes nothing, or whose catalogue cannot be read, while it is told so.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    memory: MemoryStore,
    pub(crate) refuses: AtomicBool,
    pub(crate) hides_catalog: AtomicBool,
}

#[async_trait]
impl Store for Bucket {
    fn capability(&self) -> &Capability {
        self.memory.capability()
    }
    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        if key.contains("/outbox/") && self.refuses.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Denied, "no changes today"));
        }
        tokio::task::yield_now().await;
        self.memory.put(key, object, condition).await
    }
    async fn get(&self, key: &str) -> Result<Option<Object>> {
        if key.ends_with("s3db.json") && self.hides_catalog.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "no catalogue today"));
        }
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

/// A bucket and the moment at which time began.
pub(crate) struct World {
    pub(crate) bucket: Arc<MemoryStore>,
    start: Instant,
}

pub(crate) struct Process {
    pub(crate) db: Database,
    pub(crate) replicator: Replicator,
}

impl World {
    pub(crate) fn new() -> Self {
        let start = Instant::now();
        let env = Arc::new(TokioEnv::new(start, 0));
        let bucket = Arc::new(MemoryStore::with(MemoryOptions { env, ..MemoryOptions::default() }));
        Self { bucket, start }
    }

    pub(crate) fn env(&self) -> Arc<TokioEnv> {
        Arc::new(TokioEnv::new(self.start, 0))
    }

    pub(crate) async fn try_process(&self, options: ReplicatorOptions) -> Result<Process> {
        let replicator = Replicator::with(options);
        let db = Database::builder_on(self.bucket.clone(), "")
            .env(self.env())
            .passphrase(s3db_core::encoding::Passphrase::new("open sesame"))
            .plugin(replicator.clone())
            .connect()
            .await?;
        Ok(Process { db, replicator })
    }

    pub(crate) async fn process(&self, options: ReplicatorOptions) -> Process {
        self.try_process(options).await.unwrap()
    }

    /// Objects of the outbox.
    pub(crate) async fn outbox(&self) -> Vec<String> {
        let page = self.bucket.list(ListRequest::prefix(String::new())).await.unwrap();
        let keys = page.entries.iter().map(|entry| entry.key.to_string());
        keys.filter(|key| key.contains("/outbox/")).collect()
    }

    /// Everything that stands in the bucket, as text.
    pub(crate) async fn all_bytes(&self) -> String {
        let page = self.bucket.list(ListRequest::prefix(String::new())).await.unwrap();
        let mut all = String::new();
        for entry in page.entries {
            let object = self.bucket.get(&entry.key).await.unwrap().unwrap();
            all.push_str(&format!("{} {:?} ", entry.key, object.head.metadata));
            all.push_str(&String::from_utf8_lossy(&object.body));
        }
        all
    }
}

/// One target, that gets everything, under the name `system`.
pub(crate) fn to(system: &System) -> ReplicatorOptions {
    ReplicatorOptions::default().target("system", system.clone(), Routes::all())
}

pub(crate) async fn users(db: &Database) -> Resource {
    let attributes = json!({"name": "string", "age": "number|optional", "pin": "secret|optional", "address": {"city": "string|optional", "code": "secret|optional"}});
    db.create_resource(ResourceConfig::new("users", attributes)).await.unwrap()
}

/// Lets time pass.
pub(crate) async fn pass(seconds: u64) {
    for _ in 0..seconds {
        tokio::time::advance(Duration::from_secs(1)).await;
        // As many turns as anybody could need for what is done in a bucket in memory.
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }
}
