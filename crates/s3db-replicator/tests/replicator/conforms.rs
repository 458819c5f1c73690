use std::sync::Arc;

use s3db_core::plugin::Plugin;
use s3db_core::store::{FileOptions, FileStore, Fsync, MemoryStore};
use s3db_replicator::{Replicator, ReplicatorOptions, Routes};
use s3db_testkit::plugins::{self, Options};

use crate::support::System;

fn factory(namespace: Option<&str>) -> Arc<dyn Plugin> {
    let options = ReplicatorOptions::default().target("system", System::default(), Routes::all());
    Arc::new(Replicator::with(match namespace {
        Some(namespace) => options.namespace(namespace),
        None => options,
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_conforms_in_memory_and_in_a_folder() {
    plugins::check(Arc::new(MemoryStore::new()), factory, Options::default()).await.assert_green();
    let folder = tempfile::tempdir().unwrap();
    let options = FileOptions { fsync: Fsync::Never, ..FileOptions::default() };
    let store = FileStore::open(folder.path(), options).await.unwrap();
    plugins::check(Arc::new(store), factory, Options::default()).await.assert_green();
}
