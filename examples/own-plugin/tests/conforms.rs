//! The plugin against the kit that every plugin of s3db passes, and what it is for.

use std::sync::Arc;

use s3db::plugin::Plugin;
use s3db::store::MemoryStore;
use s3db::{Database, Document, ResourceConfig};
use s3db_plugin_tally::Tally;
use s3db_testkit::plugins::{self, Options};
use serde_json::json;

#[tokio::test]
async fn it_conforms() {
    let factory = |namespace: Option<&str>| -> Arc<dyn Plugin> {
        Arc::new(match namespace {
            Some(namespace) => Tally::new().namespace(namespace),
            None => Tally::new(),
        })
    };
    plugins::check(Arc::new(MemoryStore::new()), factory, Options::default()).await.assert_green();
}

#[tokio::test]
async fn totals_outlive_the_process() {
    let store = Arc::new(MemoryStore::new());
    for (id, total) in [("ann", 1), ("bob", 2)] {
        let db = Database::builder_on(store.clone(), "").plugin(Tally::new()).connect().await.unwrap();
        let users = db.create_resource(ResourceConfig::new("users", json!({"name": "string"}))).await.unwrap();
        users.insert(json!({"id": id, "name": "x"})).await.unwrap();
        let totals = db.run_plugin_command("tally", "totals", Document::new()).await.unwrap();
        assert_eq!(totals, json!({"users": total}));
        db.close().await;
    }
}
