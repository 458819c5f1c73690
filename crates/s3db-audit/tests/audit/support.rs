use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use s3db_audit::{Audit, AuditEntry, AuditOptions, AuditQuery};
use s3db_core::encoding::Passphrase;
use s3db_core::store::{
    Capability, Condition, Head, ListPage, ListRequest, MemoryStore, Object, PutObject, PutResult, Replace,
    Store,
};
use s3db_core::{Database, Error, ErrorKind, Resource, ResourceConfig, Result};
use s3db_testkit::TestEnv;
use serde_json::json;

/// A bucket that takes no rows while it is told so.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    pub(crate) memory: MemoryStore,
    pub(crate) refuses_rows: AtomicBool,
}

impl Bucket {
    fn takes(&self, key: &str) -> Result<()> {
        match key.contains("audit") && self.refuses_rows.load(Ordering::SeqCst) {
            true => Err(Error::new(ErrorKind::Denied, "no rows today")),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Store for Bucket {
    fn capability(&self) -> &Capability {
        self.memory.capability()
    }
    async fn put(&self, key: &str, object: PutObject, condition: Condition) -> Result<PutResult> {
        self.takes(key)?;
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

pub(crate) struct World {
    pub(crate) db: Database,
    pub(crate) audit: Audit,
    pub(crate) env: Arc<TestEnv>,
    pub(crate) bucket: Arc<Bucket>,
}

pub(crate) async fn world(options: AuditOptions) -> World {
    let (audit, env, bucket) = (Audit::with(options), Arc::new(TestEnv::new(1)), Arc::new(Bucket::default()));
    let db = Database::builder_on(bucket.clone(), "")
        .env(env.clone())
        .passphrase(Passphrase::new("correct horse battery staple"))
        .plugin(audit.clone())
        .connect()
        .await
        .unwrap();
    World { db, audit, env, bucket }
}

impl World {
    pub(crate) async fn users(&self) -> Resource {
        let attributes =
            json!({"name": "string|optional", "region": "string|optional", "n": "number|optional"});
        let config = ResourceConfig::new("users", attributes).paranoid(false);
        let partitions = json!({"byRegion": {"fields": {"region": "string"}}});
        self.db.create_resource(config.partitions(partitions)).await.unwrap()
    }

    /// All rows, once they are written.
    pub(crate) async fn rows(&self) -> Vec<AuditEntry> {
        self.audit.flush().await.unwrap();
        self.audit.rows(&AuditQuery::new().limit(usize::MAX)).await.unwrap()
    }

    /// All that the bucket holds under keys with `part`, as text.
    pub(crate) async fn text_of(&self, part: &str) -> String {
        let page = self.bucket.memory.list(ListRequest::prefix(String::new())).await.unwrap();
        let mut text = String::new();
        for entry in page.entries.iter().filter(|entry| entry.key.contains(part)) {
            let object = self.bucket.memory.get(&entry.key).await.unwrap().unwrap();
            text.push_str(&format!("{} {:?} ", entry.key, object.head.metadata));
            text.push_str(&String::from_utf8_lossy(&object.body));
        }
        text
    }
}
