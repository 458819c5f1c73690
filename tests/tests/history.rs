//! Old versions of documents, in buckets that keep versions of their objects.

mod buckets;
mod errors;
mod reads;
mod snapshots;
mod undo;

use std::sync::Arc;

use s3db::store::{MemoryOptions, MemoryStore, Store};
use s3db::{Database, Resource, ResourceConfig};
use s3db_testkit::TestEnv;
use serde_json::json;

/// A bucket in memory that keeps versions, and its clock.
struct World {
    env: Arc<TestEnv>,
    bucket: MemoryStore,
}

impl World {
    fn new() -> Self {
        let env = Arc::new(TestEnv::new(1));
        let options = MemoryOptions { env: env.clone(), ..MemoryOptions::default() };
        Self { bucket: MemoryStore::with(options.keep_versions()), env }
    }

    async fn open(&self) -> Database {
        open_on(Arc::new(self.bucket.clone()), self.env.clone()).await
    }
}

async fn open_on(store: Arc<dyn Store>, env: Arc<TestEnv>) -> Database {
    Database::builder_on(store, "").env(env).connect().await.unwrap()
}

async fn users(db: &Database) -> Resource {
    let attributes = json!({"name": "string", "age": "number|optional", "city": "string|optional"});
    db.create_resource(ResourceConfig::new("users", attributes)).await.unwrap()
}

/// The names that a history tells, the newest first; `-` for a deletion.
async fn names(users: &Resource, id: &str) -> Vec<String> {
    let history = users.history(id).await.unwrap();
    let name = |version: &s3db::resource::DocumentVersion| match &version.record {
        Some(record) => record.data["name"].as_str().unwrap_or("?").to_owned(),
        None if version.is_deleted => "-".to_owned(),
        None => format!("unreadable: {:?}", version.unreadable),
    };
    history.iter().map(name).collect()
}
