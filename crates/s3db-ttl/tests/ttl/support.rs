use std::sync::Arc;
use std::time::Duration;

use s3db_core::store::{ListRequest, MemoryOptions, MemoryStore, Store};
use s3db_core::{Database, Resource, ResourceConfig};
use s3db_testkit::TokioEnv;
use s3db_ttl::{OnExpire, Ttl, TtlOptions, TtlRule};
use serde_json::json;
use tokio::time::Instant;

/// A bucket and the moment at which time began.
pub(crate) struct World {
    pub(crate) bucket: Arc<MemoryStore>,
    start: Instant,
}

pub(crate) struct Process {
    pub(crate) db: Database,
    pub(crate) ttl: Ttl,
}

impl World {
    pub(crate) fn new() -> Self {
        let start = Instant::now();
        let env = Arc::new(TokioEnv::new(start, 0));
        let bucket = Arc::new(MemoryStore::with(MemoryOptions { env, ..MemoryOptions::default() }));
        Self { bucket, start }
    }

    pub(crate) fn env(&self, wrong_by_ms: i64) -> Arc<TokioEnv> {
        Arc::new(TokioEnv::new(self.start, wrong_by_ms))
    }

    pub(crate) async fn process(&self, options: TtlOptions) -> Process {
        self.process_at("", options, 0).await
    }

    pub(crate) async fn process_at(&self, prefix: &str, options: TtlOptions, wrong_by_ms: i64) -> Process {
        let ttl = Ttl::with(options);
        let db = Database::builder_on(self.bucket.clone(), prefix)
            .env(self.env(wrong_by_ms))
            .plugin(ttl.clone())
            .connect()
            .await
            .unwrap();
        Process { db, ttl }
    }

    /// Keys of entries and of their references.
    pub(crate) async fn entries(&self) -> Vec<String> {
        let page = self.bucket.list(ListRequest::prefix(String::new())).await.unwrap();
        let keys = page.entries.iter().map(|entry| entry.key.to_string());
        keys.filter(|key| key.contains("ttl_expiration_index") && !key.ends_with("s3db.json")).collect()
    }
}

/// Sessions that end 30 seconds after they were created.
pub(crate) fn sessions() -> TtlOptions {
    TtlOptions::default().rule("sessions", TtlRule::after(Duration::from_secs(30), OnExpire::HardDelete))
}

/// Offers that end when they say so.
pub(crate) fn offers(on_expire: OnExpire) -> TtlOptions {
    TtlOptions::default().rule("offers", TtlRule::at("endsAt", on_expire)).scan_every(Duration::from_secs(10))
}

pub(crate) async fn resource(db: &Database, name: &str) -> Resource {
    let attributes = json!({"name": "string|optional", "endsAt": "string|optional", "deletedat": "string|optional", "isdeleted": "string|optional"});
    let config = ResourceConfig::new(name, attributes).timestamps(name == "sessions").paranoid(false);
    db.create_resource(config).await.unwrap()
}

/// A time after the beginning, as a document has it.
pub(crate) fn at(seconds: i64) -> String {
    let minutes = seconds / 60;
    let (days, hours) = (minutes / 1440, minutes / 60 % 24);
    format!("2025-01-{:02}T{hours:02}:{:02}:{:02}.000Z", 1 + days, minutes % 60, seconds % 60)
}

/// Lets time pass.
pub(crate) async fn pass(seconds: u64) {
    for _ in 0..seconds {
        tokio::time::advance(Duration::from_secs(1)).await;
        // As many turns as anybody could need for what is done in a bucket in memory.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
}
