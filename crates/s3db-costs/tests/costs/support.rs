use std::sync::Arc;

use s3db_core::price::AWS_S3_STANDARD;
use s3db_core::store::{MemoryStore, Meter};
use s3db_core::{Database, Resource, ResourceConfig};
use s3db_costs::{Costs, CostsOptions};
use s3db_testkit::TestEnv;
use serde_json::json;

/// A database in memory whose bucket counts by itself, with prices of AWS.
pub(crate) struct World {
    pub(crate) db: Database,
    pub(crate) bucket: Meter,
    pub(crate) env: Arc<TestEnv>,
}

pub(crate) async fn world() -> World {
    let (store, bucket) = Meter::wrap(Arc::new(MemoryStore::new()));
    let env = Arc::new(TestEnv::new(1));
    let db = Database::builder_on(store, "app")
        .env(env.clone())
        .options(|options| options.prices = Some(AWS_S3_STANDARD))
        .connect()
        .await
        .unwrap();
    World { db, bucket, env }
}

impl World {
    /// Begins to count.
    pub(crate) async fn costs(&self, options: CostsOptions) -> Costs {
        let costs = Costs::with(options);
        self.db.plugin(costs.clone()).await.unwrap();
        costs
    }
}

pub(crate) async fn resource(db: &Database, name: &str) -> Resource {
    let attributes =
        json!({"name": "string", "email": "string|unique|optional", "region": "string|optional"});
    let config = ResourceConfig::new(name, attributes)
        .paranoid(false)
        .partitions(json!({"byRegion": {"fields": {"region": "string"}}}));
    db.create_resource(config).await.unwrap()
}

pub(crate) async fn plain(db: &Database, name: &str) -> Resource {
    db.create_resource(ResourceConfig::new(name, json!({"name": "string"})).paranoid(false)).await.unwrap()
}
