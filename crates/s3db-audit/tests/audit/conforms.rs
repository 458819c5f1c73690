use std::sync::Arc;

use s3db_audit::{Audit, AuditOptions};
use s3db_core::plugin::Plugin;
use s3db_core::store::{FileOptions, FileStore, Fsync, MemoryStore};
use s3db_testkit::plugins::{self, Options};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_audit_conforms_in_memory_and_in_a_folder() {
    for strict in [false, true] {
        let factory = move |namespace: Option<&str>| -> Arc<dyn Plugin> {
            let options = AuditOptions::default().strict(strict);
            Arc::new(Audit::with(match namespace {
                Some(namespace) => options.namespace(namespace),
                None => options,
            }))
        };
        plugins::check(Arc::new(MemoryStore::new()), factory, Options::default()).await.assert_green();
        let folder = tempfile::tempdir().unwrap();
        let options = FileOptions { fsync: Fsync::Never, ..FileOptions::default() };
        let store = FileStore::open(folder.path(), options).await.unwrap();
        plugins::check(Arc::new(store), factory, Options::default()).await.assert_green();
    }
}
