use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use s3db_coordinator::{Coordinator, CoordinatorOptions};
use s3db_core::store::{
    Capability, Condition, Head, ListPage, ListRequest, MemoryStore, Object, PutObject, PutResult, Replace,
    Store,
};
use s3db_core::{Database, Error, ErrorKind, Result};
use s3db_testkit::TokioEnv;
use tokio::time::Instant;

/// A bucket that a process can be cut off from.
#[derive(Debug)]
pub(crate) struct Line {
    bucket: Arc<MemoryStore>,
    is_cut: AtomicBool,
    loses_answers: AtomicBool,
}

impl Line {
    fn open(&self) -> Result<&MemoryStore> {
        match self.is_cut.load(Ordering::SeqCst) {
            true => Err(Error::new(ErrorKind::Unavailable, "cut off").retryable(false)),
            false => Ok(&self.bucket),
        }
    }
}

#[async_trait]
impl Store for Line {
    fn capability(&self) -> &Capability {
        self.bucket.capability()
    }
    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        let done = self.open()?.put(key, object, condition).await;
        match self.loses_answers.load(Ordering::SeqCst) {
            true => Err(Error::new(ErrorKind::Unavailable, "the answer was lost").retryable(false)),
            false => done,
        }
    }
    async fn get(&self, key: &str) -> Result<Option<Object>> {
        self.open()?.get(key).await
    }
    async fn head(&self, key: &str) -> Result<Option<Head>> {
        self.open()?.head(key).await
    }
    async fn copy(
        &self,
        from: &str,
        to: &str,
        replace: Option<Replace>,
        condition: Condition,
    ) -> Result<PutResult> {
        self.open()?.copy(from, to, replace, condition).await
    }
    async fn list(&self, request: ListRequest) -> Result<ListPage> {
        self.open()?.list(request).await
    }
    async fn delete(&self, key: &str, condition: Condition) -> Result<()> {
        self.open()?.delete(key, condition).await
    }
    async fn delete_many(&self, keys: &[String]) -> Result<Vec<Result<()>>> {
        self.open()?.delete_many(keys).await
    }
}

/// A process of a fleet.
pub(crate) struct Process {
    pub(crate) db: Database,
    pub(crate) coordinator: Coordinator,
    line: Arc<Line>,
}

/// Processes that share a bucket and a moment at which time began.
pub(crate) struct Fleet {
    pub(crate) bucket: Arc<MemoryStore>,
    pub(crate) prefix: &'static str,
    start: Instant,
}

impl Fleet {
    pub(crate) fn new() -> Self {
        Self::on(Arc::new(MemoryStore::new()), "")
    }

    pub(crate) fn on(bucket: Arc<MemoryStore>, prefix: &'static str) -> Self {
        Self { bucket, prefix, start: Instant::now() }
    }

    pub(crate) async fn process(&self) -> Process {
        self.process_with(CoordinatorOptions::default(), 0).await
    }

    pub(crate) async fn process_with(&self, options: CoordinatorOptions, wrong_by_ms: i64) -> Process {
        let line = Arc::new(Line {
            bucket: self.bucket.clone(),
            is_cut: AtomicBool::new(false),
            loses_answers: AtomicBool::new(false),
        });
        let coordinator = Coordinator::with(options);
        let db = Database::builder_on(line.clone(), self.prefix)
            .env(Arc::new(TokioEnv::new(self.start, wrong_by_ms)))
            .plugin(coordinator.clone())
            .connect()
            .await
            .unwrap();
        Process { db, coordinator, line }
    }

    pub(crate) async fn processes(&self, number: usize) -> Vec<Process> {
        futures::future::join_all((0..number).map(|_| self.process())).await
    }

    /// What the lease says.
    pub(crate) async fn state(&self) -> serde_json::Value {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        let key = format!("{}{slash}plugin=coordinator/namespace=default/state.json", self.prefix);
        let object = self.bucket.get(&key).await.unwrap().unwrap();
        serde_json::from_slice(&object.body).unwrap()
    }
}

impl Process {
    pub(crate) fn leads(&self) -> bool {
        self.coordinator.is_leader()
    }

    pub(crate) fn epoch(&self) -> Option<u64> {
        self.coordinator.leadership().unwrap().epoch()
    }

    pub(crate) fn cut_off(&self, is_cut: bool) {
        self.line.is_cut.store(is_cut, Ordering::SeqCst);
    }
}

impl Process {
    /// What it writes is done, and it does not hear so.
    pub(crate) fn loses_answers(&self, loses: bool) {
        self.line.loses_answers.store(loses, Ordering::SeqCst);
    }
}

/// Lets time pass, looking at the fleet ten times a second: never two leaders.
pub(crate) async fn pass(seconds: u64, fleet: &[&Process]) {
    for _ in 0..seconds * 10 {
        tokio::time::advance(Duration::from_millis(100)).await;
        // As many turns as anybody could need for a look at a bucket in memory.
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        let leaders: Vec<_> = fleet.iter().filter_map(|process| process.epoch()).collect();
        assert!(leaders.len() <= 1, "two leaders: {leaders:?}");
    }
}

pub(crate) fn leader<'a>(fleet: &[&'a Process]) -> &'a Process {
    fleet.iter().find(|process| process.leads()).unwrap()
}
