//! What calls cost: receipts, budgets, and what is known before.

mod budgets;
mod explain;
mod observers;
mod receipts;
mod recorder;

use std::sync::Arc;

use s3db::plan::PartitionWrites;
use s3db::price::AWS_S3_STANDARD;
use s3db::store::{MemoryStore, Store};
use s3db::{Database, Resource, ResourceConfig};
use s3db_testkit::TestEnv;
use serde_json::{Value, json};

/// A database on `store` with the prices of AWS.
async fn database_on(store: Arc<dyn Store>, writes: PartitionWrites) -> Database {
    let builder = Database::builder_on(store, "app").env(Arc::new(TestEnv::new(1))).options(|options| {
        options.prices = Some(AWS_S3_STANDARD);
        options.partition_writes = writes;
    });
    builder.connect().await.unwrap()
}

async fn database() -> Database {
    database_on(Arc::new(MemoryStore::new()), PartitionWrites::Safe).await
}

fn attributes() -> Value {
    json!({ "name": "string", "email": "string|optional", "region": "string|optional" })
}

/// Documents by themselves.
async fn plain(db: &Database) -> Resource {
    db.create_resource(ResourceConfig::new("plain", attributes())).await.unwrap()
}

/// Documents with a partition and a unique value.
async fn indexed(db: &Database) -> Resource {
    let mut attributes = attributes();
    attributes["email"] = json!("string|unique|optional");
    let config = ResourceConfig::new("indexed", attributes)
        .partitions(json!({ "byRegion": { "fields": { "region": "string" } } }));
    db.create_resource(config).await.unwrap()
}
